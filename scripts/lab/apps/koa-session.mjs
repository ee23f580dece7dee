// koa-session. As koa-session: its own defaults, which set the cookie only when
// a route has changed the session. As koa-session-rolling: `rolling: true`, which
// sets it on every response. Both keep the session in the cookie. As
// koa-session-store: in memory, and POST /update writes into the session. (This
// file is JavaScript since koa has no types of its own.)
//
//   APP=koa-session-rolling npx tsx scripts/lab/apps/koa-session.mjs

import { text } from "node:stream/consumers";
import Koa from "koa";
import session from "koa-session";
import { homePage, loginPage, secret, serve, USERS } from "./app-support.ts";

const kept = new Map();
const store = {
  get: (id) => kept.get(id),
  set: (id, value) => void kept.set(id, { ...value }),
  destroy: (id) => void kept.delete(id),
};
const OPTIONS = {
  "koa-session-rolling": { rolling: true },
  "koa-session-store": { store },
};

const app = new Koa();
app.keys = [secret];
app.use(session(OPTIONS[process.env.APP] ?? {}, app));

const routes = {
  "GET /": (ctx) => {
    ctx.body = homePage(ctx.session.user);
  },
  "GET /whoami": (ctx) => {
    ctx.body = { user: ctx.session.user ?? null };
  },
  "GET /login": (ctx) => {
    ctx.body = loginPage;
  },
  "GET /logout": (ctx) => {
    ctx.session = null;
    ctx.redirect("/");
  },
  "POST /update": async (ctx) => {
    const { user } = ctx.session;
    await text(ctx.req);
    if (process.env.APP === "koa-session-store") {
      ctx.session.lastSeen = Date.now();
    }
    ctx.body = { recordedBy: user ?? null };
  },
};
for (const user of USERS) {
  routes[`POST /login/${user}`] = (ctx) => {
    ctx.session.user = user;
    ctx.redirect("/");
  };
}

app.use((ctx) => routes[`${ctx.method} ${ctx.path}`]?.(ctx));

serve(app.callback());
