import { createHash, randomUUID } from "node:crypto";
import type { RequestListener } from "node:http";
import type { Duplex } from "node:stream";
import express, { type CookieOptions, type Request, Router } from "express";
import { auth, type ConfigParams } from "express-openid-connect";
import { startProvider } from "../../snippets/support/provider.ts";

// What the apps in report-apps.ts are made of.

const USERS = ["alice", "bob"];

export const page = (user: unknown, extra = "") =>
  `<!doctype html><h1>${user ?? "nobody"} is logged in</h1>${extra}`;

export const forms = (base = "") =>
  USERS.map(
    (user) =>
      `<form method="post" action="${base}/login/${user}"><button>${user}</button></form>`,
  ).join("\n");

export const cookieOf = (req: Request, name = "user"): string | undefined =>
  req.headers.cookie
    ?.split("; ")
    .find((cookie) => cookie.startsWith(`${name}=`))
    ?.slice(name.length + 1);

/** An app whose session is a cookie with the user's name, and one thing about it. */
interface Plain {
  name?: string;
  /** How the cookie is set, and how it is cleared. */
  set?: CookieOptions;
  clear?: CookieOptions;
  /** Stands above all. */
  above?: express.RequestHandler;
  logout?: express.RequestHandler;
  /** Whether a request sets the cookie again. */
  rolls?: boolean;
  /** What else is in the user's page, and its headers. */
  extra?: string;
  headers?: Record<string, string>;
  more?: (app: Router) => void;
  base?: string;
}

export function plain({
  name = "user",
  set = {},
  clear = set,
  above = (_req, _res, next) => next(),
  logout = (_req, res) => res.clearCookie(name, clear).redirect(base || "/"),
  rolls = false,
  extra = "",
  headers = { "Cache-Control": "no-store" },
  more = () => {},
  base = "",
}: Plain): RequestListener {
  const app = express();
  app.use(above);
  const router = Router();
  more(router);
  router.get("/", (req, res) => {
    const user = cookieOf(req, name);
    res.set(headers).send(page(user, user && extra));
  });
  router.get("/login", (_, res) => void res.send(forms(base)));
  router.post("/login/:user", (req, res) => {
    res.cookie(name, req.params.user, set).redirect(base || "/");
  });
  router.all("/logout", logout);
  router.all("/update", express.json(), (req, res) => {
    const user = cookieOf(req, name);
    if (rolls && user) res.cookie(name, user, set);
    res.json({ by: user ?? null });
  });
  app.use(base, router);
  return app;
}

/**
 * An app with sessions on the server.
 * @param logout what ends the session with this id
 * @param sessions the sessions of all processes, this one's first
 * @param headers of the page
 */
export function withSession(
  logout: (sid: string, sessions: Sessions) => express.RequestHandler,
  sessions: Sessions[] = [new Map()],
  headers: Record<string, string> = { "Cache-Control": "no-store" },
): RequestListener {
  const app = express();
  const [own = new Map()] = sessions;
  app.use((req, res, next) => {
    res.locals.user = own.get(cookieOf(req, "sid") ?? "");
    next();
  });
  app.get("/", (_, res) => {
    res.set(headers).send(page(res.locals.user));
  });
  app.get("/login", (_, res) => void res.send(forms()));
  app.post("/login/:user", (req, res) => {
    const sid = randomUUID();
    for (const one of sessions) one.set(sid, req.params.user);
    res.cookie("sid", sid).redirect("/");
  });
  app.all("/logout", (req, res, next) =>
    logout(cookieOf(req, "sid") ?? "", own)(req, res, next),
  );
  app.post("/update", express.json(), (_, res) => {
    res.json({ by: res.locals.user ?? null });
  });
  app.use(((_error, _req, res, _next) => {
    res.status(500).send("no");
  }) as express.ErrorRequestHandler);
  return app;
}

export type Sessions = Map<string, string>;

/** A logout as it should be. */
export const ends =
  (sid: string, sessions: Sessions): express.RequestHandler =>
  (_, res) => {
    sessions.delete(sid);
    res.clearCookie("sid").redirect("/");
  };

/** A logout that leaves the cookie alone. */
export const endsOnServer =
  (sid: string, sessions: Sessions): express.RequestHandler =>
  (_, res) => {
    sessions.delete(sid);
    res.redirect("/");
  };

/** An app with express-openid-connect, and the local provider. */
export async function withProvider(
  baseURL: string,
  config: ConfigParams,
  more: (app: express.Express) => void = () => {},
  extra = "",
): Promise<RequestListener> {
  const options = { idpMs: 0, claimBytes: 0, backChannelLogout: false };
  const { provider, close } = await startProvider({ baseURL, ...options });
  closing.add(close);
  const app = express();
  app.post("/update", express.json(), (_, res) => void res.json({}));
  app.use(
    auth({
      ...provider,
      baseURL,
      authorizationParams: { response_type: "code" },
      ...config,
    }),
  );
  more(app);
  app.get("/", (req, res) => {
    res.set("Cache-Control", "no-store");
    res.send(page(req.oidc.user?.sub, extra));
  });
  return app;
}

/** Closes the providers that have been started. */
export function closeProviders(): void {
  for (const close of closing) close();
  closing.clear();
}

const closing = new Set<() => void>();

/** Sends each request to the next of some apps in turn. */
export const inTurns = (...apps: RequestListener[]): RequestListener => {
  let turn = 0;
  return (req, res) => {
    turn += 1;
    apps[turn % apps.length]?.(req, res);
  };
};

/** @param leave what a logout does to the socket of its session */
export function withSocket(leave: (socket: Duplex) => void): RequestListener {
  const sockets = new Map<string, Duplex>();
  return plain({
    above(req, res, next) {
      const user = cookieOf(req);
      const socket = sockets.get(user ?? "");
      if (req.path === "/logout" && socket) leave(socket);
      if (req.path !== "/socket") return next();
      if (!user) return res.status(401).send("no");
      const key = `${req.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
      const accept = createHash("sha1").update(key).digest("base64");
      req.socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      sockets.set(user, req.socket);
    },
  });
}

/** @param takes which paths log in whoever has a cookie for that */
export const remembers = (
  takes: (path: string) => boolean,
  more: (app: Router) => void = () => {},
): RequestListener =>
  plain({
    above(req, res, next) {
      const user = cookieOf(req, "remember");
      if (req.path.startsWith("/login/")) {
        res.cookie("remember", req.path.slice(7));
      } else if (user && !cookieOf(req) && takes(req.path)) {
        res.cookie("user", user);
        req.headers.cookie += `; user=${user}`;
      }
      next();
    },
    more,
  });

/**
 * @param answer what its service worker answers with
 * @param file what is registered, in JavaScript
 */
export const withWorker = (
  answer: string,
  file = `"/sw.js"`,
): RequestListener =>
  plain({
    extra: `<script>
      const { serviceWorker } = navigator;
      window.worker = serviceWorker.register(${file})
        .then(() => serviceWorker.ready)
        .then(() => caches.open("pages"))
        .then((cache) => cache.add("/"));
    </script>`,
    more: (app) =>
      app.get("/sw.js", (_, res) => {
        res
          .type("js")
          .send(
            `addEventListener("fetch", (event) => event.respondWith(${answer}))`,
          );
      }),
  });

/** An app behind a cache that keeps the page for whoever asks. */
export function cached(
  withCookies: boolean,
  keyOf = ({ url }: Request) => url,
): RequestListener {
  const kept = new Map<string, { body: string; cookie: unknown }>();
  return plain({
    above(req, res, next) {
      if (req.method !== "GET" || req.path !== "/") return next();
      const hit = kept.get(keyOf(req));
      if (hit) {
        if (hit.cookie && withCookies)
          res.set("Set-Cookie", hit.cookie as string);
        return res.send(hit.body);
      }
      const user = cookieOf(req);
      if (user) res.cookie("user", user);
      const send = res.send.bind(res);
      res.send = (body) => {
        if (user) kept.set(keyOf(req), { body, cookie: res.get("Set-Cookie") });
        return send(body);
      };
      next();
    },
  });
}
