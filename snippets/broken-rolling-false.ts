// The most repeated answer, and no fix. Without rolling, a session ends at a
// fixed time. But the library still sets the cookie on every response. Only the
// expiry that it gives it no longer moves.
//
//   npx tsx snippets/broken-rolling-false.ts

import express from "express";
import { auth } from "express-openid-connect";
import { log, page, prepare, whoami } from "./support/index.ts";

const { baseURL, provider, record, serve } = await prepare();
const app = express();
app.use(log);

// #region app
app.use(
  auth({
    ...provider,
    baseURL,
    authRequired: false,
    idpLogout: true,
    authorizationParams: { response_type: "code" },
    session: { rolling: false },
  }),
);

app.get("/", page);
app.get("/whoami", whoami);
app.post("/update", express.json(), record);
app.post("/draft", express.json(), record);
// #endregion app

serve(app);

// What npm run verify expects:
// Verdict: as broken, but rolls no.
// Histories: breaks ended is ended, nobody else, nobody is thrown out, nothing
// is inherited, nothing is lost.
