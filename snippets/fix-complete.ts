// All of it, in the one file that you can take into your app: lastingLogout
// wraps auth(). A session that has ended stays ended, and only a response that
// begins, changes, extends or ends a session touches its cookie. It works with
// the store that you have. The price: two reads of it for each request, or one
// where you can give it `update`, which writes only what is there.
//
//   npx tsx snippets/fix-complete.ts
//   REDIS_URL=redis://localhost:6379 npx tsx snippets/fix-complete.ts

import express from "express";
import { auth } from "express-openid-connect";
import { lastingLogout } from "./drop-in/lasting-logout.ts";
import { log, openStore, page, prepare, whoami } from "./support/index.ts";

const { baseURL, provider, record, serve } = await prepare();
const app = express();
app.use(log);

const { store, ...options } = await openStore();

// #region app
app.use(
  lastingLogout(
    auth,
    {
      ...provider,
      baseURL,
      authRequired: false,
      idpLogout: true,
      authorizationParams: { response_type: "code" },
      session: { store },
    },
    options,
  ),
);

app.get("/", page);
app.get("/whoami", whoami);
app.post("/update", express.json(), record);
app.post("/draft", express.json(), record);
// #endregion app

serve(app);

// What npm run verify expects:
// Verdict: as broken, but update cookie untouched, browser 0, server 0, draft
// 0, next user bob, late request bob, other tab none, late write none. Tried
// after half a day. Can use Redis.
// Histories: breaks nothing.
