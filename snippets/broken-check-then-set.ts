// Half of the remedy: look before writing, and write only if the session is
// still there. But between the look and the write there is time, and in Redis,
// which other processes use as well, it is a round trip long. A logout that
// comes then is undone. fix-store-redis.ts does both in one command.
//
//   npx tsx snippets/broken-check-then-set.ts
//   REDIS_URL=redis://localhost:6379 npx tsx snippets/broken-check-then-set.ts

import express from "express";
import { auth } from "express-openid-connect";
import { LRUCache } from "lru-cache";
import { log, openRedis, page, prepare, whoami } from "./support/index.ts";

const { baseURL, provider, record, serve } = await prepare();
const app = express();
app.use(log);

const DAY_MS = 24 * 60 * 60 * 1000; // the library's rollingDuration
const redis = process.env.REDIS_URL ? await openRedis() : undefined;
const map = new LRUCache<string, string>({ ttl: DAY_MS, ttlAutopurge: true });
const expiration = { type: "PX", value: DAY_MS } as const;
// Most are never used. What keeps only the newest does not grow.
const newIds = new LRUCache<string, true>({ max: 10_000 });

const store = {
  get: async (id: string) =>
    JSON.parse((await (redis ?? map).get(id)) ?? "null"),
  set: async (id: string, session: object) => {
    const mayCreate = newIds.delete(id) || !("header" in session);
    const isThere = redis ? await redis.exists(id) : map.has(id);
    if (!mayCreate && !isThere) return;
    const text = JSON.stringify(session);
    await (redis ? redis.set(id, text, { expiration }) : map.set(id, text));
  },
  destroy: async (id: string) =>
    void (await (redis ? redis.del(id) : map.delete(id))),
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
// request none, other tab none, late write alice. Can use Redis.
// Histories: breaks nobody else, nobody is thrown out, nothing is lost.
