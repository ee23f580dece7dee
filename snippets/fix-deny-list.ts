// The session stays in its cookie. The logout puts its login on a list, which
// the library's hook asks on each request. So it holds on the server, too. The
// price: a late cookie replaces the next user's. A lost list lets copies in.
//
//   npx tsx snippets/fix-deny-list.ts
//   REDIS_URL=redis://localhost:6379 npx tsx snippets/fix-deny-list.ts

import express, { type Request } from "express";
import { auth, type ConfigParams } from "express-openid-connect";
import { LRUCache } from "lru-cache";
import { log, openRedis, page, prepare, whoami } from "./support/index.ts";

const { baseURL, provider, record, serve } = await prepare();
const app = express();
app.use(log);

// #region deny-list
const WEEK_S = 7 * 24 * 60 * 60;
const redis = process.env.REDIS_URL ? await openRedis() : undefined;
const map = new LRUCache<string, 1>({ ttl: WEEK_S * 1000, ttlAutopurge: true });
const deny = async (id: string) =>
  redis ? redis.set(id, "", { EX: WEEK_S }) : map.set(id, 1);
const isDenied = async (id: string) =>
  redis ? (await redis.exists(id)) === 1 : map.has(id);
const name = "appSession";
type WithLogin = { [name]?: { login?: { id: string; sub: string } } };
const loginOf = (req: Request) => (req as WithLogin)[name]?.login;

// The provider's `sid` would not do for an id. After a logout that does not
// get as far as the provider, the next login has the same one, and is refused.
const setLogin: ConfigParams["afterCallback"] = async (req, _res, session) => {
  const [, claims = ""] = session.id_token.split(".");
  const { sub } = JSON.parse(Buffer.from(claims, "base64url").toString());
  const old = loginOf(req);
  const isOver = !old || old.sub !== sub || (await isDenied(old.id));
  if (!isOver) return { ...session, login: old };
  // Whoever logs in over another user's session ends that.
  if (old) await deny(old.id);
  return { ...session, login: { id: crypto.randomUUID(), sub } };
};

// Sessions from before there was a list have no id, and end with this.
const isLoggedOut = async (req: Request) => {
  const login = loginOf(req);
  return !login || isDenied(login.id);
};
// #endregion deny-list

// #region app
app.use(
  auth({
    ...provider,
    baseURL,
    authRequired: false,
    idpLogout: true,
    authorizationParams: { response_type: "code" },
    session: { name, absoluteDuration: WEEK_S },
    routes: { logout: false },
    afterCallback: setLogin,
    backchannelLogout: { isLoggedOut, onLogin: false },
  }),
);

app.get("/logout", (req, res, next) => {
  const id = loginOf(req)?.id;
  // Express 4 does not see by itself that a promise is rejected.
  Promise.resolve(id && deny(id)).then(() => res.oidc.logout(), next);
});

app.get("/", page);
app.get("/whoami", whoami);
app.post("/update", express.json(), record);
app.post("/draft", express.json(), record);
// #endregion app

serve(app);

// What npm run verify expects:
// Verdict: as broken, but browser 0, server 0, draft 0, next user none, late
// request none, other tab none. Can use Redis.
// Histories: breaks nobody else, nobody is thrown out, nothing is inherited,
// nothing is lost.
