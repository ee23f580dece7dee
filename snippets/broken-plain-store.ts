// The second most repeated answer, and no fix: a session store, as in the
// library's own example. The logout destroys the session. Then the late request
// ends, and the library writes back the session that it loaded at the start.
//
//   npx tsx snippets/broken-plain-store.ts

import express from "express";
import { auth } from "express-openid-connect";
import { log, MemoryStore, page, prepare, whoami } from "./support/index.ts";

const { baseURL, provider, record, serve } = await prepare();
const app = express();
app.use(log);

const store = new MemoryStore({ checkPeriod: 24 * 60 * 60 * 1000 });

// #region app
app.use(
  auth({
    ...provider,
    baseURL,
    authRequired: false,
    idpLogout: true,
    authorizationParams: { response_type: "code" },
    session: { store },
  }),
);

app.get("/", page);
app.get("/whoami", whoami);
app.post("/update", express.json(), record);
app.post("/draft", express.json(), record);
// #endregion app

serve(app);

// What npm run verify expects:
// Verdict: as broken, but browser 6, server 9, draft 6, late request none. One
// process only.
// Histories: breaks ended is ended, nobody else, nobody is thrown out, nothing
// is inherited, nothing is lost.
