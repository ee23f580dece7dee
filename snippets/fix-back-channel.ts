// The standard's own remedy: OpenID Connect Back-Channel Logout. When the user
// logs out, the provider tells the app, and the library's hooks refuse the
// session from then on. Until that call arrives, it lives. And the hooks refuse
// the user, not only the session: all of their devices are logged out, until
// the user logs in on one of them. Then the others are logged in again, too. A
// late response still sets a cookie, which the next one clears.
//
//   npx tsx snippets/fix-back-channel.ts

import express from "express";
import { auth } from "express-openid-connect";
import { log, MemoryStore, page, prepare, whoami } from "./support/index.ts";

const { baseURL, provider, record, serve } = await prepare({
  backChannelLogout: true,
});
const app = express();
app.use(log);

const loggedOut = new MemoryStore({ checkPeriod: 24 * 60 * 60 * 1000 });

// #region app
app.use(
  auth({
    ...provider,
    baseURL,
    authRequired: false,
    idpLogout: true,
    authorizationParams: { response_type: "code" },
    backchannelLogout: { store: loggedOut },
  }),
);

app.get("/", page);
app.get("/whoami", whoami);
app.post("/update", express.json(), record);
app.post("/draft", express.json(), record);
// #endregion app

serve(app);

// What npm run verify expects:
// Verdict: as broken, but browser 0, server 0, draft 0, next user none, late
// request none, other device out, other tab none. One process only.
// Histories: breaks ended is ended, nobody else, nobody is thrown out, nothing
// is inherited, nothing is lost.
