// The custom session store, done right: the cookie holds an id, the session
// stays here, and an id whose session was destroyed never has one again. A
// plain store is no fix. The library ends each request with a write of the
// session that it loaded at the start, so the late one puts it back. Here it
// still sets the cookie again, with an id that is worth nothing by then. The
// price: it takes the place of the cookie of whoever has logged in since. And
// this store is for one process, which forgets all sessions when it ends.
//
//   npx tsx snippets/fix-store.ts

import express from "express";
import { auth } from "express-openid-connect";
import { LRUCache } from "lru-cache";
import { log, page, prepare, whoami } from "./support/index.ts";

const { baseURL, provider, record, serve } = await prepare();
const app = express();
app.use(log);

const DAY_MS = 24 * 60 * 60 * 1000; // the library's rollingDuration
const sessions = new LRUCache<string, string>({
  ttl: DAY_MS,
  ttlAutopurge: true,
});
// Most are never used. What keeps only the newest does not grow.
const newIds = new LRUCache<string, true>({ max: 10_000 });

const store = {
  get: async (id: string) => JSON.parse(sessions.get(id) ?? "null"),
  set: async (id: string, session: object) => {
    // The request that made an id may create its session. All others may only
    // update the session that they loaded, and after a logout there is none.
    // What has no header is no session, but a note of a back-channel logout.
    const mayCreate = newIds.delete(id) || !("header" in session);
    if (!mayCreate && !sessions.has(id)) return;
    sessions.set(id, JSON.stringify(session));
  },
  destroy: async (id: string) => void sessions.delete(id),
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
// request none, other tab none. One process only.
// Histories: breaks nobody else, nobody is thrown out, nothing is lost.
