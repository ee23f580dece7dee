// All routes at once, and no store. The session cookie is only set when the
// user goes to a page (Sec-Fetch-Mode: navigate), and when the session
// changes, as on login and logout. So a page that another tab loads during the
// logout still logs the user back in. Clients without that header, such as
// Safari before 16.4 or any browser on plain http, have sessions that don't
// roll.
//
//   npx tsx snippets/fix-navigations-only.ts

import express, { type RequestHandler } from "express";
import { auth } from "express-openid-connect";
import onHeaders from "on-headers";
import { log, page, prepare, whoami } from "./support/index.ts";

const { baseURL, provider, record, serve } = await prepare();
const app = express();
app.use(log);

// #region guard
const sessionText = (req: object) =>
  JSON.stringify(("appSession" in req && req.appSession) || null);

// Above auth(). The last listener runs first, so this one runs after the
// library's, and finds the cookie that the library has set.
const guard: RequestHandler = (req, res, next) => {
  onHeaders(res, () => {
    if (req.get("Sec-Fetch-Mode") === "navigate") return;
    if (sessionText(req) !== res.locals.sessionText) return;
    const cookies = [res.getHeader("Set-Cookie") ?? []].flat().map(String);
    const others = cookies.filter((cookie) => !/^appSession\b/.test(cookie));
    res.setHeader("Set-Cookie", others);
  });
  next();
};

// Below auth(). Login and logout are answered before a request comes this far,
// so that for them there is nothing remembered, and the cookie is set.
const remember: RequestHandler = (req, res, next) => {
  res.locals.sessionText = sessionText(req);
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
  }),
);
app.use(remember);

app.get("/", page);
app.get("/whoami", whoami);
app.post("/update", express.json(), record);
app.post("/draft", express.json(), record);
// #endregion app

serve(app);
