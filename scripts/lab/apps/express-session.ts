// express-session in six ways. The session is on the server, and the cookie has
// only its id. Can a request in flight bring back a session that the logout has
// destroyed? One that is only read is touched, not saved. One that has changed
// is saved, and with `resave` any is.
//
//   APP=express-session-resave npx tsx scripts/lab/apps/express-session.ts

import express from "express";
import session from "express-session";
import memorystore from "memorystore";
import { homePage, loginPage, secret, serve, USERS } from "./app-support.ts";

declare module "express-session" {
  interface SessionData {
    user: string | null;
    lastSeen: number;
  }
}

const DAY_MS = 24 * 60 * 60 * 1000;
const MemoryStore = memorystore(session);

interface Way extends Partial<session.SessionOptions> {
  /** POST /update writes into the session, as a route does that keeps a cart. */
  writes?: boolean;
  /** The logout starts no session after the old one, and so leaves the cookie alone. */
  onlyDestroys?: boolean;
}

const WAYS: Record<string, Way> = {
  "express-session": {},
  // The store of express-openid-connect's example. Its types don't find those of express-session.
  "express-session-memorystore": {
    store: new MemoryStore({ checkPeriod: DAY_MS }) as unknown as session.Store,
  },
  "express-session-modified": { writes: true },
  "express-session-destroy": { writes: true, onlyDestroys: true },
  "express-session-resave": { resave: true },
  // What express-openid-connect does by default: each response sets a cookie that expires.
  "express-session-rolling": {
    ...{ resave: true, rolling: true, cookie: { maxAge: DAY_MS } },
  },
};

const { writes, onlyDestroys, ...options } = WAYS[
  process.env.APP ?? "express-session"
] as Way;
const app = express();
app.use(
  session({ secret, resave: false, saveUninitialized: false, ...options }),
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

// The logout of the package's README.
app.get("/logout", (req, res, next) => {
  const end = (error: unknown) => (error ? next(error) : res.redirect("/"));
  if (onlyDestroys) return req.session.destroy(end);
  req.session.user = null;
  req.session.save((error) => {
    if (error) return next(error);
    req.session.regenerate(end);
  });
});

app.post("/update", express.json(), (req, res) => {
  if (writes) req.session.lastSeen = Date.now();
  res.json({ recordedBy: req.session.user ?? null });
});

serve(app);
