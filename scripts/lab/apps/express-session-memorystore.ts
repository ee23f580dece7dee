// express-session.ts with another store: memorystore, which the example of
// express-openid-connect uses, and with which broken-plain-store.ts loses the
// logout. Is it the store, or the library that asks it to write?
//
//   npx tsx scripts/apps/express-session-memorystore.ts

import express from "express";
import session from "express-session";
import memorystore from "memorystore";
import { homePage, loginPage, secret, serve, USERS } from "./app-support.ts";

const MemoryStore = memorystore(session);
// Its types don't find those of express-session.
const store = new MemoryStore({
  checkPeriod: 24 * 60 * 60 * 1000,
}) as unknown as session.Store;

const app = express();
app.use(session({ secret, resave: false, saveUninitialized: false, store }));

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
