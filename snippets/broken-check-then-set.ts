// Half of the remedy: look before writing, and write only if the session is
// still there. But between the look and the write there is time, and in Redis,
// which other processes use as well, it is a round trip long. A logout that
// comes then is undone. fix-store.ts does both in one command.
//
//   npx tsx snippets/broken-check-then-set.ts
//   REDIS_URL=redis://localhost:6379 npx tsx snippets/broken-check-then-set.ts

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
    const mayWrite = newIds.delete(id) || (await sessions.has(id));
    if (mayWrite) await sessions.put(id, session);
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
