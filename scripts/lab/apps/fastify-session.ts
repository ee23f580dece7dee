// @fastify/session with its own defaults, but for the cookie that a server on
// loopback can't have secure. They are not those of express-session in use:
// each response saves the session and sets the cookie (rolling is true), and
// whoever comes gets a session (saveUninitialized is true).
//
//   npx tsx scripts/lab/apps/fastify-session.ts

import fastifyCookie from "@fastify/cookie";
import fastifySession from "@fastify/session";
import fastify from "fastify";
import { homePage, loginPage, secret, serve, USERS } from "./app-support.ts";

declare module "fastify" {
  interface Session {
    user?: string;
  }
}

const app = fastify();
app.register(fastifyCookie);
app.register(fastifySession, { secret, cookie: { secure: false } });
// Of itself, Fastify takes no forms. There is nothing in the one that logs in.
app.addContentTypeParser(
  "application/x-www-form-urlencoded",
  { parseAs: "string" },
  (_req, _body, done) => done(null),
);

app.get("/", (req, reply) =>
  reply.type("text/html").send(homePage(req.session.user)),
);
app.get("/whoami", async (req) => ({ user: req.session.user ?? null }));
app.get("/login", (_req, reply) => reply.type("text/html").send(loginPage));

for (const user of USERS) {
  app.post(`/login/${user}`, async (req, reply) => {
    await req.session.regenerate();
    req.session.user = user;
    return reply.redirect("/");
  });
}

app.get("/logout", async (req, reply) => {
  await req.session.destroy();
  return reply.redirect("/");
});

app.post("/update", async (req) => ({ recordedBy: req.session.user ?? null }));

await app.ready();
serve(app.routing);
