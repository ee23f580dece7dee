// express-session-resave.ts with a cookie that expires, and that each response
// sets again (rolling), so that whoever is active stays logged in. It is what
// express-openid-connect does unless told otherwise.
//
//   npx tsx scripts/apps/express-session-rolling.ts

import express from "express";
import session from "express-session";
import { homePage, loginPage, secret, serve, USERS } from "./app-support.ts";

const app = express();
app.use(
  session({
    secret,
    resave: true,
    saveUninitialized: false,
    rolling: true,
    cookie: { maxAge: 24 * 60 * 60 * 1000 },
  }),
);

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
