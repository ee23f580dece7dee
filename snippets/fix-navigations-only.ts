// All routes at once, and no store. The session cookie is only set when the
// user goes to a page (Sec-Fetch-Mode: navigate), when the session changes, as
// on login and logout, and once half a day has passed since it was last set. So
// a page that another tab loads during the logout still logs the user back in,
// and so does a late response that happens to come after half a day. Clients
// without that header, such as Safari before 16.4 or any browser on plain http,
// have sessions that roll twice a day.
//
//   npx tsx snippets/fix-navigations-only.ts

import express, { type Request, type RequestHandler } from "express";
import { auth } from "express-openid-connect";
import onHeaders from "on-headers";
import { log, page, prepare, whoami } from "./support/index.ts";

const { baseURL, provider, record, serve } = await prepare();
const app = express();
app.use(log);

// #region guard
const HALF_A_DAY_MS = 12 * 60 * 60 * 1000; // half the library's rollingDuration
const name = "appSession";
type WithSession = { [name]: { setAt?: number } };
const sessionOf = (req: Request) => (req as unknown as WithSession)[name];

// Below auth(). Login and logout are answered before a request comes this far,
// so their responses set the cookie as ever.
const guard: RequestHandler = (req, res, next) => {
  const isNavigation = req.get("Sec-Fetch-Mode") === "navigate";
  const session = sessionOf(req);
  const before = JSON.stringify(session);
  if (req.oidc.isAuthenticated()) {
    const isOld = Date.now() - (session.setAt ?? 0) > HALF_A_DAY_MS;
    if (isOld || isNavigation) session.setAt = Date.now();
  }
  // The last listener runs first. This one is registered after the library's,
  // so it runs before it, and leaves it nothing to set a cookie with.
  onHeaders(res, () => {
    const isUnchanged = JSON.stringify(sessionOf(req)) === before;
    if (isUnchanged && !isNavigation) res.cookie = () => res;
  });
  next();
};
// #endregion guard

// #region app
app.use(
  auth({
    ...provider,
    baseURL,
    authRequired: false,
    idpLogout: true,
    authorizationParams: { response_type: "code" },
    session: { name },
  }),
);
app.use(guard);

app.get("/", page);
app.get("/whoami", whoami);
app.post("/update", express.json(), record);
app.post("/draft", express.json(), record);
// #endregion app

serve(app);
