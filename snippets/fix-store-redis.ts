// fix-store.ts for more than one process: the sessions are in Redis, and its
// SET … XX is the rule in one command. It writes only if there is something,
// and lets nobody in between. When Redis does not answer, the library takes
// that for "no session". The price: one read that fails logs the user out for
// good. The library clears the cookie, and destroys the session if it can.
//
//   REDIS_URL=redis://localhost:6379 npx tsx snippets/fix-store-redis.ts

import express from "express";
import { auth } from "express-openid-connect";
import { LRUCache } from "lru-cache";
import { log, openRedis, page, prepare, whoami } from "./support/index.ts";

const { baseURL, provider, record, serve } = await prepare();
const app = express();
app.use(log);

const DAY_MS = 24 * 60 * 60 * 1000; // the library's rollingDuration
const redis = await openRedis();
// Most are never used. What keeps only the newest does not grow.
const newIds = new LRUCache<string, true>({ max: 10_000 });

const store = {
  get: async (id: string) => JSON.parse((await redis.get(id)) ?? "null"),
  set: async (id: string, session: object) => {
    // The request that made an id may create its session. All others may only
    // update the session that they loaded, and after a logout there is none.
    // What has no header is no session, but a note of a back-channel logout.
    const mayCreate = newIds.delete(id) || !("header" in session);
    const expiration = { type: "PX", value: DAY_MS } as const;
    const how = mayCreate ? {} : ({ condition: "XX" } as const);
    await redis.set(id, JSON.stringify(session), { expiration, ...how });
  },
  destroy: async (id: string) => void (await redis.del(id)),
};

function genid() {
  const id = crypto.randomUUID();
  newIds.set(id, true);
  return id;
}

// #region app
app.use(
  auth({
    ...provider,
    baseURL,
    authRequired: false,
    idpLogout: true,
    authorizationParams: { response_type: "code" },
    session: { store, genid },
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
// request none, other tab none, late write none. Needs Redis.
// Histories: breaks nobody else, nobody is thrown out, nothing is lost.
