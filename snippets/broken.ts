// The bug. auth() stands above every route. So each response to a logged-in
// browser sets the session cookie again, and the response to a request that
// was in flight during the logout logs the user back in.
//
// Log in and click "Log out": you are still logged in. The log in the terminal
// says why, in the line of the response to /update.
//
//   npx tsx snippets/broken.ts

import express from "express";
import { auth } from "express-openid-connect";
import { log } from "./support/log.ts";
import { page } from "./support/page.ts";
import { prepare } from "./support/server.ts";
import { userOf } from "./support/user.ts";

const { baseURL, provider, record, serve } = await prepare();
const app = express();
app.use(log);

// #region app
app.use(
  auth({
    ...provider,
    baseURL,
    authRequired: false,
    idpLogout: true,
    authorizationParams: { response_type: "code" },
  }),
);

app.get("/", page);
app.get("/whoami", (req, res) => {
  res.json({ user: userOf(req) });
});

app.post("/update", express.json(), record);
app.post("/draft", express.json(), record);
// #endregion app

serve(app);
