// The small apps: one server, on each of some session libraries, in the ways in which people use these.
// It is JavaScript, since koa has no types of its own, and those of Auth.js bring in a browser's globals.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { Auth, skipCSRFCheck } from "@auth/core";
import { ExpressAuth, getSession } from "@auth/express";
import Credentials from "@auth/express/providers/credentials";
import fastifyCookie from "@fastify/cookie";
import fastifySession from "@fastify/session";
import cookieSession from "cookie-session";
import express from "express";
import expressSession from "express-session";
import fastify from "fastify";
import { getIronSession } from "iron-session";
import Koa from "koa";
import koaSession from "koa-session";
import memorystore from "memorystore";

const secret = randomBytes(32).toString("base64url");
const maxAge = 24 * 60 * 60 * 1000;
const rolling = { rolling: true, resave: true, cookie: { maxAge } };
const MemoryStore = memorystore(expressSession);
const store = new MemoryStore({ checkPeriod: maxAge });
const kept = new Map();
const koaStore = {
  get: (id) => kept.get(id),
  set: (id, value) => void kept.set(id, { ...value }),
  destroy: (id) => void kept.delete(id),
};

/** How each app uses its library, as tables tell it and in their order, and what makes it. */
export const APPS = {
  "express-session": ["`resave: false`, session only read", onExpressSession],
  "express-session-memorystore": [
    ...["the same, with `memorystore`", onExpressSession, { store }],
  ],
  "express-session-modified": [
    ...["the route writes into the session", onExpressSession, {}, "writes"],
  ],
  "express-session-destroy": [
    "the same, and logout is `destroy()` alone",
    ...[onExpressSession, {}, "writes", "only destroys"],
  ],
  "express-session-resave": [
    ...["`resave: true`", onExpressSession, { resave: true }],
  ],
  // What express-openid-connect does by default: each response sets a cookie that expires.
  "express-session-rolling": [
    ...["`resave: true`, `rolling: true`, `maxAge`", onExpressSession, rolling],
  ],
  "fastify-session": ["its own defaults", onFastify],
  "cookie-session": ["session only read", onCookieSession],
  "iron-session": ["session only read", onIronSession],
  "iron-session-save": [
    ...["the route saves into the session", onIronSession, "writes"],
  ],
  "koa-session": ["its own defaults, a cookie", onKoa, {}],
  "koa-session-rolling": ["`rolling: true`", onKoa, { rolling: true }],
  "koa-session-store": [
    "a store, the route writes into the session",
    ...[onKoa, { store: koaStore }, "writes"],
  ],
  "auth-js": ["a JWT in the cookie", onAuthJs],
};

/** Starts an app on a free port of loopback, and returns its address. */
export async function startApp(name) {
  const [, make, ...options] = APPS[name];
  const server = createServer(await make(...options));
  await once(server.listen(0, "localhost"), "listening");
  return `http://localhost:${server.address().port}`;
}

/**
 * What all apps do. There are no passwords.
 * @param session tells the user, becomes that of another one or of nobody, and is written into
 * @returns where to go, or what to send
 */
async function answer({ method, url }, session, readBody) {
  const page = (title, main) =>
    `<!doctype html><title>${title}</title><h1>${title}</h1>${main}`;
  const user = session.user() ?? null;
  const [, path, name] = url.split("/");
  if (path === "") {
    const to = user ? "logout" : "login";
    return { body: page(`${user} is in`, `<a href="/${to}">${to}</a>`) };
  }
  if (path === "whoami") return { body: { user } };
  if (path === "update") {
    await readBody();
    await session.write?.();
    return { body: { recordedBy: user } };
  }
  if (method === "GET" && path === "login") {
    const formOf = (user) =>
      `<form method="post" action="/login/${user}"><button>${user}</button></form>`;
    return { body: page("log in as", formOf("alice") + formOf("bob")) };
  }
  await session.become(path === "login" ? name : null);
  return { location: "/" };
}

/** The session that is a property of a request, as with most libraries. */
const propertyOf = (holder, writes) => ({
  user: () => holder.session?.user,
  become(user) {
    holder.session = user && { user };
  },
  write() {
    if (writes) holder.session.lastSeen = Date.now();
  },
});

/** Makes an app on Express. */
const onExpress = (sessionOf, ...handlers) =>
  express().use(...handlers, async (req, res) => {
    const session = await sessionOf(req, res);
    const { location, body } = await answer(req, session, () => text(req));
    if (location) res.redirect(location);
    else res.send(body);
  });

function onExpressSession(options, writes, onlyDestroys) {
  const settings = { secret, resave: false, saveUninitialized: false };
  const handler = expressSession({ ...settings, ...options });
  // The login and the logout of the package's README, or one that leaves the cookie alone.
  const become = async (req, user) => {
    const call = (name) => promisify(req.session[name]).call(req.session);
    if (!user && onlyDestroys) return call("destroy");
    if (!user) req.session.user = null;
    await call("save");
    await call("regenerate");
    if (user) req.session.user = user;
  };
  return onExpress((req) => {
    const session = propertyOf(req, writes);
    return { ...session, become: (user) => become(req, user) };
  }, handler);
}

/** The session is in the cookie, signed. A response sets it only when its route has changed it. */
function onCookieSession() {
  return onExpress((req) => propertyOf(req), cookieSession({ keys: [secret] }));
}

/** The session is in the cookie, encrypted. It is set only where a route calls `save()`. */
function onIronSession(writes) {
  const cookieOptions = { secure: false };
  const cookieName = "iron-session";
  const options = { cookieName, cookieOptions, password: secret };
  return onExpress(async (req, res) => {
    const session = await getIronSession(req, res, options);
    const save = (change) => Object.assign(session, change).save();
    return {
      user: () => session.user,
      become: (user) => (user ? save({ user }) : session.destroy()),
      write: () => writes && save({ lastSeen: Date.now() }),
    };
  });
}

/**
 * Auth.js with its own default. What only asks who is logged in sets no cookie, but GET /auth/session, for
 * the scripts of a page, signs the JWT anew. Login and logout are Auth.js's own actions, called as its
 * Next.js signIn() and signOut() do: a link has no CSRF token.
 */
function onAuthJs() {
  const authorize = ({ name }) => ({ name });
  const config = {
    ...{ secret, trustHost: true, basePath: "/auth" },
    providers: [Credentials({ credentials: { name: {} }, authorize })],
  };
  const routes = express().use("/auth", ExpressAuth(config));
  return onExpress(async (req, res) => {
    const session = await getSession(req, config);
    return {
      user: () => session?.user?.name,
      async become(name) {
        const path = name ? "callback/credentials" : "signout";
        const url = `http://${req.headers.host}/auth/${path}`;
        const { cookie = "" } = req.headers;
        const body = new URLSearchParams(name ? { name } : {});
        const asked = { method: "POST", headers: { cookie }, body };
        const settings = { ...config, skipCSRFCheck };
        const { headers } = await Auth(new Request(url, asked), settings);
        res.append("Set-Cookie", headers.getSetCookie());
      },
    };
  }, routes);
}

/** Each response saves the session and sets the cookie, and whoever comes gets a session. */
async function onFastify() {
  const app = fastify();
  app.register(fastifyCookie);
  app.register(fastifySession, { secret, cookie: { secure: false } });
  // Of itself, Fastify takes no forms.
  app.addContentTypeParser(/^application\/x-www/, (_req, _body, done) =>
    done(),
  );
  app.all("*", async (req, reply) => {
    const become = async (user) => {
      await req.session[user ? "regenerate" : "destroy"]();
      if (user) req.session.user = user;
    };
    const session = { ...propertyOf(req), become };
    const { location, body } = await answer(req, session, () => {});
    if (location) return reply.redirect(location);
    return typeof body === "string" ? reply.type("text/html").send(body) : body;
  });
  await app.ready();
  return app.routing;
}

function onKoa(options, writes) {
  const app = new Koa();
  app.keys = [secret];
  app.use(koaSession(options, app));
  app.use(async (ctx) => {
    const session = propertyOf(ctx, writes);
    const { location, body } = await answer(ctx, session, () => text(ctx.req));
    if (location) ctx.redirect(location);
    else ctx.body = body;
  });
  return app.callback();
}
