// The bug. auth() stands above every route. So each response to a logged-in
// browser sets the session cookie again, and the response to a request that
// was in flight during the logout logs the user back in.
//
// Log in and click "Log out": you are still logged in. The terminal says why:
//
//   → POST /update    session cookie sent
//   → GET  /logout    session cookie sent
//   ← GET  /logout    session cookie cleared
//   ← POST /update    session cookie set
//
//   npx tsx snippets/broken.ts

import express from "express";
import { auth } from "express-openid-connect";
import { log, page, prepare, whoami } from "./support/index.ts";

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
app.get("/whoami", whoami);
app.post("/update", express.json(), record);
app.post("/draft", express.json(), record);
// #endregion app

serve(app);

// What npm run verify expects:
// Verdict: update cookie set, logout cookie cleared, browser 19, server 35,
// draft 19, next user alice, late request alice, knows user yes, rolls yes,
// other device in, other tab alice.
// Histories: breaks ended is ended, nobody else, nobody is thrown out, nothing
// is inherited, nothing is lost.
