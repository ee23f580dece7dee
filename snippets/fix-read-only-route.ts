// As easy as moving the route, without that price. The route stays below auth()
// and knows who calls, but its response leaves the session cookie alone. The
// new price: what the route changes in the session is lost. And every other
// route still has the bug. The cookie is known by its name, which auth() is
// given, too: one that auth() does not know would be no fix, and no error.
//
//   npx tsx snippets/fix-read-only-route.ts

import express, { type RequestHandler } from "express";
import { auth } from "express-openid-connect";
import onHeaders from "on-headers";
import { log, page, prepare, whoami } from "./support/index.ts";

const { baseURL, provider, record, serve } = await prepare();
const app = express();
app.use(log);

// #region guard
const name = "appSession";
// A large session is in several: appSession.0, appSession.1 and so on.
const isSession = new RegExp(`^${name}(\\.\\d+)?=`);

const readOnlySession: RequestHandler = (_req, res, next) => {
  // The last listener runs first. This one is registered before the library's,
  // so it runs after it, and finds the cookie that the library has set.
  onHeaders(res, () => {
    const cookies = [res.getHeader("Set-Cookie") ?? []].flat().map(String);
    const others = cookies.filter((cookie) => !isSession.test(cookie));
    res.setHeader("Set-Cookie", others);
  });
  next();
};
// #endregion guard

// #region app
app.use("/update", readOnlySession);

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

app.get("/", page);
app.get("/whoami", whoami);
app.post("/update", express.json(), record);
app.post("/draft", express.json(), record);
// #endregion app

serve(app);

// What npm run verify expects:
// Verdict: as broken, but update cookie untouched, browser 0, next user bob,
// late request bob.
// Histories: breaks ended is ended, nobody else, nobody is thrown out, nothing
// is inherited, nothing is lost.
