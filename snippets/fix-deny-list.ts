// The session stays in its cookie, but the logout puts its `sid` on a list, and
// the library's own hook asks that list on each request. So the logout holds
// on the server, too. An entry lives for absoluteDuration, as a cookie of its
// session can: a late response still sets one, with a new expiry.
//
//   npx tsx snippets/fix-deny-list.ts

import express, { type Request } from "express";
import { auth } from "express-openid-connect";
import { LRUCache } from "lru-cache";
import { log, page, prepare, whoami } from "./support/index.ts";

const { baseURL, provider, record, serve } = await prepare();
const app = express();
app.use(log);

// #region deny-list
const WEEK_S = 7 * 24 * 60 * 60;
const oneWeek = { ttl: WEEK_S * 1000, ttlAutopurge: true };
const denied = new LRUCache<string, true>(oneWeek);

function deny(sid: unknown) {
  if (typeof sid !== "string") throw new Error("The ID token has no sid");
  denied.set(sid, true);
}

const backchannelLogout = {
  isLoggedOut: (req: Request) =>
    denied.has(String(req.oidc.idTokenClaims?.sid)),
  // The provider may put a session on the list, too. A login takes none off.
  onLogoutToken: (token: { sid?: unknown }) => deny(token.sid),
  onLogin: false,
} as const;
// #endregion deny-list

// #region app
app.use(
  auth({
    ...provider,
    baseURL,
    authRequired: false,
    idpLogout: true,
    authorizationParams: { response_type: "code" },
    session: { absoluteDuration: WEEK_S },
    routes: { logout: false },
    backchannelLogout,
  }),
);

app.get("/logout", (req, res) => {
  if (req.oidc.isAuthenticated()) deny(req.oidc.idTokenClaims?.sid);
  return res.oidc.logout();
});

app.get("/", page);
app.get("/whoami", whoami);
app.post("/update", express.json(), record);
app.post("/draft", express.json(), record);
// #endregion app

serve(app);
