// Managing the concurrency in the app: the page waits for its own requests,
// and only then goes to /logout. The server is that of broken.ts. So all it
// takes is a request that this page does not know of, from another tab or from
// sendBeacon. And a slow request holds up the logout.
//
//   npx tsx snippets/fix-front-end.ts

import express from "express";
import { auth } from "express-openid-connect";
import { log, pageWith, prepare, whoami } from "./support/index.ts";

const { baseURL, provider, record, serve } = await prepare();
const app = express();
app.use(log);

// #region log-out
const LOG_OUT = `
  const inFlight = new Set();
  const realFetch = window.fetch;
  window.fetch = (...request) => {
    const response = realFetch(...request);
    const forget = () => inFlight.delete(response);
    inFlight.add(response);
    response.then(forget, forget);
    return response;
  };

  document.querySelector("#log-out").addEventListener("click", async () => {
    fetch("/update", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ event: "user clicked log out" }),
    });
    await Promise.allSettled(inFlight);
    location.assign("/logout");
  });
`;
// #endregion log-out

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

app.get("/", pageWith(LOG_OUT));
app.get("/whoami", whoami);
app.post("/update", express.json(), record);
app.post("/draft", express.json(), record);
// #endregion app

serve(app);

// What npm run verify expects:
// Verdict: as broken, but possible 1, browser 0, server 1, draft 0, next user
// bob, late request bob.
// Histories: breaks ended is ended, nobody else, nobody is thrown out, nothing
// is inherited, nothing is lost.
