// The same without a session store: sessions stay in their cookies, and the
// server remembers only which of them have ended.
//
//   npx tsx snippets/fix-complete-cookie.ts

import express from "express";
import { auth } from "express-openid-connect";
import { LRUCache } from "lru-cache";
import { lastingLogout } from "./drop-in/lasting-logout.ts";
import { log, page, prepare, whoami } from "./support/index.ts";

const { baseURL, provider, record, serve } = await prepare();
const app = express();
app.use(log);

// #region ended
const entries = new LRUCache<string, true>({ ttl: 1, ttlAutopurge: true });
const ended = {
  has: (id: string) => entries.has(id),
  add: (id: string, lifeMs: number) => entries.set(id, true, { ttl: lifeMs }),
};
// #endregion ended

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
    },
    { ended },
  ),
);

app.get("/", page);
app.get("/whoami", whoami);
app.post("/update", express.json(), record);
app.post("/draft", express.json(), record);
// #endregion app

serve(app);
