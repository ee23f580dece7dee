// express-session-modified.ts with the logout that is in fewer words: it
// destroys the session and does not start another, so that its response leaves
// the cookie alone. The browser keeps an id of nothing. Does it stay so?
//
//   npx tsx scripts/apps/express-session-destroy.ts

import express from "express";
import session from "express-session";
import { homePage, loginPage, secret, serve, USERS } from "./app-support.ts";

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
  req.session.destroy((error) => (error ? next(error) : res.redirect("/")));
});

app.post("/update", express.json(), (req, res) => {
  req.session.lastSeen = Date.now();
  res.json({ recordedBy: req.session.user ?? null });
});

serve(app);
