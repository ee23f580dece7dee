// As easy as moving the route, without that price. The route stays below auth()
// and knows who calls, but its response leaves the session cookie alone. The
// new price: what the route changes in the session is lost. And every other
// route still has the bug.
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
const readOnlySession: RequestHandler = (_req, res, next) => {
  // The last listener runs first. This one is registered after the library's,
  // so it runs before it, and leaves it nothing to set a cookie with.
  onHeaders(res, () => {
    res.cookie = () => res;
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
  }),
);

app.get("/", page);
app.get("/whoami", whoami);
app.post("/update", readOnlySession, express.json(), record);
app.post("/draft", express.json(), record);
// #endregion app

serve(app);
