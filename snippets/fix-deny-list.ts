// The session stays in its cookie, but the logout puts an id that it has on a
// list, and the library's own hook asks that list on each request. So the
// logout holds on the server, too. An entry lives for absoluteDuration, as a
// cookie of its session can: a late response still sets one, with a new
// expiry. The next request shows what it is worth: its response clears it.
//
//   npx tsx snippets/fix-deny-list.ts
//   REDIS_URL=redis://localhost:6379 npx tsx snippets/fix-deny-list.ts

import express, { type Request } from "express";
import { auth, type ConfigParams } from "express-openid-connect";
import { log, openDenyList, page, prepare, whoami } from "./support/index.ts";

const { baseURL, provider, record, serve } = await prepare();
const app = express();
app.use(log);

// #region deny-list
const WEEK_S = 7 * 24 * 60 * 60;
const denied = await openDenyList(WEEK_S * 1000);

type WithSession = Request & { appSession?: { loginId?: string } };
const loginIdOf = (req: Request) => (req as WithSession).appSession?.loginId;

// The provider's `sid` would not do for an id. After a logout that does not
// get as far as the provider, the next login has the same one, and is refused.
const afterCallback: ConfigParams["afterCallback"] = async (
  req,
  _res,
  session,
) => {
  const old = loginIdOf(req);
  const isGood = old && !(await denied.has(old));
  return { ...session, loginId: isGood ? old : await denied.newId() };
};

// Sessions from before there was a list have no id, and end with this.
const isLoggedOut = async (req: Request) => {
  const id = loginIdOf(req);
  return !id || denied.has(id);
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
    session: { absoluteDuration: WEEK_S },
    routes: { logout: false },
    afterCallback,
    backchannelLogout: { isLoggedOut, onLogin: false },
  }),
);

app.get("/logout", async (req, res) => {
  const id = loginIdOf(req);
  if (id) await denied.add(id);
  return res.oidc.logout();
});

app.get("/", page);
app.get("/whoami", whoami);
app.post("/update", express.json(), record);
app.post("/draft", express.json(), record);
// #endregion app

serve(app);
