// Auth.js (@auth/express) with its Credentials provider and its own default, a
// session that is a JWT in the cookie. A route that asks who is logged in sets
// no cookie, but GET /auth/session, for the scripts of a page, signs the JWT
// anew each time. Login and logout are Auth.js's own actions, called as its
// Next.js signIn() and signOut() do: a link has no CSRF token. (This file is
// JavaScript since Auth.js's types bring in those of a browser's globals,
// with which other files of scripts/ do not compile.)
//
//   npx tsx scripts/lab/apps/auth-js.mjs

import { Auth, skipCSRFCheck } from "@auth/core";
import { ExpressAuth, getSession } from "@auth/express";
import Credentials from "@auth/express/providers/credentials";
import express from "express";
import { homePage, loginPage, secret, serve, USERS } from "./app-support.ts";

const authorize = ({ name }) => ({ name });
const config = {
  secret,
  trustHost: true,
  basePath: "/auth",
  providers: [Credentials({ credentials: { name: {} }, authorize })],
};

const app = express();
app.use("/auth", ExpressAuth(config));
app.use(async (req, res, next) => {
  const session = await getSession(req, config);
  res.locals.user = session?.user?.name ?? null;
  next();
});

/** Asks Auth.js for an action, and sends on the cookies that it sets. */
async function act(path, req, res, body = {}) {
  const request = new Request(`http://${req.headers.host}/auth/${path}`, {
    method: "POST",
    headers: { cookie: req.headers.cookie ?? "" },
    body: new URLSearchParams(body),
  });
  const answer = await Auth(request, { ...config, skipCSRFCheck });
  res.append("Set-Cookie", answer.headers.getSetCookie()).redirect("/");
}

app.get("/", (_req, res) => res.send(homePage(res.locals.user)));
app.get("/whoami", (_req, res) => res.json({ user: res.locals.user }));
app.get("/login", (_req, res) => res.send(loginPage));

for (const name of USERS) {
  app.post(`/login/${name}`, (req, res) =>
    act("callback/credentials", req, res, { name }),
  );
}

app.get("/logout", (req, res) => act("signout", req, res));

app.post("/update", express.json(), (_req, res) => {
  res.json({ recordedBy: res.locals.user });
});

serve(app);
