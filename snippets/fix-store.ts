// The custom session store, done right: the cookie holds an id, the session
// stays here, and an id whose session was destroyed never has one again. A
// plain store is no fix. The library ends each request with a write of the
// session that it loaded at the start, so the late one puts it back. Here it
// still sets the cookie again, and that is worth nothing.
//
//   npx tsx snippets/fix-store.ts
//   REDIS_URL=redis://localhost:6379 npx tsx snippets/fix-store.ts

import express, { type Request } from "express";
import { auth } from "express-openid-connect";
import { log, openSessions, page, prepare, whoami } from "./support/index.ts";

const { baseURL, provider, record, serve } = await prepare();
const app = express();
app.use(log);

// #region store
const DAY_MS = 24 * 60 * 60 * 1000;
const sessions = await openSessions(DAY_MS);
const newIds = new Set<string>();

const store = {
  get: async (id: string) => sessions.get(id),
  set: async (id: string, session: object) => {
    // The request that made an id may create its session. All others may only
    // update the session that they loaded, and after a logout there is none.
    if (newIds.delete(id)) await sessions.create(id, session);
    else await sessions.update(id, session);
  },
  destroy: async (id: string) => sessions.delete(id),
};

function genid(req: Request) {
  const id = crypto.randomUUID();
  if (!req.res?.destroyed) newIds.add(id);
  req.res?.once("close", () => newIds.delete(id));
  return id;
}
// #endregion store

// #region app
app.use(sessions.readAhead);
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
