// All of it, for an app with a session store: the file that you can take into
// yours, drop-in/lasting-logout.ts. A session that has ended stays ended, and
// only a response that begins, changes, extends or ends a session touches its
// cookie. The price: each request asks the store twice.
//
//   npx tsx snippets/fix-complete.ts

import express from "express";
import { auth } from "express-openid-connect";
import { lastingLogout } from "./drop-in/lasting-logout.ts";
import { log, MemoryStore, page, prepare, whoami } from "./support/index.ts";

const { baseURL, provider, record, serve } = await prepare();
const app = express();
app.use(log);

const store = new MemoryStore({ checkPeriod: 24 * 60 * 60 * 1000 });

// #region app
app.use(
  lastingLogout(auth, {
    ...provider,
    baseURL,
    authRequired: false,
    idpLogout: true,
    authorizationParams: { response_type: "code" },
    session: { store },
  }),
);

app.get("/", page);
app.get("/whoami", whoami);
app.post("/update", express.json(), record);
app.post("/draft", express.json(), record);
// #endregion app

serve(app);
