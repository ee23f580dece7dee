// iron-session: the session is in the cookie, encrypted, and the server keeps
// nothing. The cookie is set only where a route calls save(). As iron-session,
// none does but the login. As iron-session-save, POST /update does, too, with
// all that the session had when the request came.
//
//   APP=iron-session-save npx tsx scripts/lab/apps/iron-session.ts

import express from "express";
import { getIronSession, type IronSession } from "iron-session";
import { homePage, loginPage, secret, serve, USERS } from "./app-support.ts";

interface Session {
  user?: string;
  lastSeen?: number;
}

const app = express();
app.use(async (req, res: Answer, next) => {
  res.locals.session = await getIronSession<Session>(req, res, {
    cookieName: "iron-session",
    password: secret,
    cookieOptions: { secure: false },
  });
  next();
});
type Answer = express.Response<unknown, { session: IronSession<Session> }>;

app.get("/", (_req, res: Answer) => {
  res.send(homePage(res.locals.session.user));
});
app.get("/whoami", (_req, res: Answer) => {
  res.json({ user: res.locals.session.user ?? null });
});
app.get("/login", (_req, res) => res.send(loginPage));

for (const user of USERS) {
  app.post(`/login/${user}`, async (_req, res: Answer) => {
    res.locals.session.user = user;
    await res.locals.session.save();
    res.redirect("/");
  });
}

app.get("/logout", (_req, res: Answer) => {
  res.locals.session.destroy();
  res.redirect("/");
});

app.post("/update", express.json(), async (_req, res: Answer) => {
  if (process.env.APP === "iron-session-save") {
    res.locals.session.lastSeen = Date.now();
    await res.locals.session.save();
  }
  res.json({ recordedBy: res.locals.session.user ?? null });
});

serve(app);
