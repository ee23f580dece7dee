// All of it: a store in which a dead id stays dead, and a guard that lets only
// the responses that begin or end a session touch its cookie. The cookie lives
// for a week, the session ends 23 to 24 hours after the last request.
//
//   npx tsx snippets/fix-complete.ts
//   REDIS_URL=redis://localhost:6379 npx tsx snippets/fix-complete.ts

import express, { type Request, type RequestHandler } from "express";
import { auth } from "express-openid-connect";
import onHeaders from "on-headers";
import { log, openSessions, page, prepare, whoami } from "./support/index.ts";

const { baseURL, provider, record, serve } = await prepare();
const app = express();
app.use(log);

// #region complete
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

// Directly above auth(), so that its listener runs after the library's.
const guard: RequestHandler = async (req, res, next) => {
  const cookies = (req.headers.cookie ?? "").split("; ");
  const own = cookies.find((cookie) => cookie.startsWith("appSession="));
  // The library never sees the cookie of a dead session: late as it may be, it
  // would clear it, and with it the cookie of whoever has logged in since.
  if (!(await sessions.get(own?.slice("appSession=".length) ?? ""))) {
    const others = cookies.filter((text) => !/^appSession(\.\d)?=/.test(text));
    req.headers.cookie = others.join("; ");
  }
  // A cookie that only repeats what the browser sent is not set again.
  onHeaders(res, () => {
    const all = [res.getHeader("Set-Cookie") ?? []].flat().map(String);
    const news = all.filter((cookie) => !cookie.startsWith(`${own};`));
    res.setHeader("Set-Cookie", news);
  });
  next();
};
// #endregion complete

// #region app
app.use(sessions.readAhead, guard);
app.use(
  auth({
    ...provider,
    baseURL,
    authRequired: false,
    idpLogout: true,
    authorizationParams: { response_type: "code" },
    session: { store, genid, rolling: false },
  }),
);

app.get("/", page);
app.get("/whoami", whoami);
app.post("/update", express.json(), record);
app.post("/draft", express.json(), record);
// #endregion app

serve(app);
