// The post's fix. The /update handler stands above auth(), and Express runs a
// middleware only for what is registered below it: no response of this route
// sets the session cookie. The price: the route neither knows nor checks who
// calls. And every other route still has the bug.
//
//   npx tsx snippets/fix-ordering.ts

import express from "express";
import { auth } from "express-openid-connect";
import { log, page, prepare, whoami } from "./support/index.ts";

const { baseURL, provider, record, serve } = await prepare();
const app = express();
app.use(log);

// #region app
app.post("/update", express.json(), record);

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
app.get("/whoami", whoami);
app.post("/draft", express.json(), record);
// #endregion app

serve(app);

// What npm run verify expects:
// Verdict: as broken, but update cookie untouched, browser 0, next user bob,
// late request bob, knows user no.
// Histories: breaks ended is ended, nobody else, nobody is thrown out, nothing
// is inherited, nothing is lost.
