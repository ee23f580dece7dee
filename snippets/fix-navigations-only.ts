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
// A large session is in several: appSession.0, appSession.1 and so on.
const isSession = new RegExp(`^${name}(\\.\\d+)?=`);
type WithSession = { [name]: { setAt?: number } };
const sessionOf = (req: Request) => (req as unknown as WithSession)[name];
const textOf = (req: Request) => JSON.stringify(sessionOf(req) ?? null);
const isNavigation = (req: Request) => req.get("Sec-Fetch-Mode") === "navigate";

// Above auth(). The last listener runs first, so this one runs after the
// library's, and finds the cookie that the library has set.
const guard: RequestHandler = (req, res, next) => {
  onHeaders(res, () => {
    if (isNavigation(req) || textOf(req) !== res.locals.before) return;
    const cookies = [res.getHeader("Set-Cookie") ?? []].flat().map(String);
    const others = cookies.filter((cookie) => !isSession.test(cookie));
    res.setHeader("Set-Cookie", others);
  });
  next();
};

// Below auth(). Login and logout are answered before a request comes this far,
// so that for them there is nothing remembered, and the cookie is set.
const remember: RequestHandler = (req, res, next) => {
  res.locals.before = textOf(req);
  if (req.oidc.isAuthenticated()) {
    const isOld = Date.now() - (sessionOf(req).setAt ?? 0) > HALF_A_DAY_MS;
    if (isOld || isNavigation(req)) sessionOf(req).setAt = Date.now();
  }
  next();
};
// #endregion guard

// #region app
app.use(guard);
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
app.use(remember);

app.get("/", page);
app.get("/whoami", whoami);
app.post("/update", express.json(), record);
app.post("/draft", express.json(), record);
// #endregion app

serve(app);

// What npm run verify expects:
// Verdict: as broken, but update cookie untouched, browser 0, draft 0, next
// user bob, late request bob.
// Histories: breaks ended is ended, nobody else, nobody is thrown out, nothing
// is inherited, nothing is lost.
