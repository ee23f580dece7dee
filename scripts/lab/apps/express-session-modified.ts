// express-session.ts, where POST /update writes into the session, as a route
// does that keeps a cart, or when the user was last seen. A session that has
// changed is saved, whatever resave says.
//
//   npx tsx scripts/apps/express-session-modified.ts

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
  req.session.user = null;
  req.session.save((error) => {
    if (error) return next(error);
    req.session.regenerate((error) =>
      error ? next(error) : res.redirect("/"),
    );
  });
});

app.post("/update", express.json(), (req, res) => {
  req.session.lastSeen = Date.now();
  res.json({ recordedBy: req.session.user ?? null });
});

serve(app);
