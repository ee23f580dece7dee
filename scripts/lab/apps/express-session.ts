// express-session in its usual setting, with the login and the logout of its
// README. The session is on the server, and the cookie has only its id. A
// route that does not change the session has it touched, not saved: can it
// bring back one that the logout has destroyed?
//
//   npx tsx scripts/apps/express-session.ts

import express from "express";
import session from "express-session";
import { homePage, loginPage, secret, serve, USERS } from "./app-support.ts";

declare module "express-session" {
  interface SessionData {
    user: string | null;
    lastSeen: number;
  }
}

const app = express();
app.use(session({ secret, resave: false, saveUninitialized: false }));

app.get("/", (req, res) => res.send(homePage(req.session.user)));
app.get("/whoami", (req, res) => res.json({ user: req.session.user ?? null }));
app.get("/login", (_req, res) => res.send(loginPage));

for (const user of USERS) {
  app.post(`/login/${user}`, (req, res, next) => {
    req.session.regenerate((error) => {
      if (error) return next(error);
      req.session.user = user;
      req.session.save((error) => (error ? next(error) : res.redirect("/")));
    });
  });
}

app.get("/logout", (req, res, next) => {
  req.session.user = null;
  req.session.save((error) => {
    if (error) return next(error);
    req.session.regenerate((error) =>
      error ? next(error) : res.redirect("/"),
    );
  });
});

app.post("/update", express.json(), (req, res) => {
  res.json({ recordedBy: req.session.user ?? null });
});

serve(app);
