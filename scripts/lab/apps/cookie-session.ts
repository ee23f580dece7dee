// cookie-session: the session is in the cookie, signed, and the server keeps
// nothing. A response sets the cookie only when its route has changed the
// session, and here none does but the login and the logout.
//
//   npx tsx scripts/lab/apps/cookie-session.ts

import cookieSession from "cookie-session";
import express from "express";
import { homePage, loginPage, secret, serve, USERS } from "./app-support.ts";

// Where `never` stands: the types of express-session, which this repository has
// as well, describe another req.session.
const app = express();
app.use(cookieSession({ keys: [secret] }));

app.get("/", (req, res) => res.send(homePage(req.session?.user)));
app.get("/whoami", (req, res) => res.json({ user: req.session?.user ?? null }));
app.get("/login", (_req, res) => res.send(loginPage));

for (const user of USERS) {
  app.post(`/login/${user}`, (req, res) => {
    req.session = { user } as never;
    res.redirect("/");
  });
}

app.get("/logout", (req, res) => {
  req.session = null as never;
  res.redirect("/");
});

app.post("/update", express.json(), (req, res) => {
  res.json({ recordedBy: req.session?.user ?? null });
});

serve(app);
