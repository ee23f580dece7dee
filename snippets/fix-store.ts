// The custom session store, done right: the cookie holds an id, the session
// stays here, and an id whose session was destroyed never has one again. A
// plain store is no fix. The library ends each request with a write of the
// session that it loaded at the start, so the late one puts it back.
//
//   npx tsx snippets/fix-store.ts

import { randomBytes } from "node:crypto";
import express, { type Request } from "express";
import { auth } from "express-openid-connect";
import { log } from "./support/log.ts";
import { page } from "./support/page.ts";
import { prepare } from "./support/server.ts";
import { userOf } from "./support/user.ts";

const { baseURL, provider, record, serve } = await prepare();
const app = express();
app.use(log);

// #region store
type Session = { cookie: { expires: number } };
const sessions = new Map<string, Session>();
const newIds = new Set<string>();

const store = {
  async get(id: string) {
    return structuredClone(sessions.get(id));
  },
  async set(id: string, session: Session) {
    // The request that made an id may create its session. All others may only
    // update the session that they loaded, and after a logout there is none.
    const mayWrite = newIds.delete(id) || sessions.delete(id);
    if (!mayWrite) return;
    sessions.set(id, structuredClone(session));
    // Drop what has expired. What was written the longest ago comes first.
    for (const [oldId, old] of sessions) {
      if (old.cookie.expires > Date.now()) break;
      sessions.delete(oldId);
    }
  },
  async destroy(id: string) {
    sessions.delete(id);
  },
};

function genid(req: Request) {
  const id = randomBytes(16).toString("hex");
  newIds.add(id);
  req.res?.once("close", () => newIds.delete(id));
  return id;
}
// #endregion store

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
app.get("/whoami", (req, res) => {
  res.json({ user: userOf(req) });
});

app.post("/update", express.json(), record);
app.post("/draft", express.json(), record);
// #endregion app

serve(app);
