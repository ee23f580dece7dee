import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import type { RequestListener } from "node:http";
import { setTimeout } from "node:timers/promises";
import express, {
  type CookieOptions,
  type Request,
  type RequestHandler,
  type Response,
} from "express";
import { auth, type ConfigParams } from "express-openid-connect";
import { startProvider } from "../../snippets/support/provider.ts";

// Small apps with a complaint that people have made in public: "I logged the user out, and they are
// logged in again". Each has another cause.

/** Makes an app, from the address at which it will be. */
export type Make = (url: string) => RequestListener | Promise<RequestListener>;

const page = (user: unknown, base = "", extra = "") =>
  `<!doctype html><h1>${user ?? "nobody"} is logged in</h1>${user ? `<a href="${base}/logout">log out</a>${extra}` : `<a href="${base}/login">log in</a>`}`;

const forms = (base = "") =>
  ["alice", "bob"].map(
    (user) =>
      `<form method="post" action="${base}/login/${user}"><button>${user}</button></form>`,
  );

const cookieOf = (req: Request, name = "user") =>
  `; ${req.headers.cookie}`.match(`; ${name}=([^;]*)`)?.[1];

/** What an app may do in another way. */
interface Parts {
  /** Stands above all. */
  above?: RequestHandler;
  logout?: RequestHandler;
  /** What else is in the user's page. */
  extra?: string;
  cache?: string;
  base?: string;
  /** How the cookie is called, set and cleared. */
  name?: string;
  set?: CookieOptions;
  clear?: CookieOptions;
  /** Whether a request sets the cookie again. */
  rolls?: boolean;
  /** With it, the cookie has an id, and here are the users. */
  sessions?: Map<string, string>;
  /** Whether a request writes its session back, whatever became of that meanwhile. */
  writesBack?: boolean;
  /** How long `/slow` takes. */
  ms?: number;
}

const ALL: RequestHandler = (_req, _res, next) => next();

/** Makes an app whose session is in a cookie, or on the server. */
export const app =
  (parts: Parts = {}): Make =>
  () => {
    const { name = "user", set = {}, clear = set, base = "" } = parts;
    const { above = ALL, extra, cache = "no-store", sessions } = parts;
    const all = express();
    const router = express.Router();
    all.use(above);
    all.use(base || "/", router);
    const userOf = (req: Request) => {
      const value = cookieOf(req, name);
      return sessions ? sessions.get(value ?? "") : value;
    };
    const end: RequestHandler = (req, res) => {
      sessions?.delete(cookieOf(req, name) ?? "");
      res.clearCookie(name, clear).redirect(base || "/");
      res.once("finish", () => all.emit("logout"));
    };
    const again = (req: Request, res: Response, user: unknown) => {
      const value = cookieOf(req, name) ?? "";
      if (parts.rolls && user) res.cookie(name, value, set);
      if (parts.writesBack && user) sessions?.set(value, String(user));
      res.json({ by: user ?? null });
    };
    router.get("/", (req, res) => {
      res.set("Cache-Control", cache).send(page(userOf(req), base, extra));
    });
    router.get("/login", (_, res) => void res.send(forms(base).join("")));
    router.post("/login/:user", (req, res) => {
      const id = sessions ? randomUUID() : req.params.user;
      sessions?.set(id, req.params.user);
      res.cookie(name, id, set).redirect(base || "/");
    });
    router.all("/logout", parts.logout ?? end);
    router.all("/update", (req, res) => {
      const user = userOf(req);
      express.json()(req, res, () => again(req, res, user));
    });
    let count = 0;
    router.get("/slow", async (req, res) => {
      const user = userOf(req);
      // The one that is in flight answers when there has been a logout.
      const isLate = user && ++count > 1;
      await Promise.all([setTimeout(parts.ms), isLate && once(all, "logout")]);
      again(req, res, user);
    });
    return all;
  };

/** Makes an app with sessions on the server, anew each time. */
export const withSession =
  (parts: Parts = {}): Make =>
  (url) =>
    app({ ...parts, name: "sid", sessions: new Map() })(url);

/** Makes an app with express-openid-connect, and the local provider. */
const oidc =
  (config: ConfigParams, own?: RequestHandler, extra = ""): Make =>
  async (baseURL) => {
    const options = { idpMs: 0, claimBytes: 0, backChannelLogout: false };
    const { provider } = await startProvider({ baseURL, ...options });
    const all = express();
    all.post("/update", express.json(), (_, res) => void res.json({}));
    const authorizationParams = { response_type: "code" };
    all.use(auth({ ...provider, baseURL, authorizationParams, ...config }));
    if (own) all.get("/logout", own);
    all.post("/api", express.json(), (_, res) => void res.json({}));
    all.get(
      "/",
      (req, res) => void res.send(page(req.oidc.user?.sub, "", extra)),
    );
    return all;
  };

const LATER = { authRequired: false };
const BOTH = { ...LATER, idpLogout: true };
const OWN = { ...LATER, routes: { logout: false as const } };
const forgets: RequestHandler = (req, res) => {
  Object.assign(req, { appSession: undefined });
  res.redirect("/");
};

/** Sends each request to the next of some apps in turn. */
const inTurns =
  (...makes: Make[]): Make =>
  async (url) => {
    const apps = await Promise.all(makes.map((make) => make(url)));
    let turn = 0;
    return (req, res) => apps[++turn % apps.length]?.(req, res);
  };

/** A logout that leaves the cookie, of sessions that two processes both know. */
function twoProcesses(url: string) {
  const both = [new Map<string, string>(), new Map<string, string>()];
  const make = (sessions: Map<string, string>) =>
    app({
      ...{ name: "sid", sessions },
      above(req, _res, next) {
        const { set } = Map.prototype;
        const all = (id: string, user: string) => {
          for (const one of both) set.call(one, id, user);
          return sessions;
        };
        if (req.path.startsWith("/login/")) sessions.set = all;
        next();
      },
      logout(req, res) {
        sessions.delete(cookieOf(req, "sid") ?? "");
        res.redirect("/");
      },
    });
  return inTurns(...both.map(make))(url);
}

/** An app behind a cache that keeps the user's page for whoever asks. */
const cached =
  (withCookies: boolean): Make =>
  (url) => {
    const kept = new Map<string, [body: unknown, cookie: unknown]>();
    const above: RequestHandler = (req, res, next) => {
      if (req.method !== "GET" || req.path !== "/") return next();
      const [body, cookie] = kept.get(req.url) ?? [];
      if (cookie && withCookies) res.set("Set-Cookie", cookie as string);
      if (body) return void res.send(body);
      const user = cookieOf(req);
      if (user) res.cookie("user", user);
      const send = res.send.bind(res);
      res.send = (sent) => {
        if (user) kept.set(req.url, [sent, res.get("Set-Cookie")]);
        return send(sent);
      };
      next();
    };
    return app({ above })(url);
  };

/** Has another cookie at the login, and takes it on some paths for the user's. */
const remembers = (takes: (path: string) => boolean, uses = "user"): Make =>
  app({
    above(req, res, next) {
      const user = cookieOf(req, "remember");
      if (req.path.startsWith("/login/"))
        res.cookie("remember", req.path.slice(7));
      else if (user && !cookieOf(req) && takes(req.path)) {
        if (uses) res.cookie(uses, user);
        req.headers.cookie += `; user=${user}`;
      }
      next();
    },
  });

/** Answers a socket, and keeps it open. @param isForAll whether a stranger may have it, too */
const withSocket = (isForAll: boolean, ends = false): Make =>
  app({
    extra: `<script>new WebSocket("ws://" + location.host + "/socket")</script>`,
    above(req, res, next) {
      const { host = "" } = req.headers;
      const open = sockets.get(host) ?? [];
      if (req.path === "/logout" && ends) for (const one of open) one.destroy();
      if (req.path !== "/socket") return next();
      if (!isForAll && !cookieOf(req)) return void res.status(401).send("no");
      const key = `${req.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
      const accept = createHash("sha1").update(key).digest("base64");
      req.socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      sockets.set(host, [...open, req.socket]);
    },
  });
const sockets = new Map<string, Request["socket"][]>();

/** Adds its cookie to each answer, the logout's, too. */
const appends =
  (anew: (user: string) => string): RequestHandler =>
  (req, res, next) => {
    const user = cookieOf(req);
    const { writeHead } = res;
    res.writeHead = ((...words: [number]) => {
      if (user) res.append("Set-Cookie", `user=${anew(user)}; Path=/`);
      return writeHead.apply(res, words);
    }) as typeof writeHead;
    next();
  };

const basic: RequestHandler = (req, res, next) => {
  if (req.path !== "/login") return next();
  const [, sent = ""] = req.headers.authorization?.split(" ") ?? [];
  const [user] = Buffer.from(sent, "base64").toString().split(":");
  if (user) return res.cookie("user", user).redirect("/");
  res.set("WWW-Authenticate", "Basic").status(401).send("who?");
};

const status =
  (code: number): RequestHandler =>
  (_, res) =>
    void res.status(code).send("no");
const to =
  (path: string, code = 302): RequestHandler =>
  (_, res) =>
    res.redirect(code, path);

const TOKEN = `<script>
  if (document.cookie.includes("user=")) localStorage.token = "alice";
  else if (localStorage.token) fetch("/login/alice", { method: "POST" });
</script>`;

const WORKER = `<script>
  navigator.serviceWorker.register("/sw.js").then(() => navigator.serviceWorker.ready)
    .then(() => caches.open("pages")).then((cache) => cache.add("/"));
</script>`;

const SW = `addEventListener("fetch", (event) => event.respondWith(
  caches.match(event.request).then((kept) => kept ?? fetch(event.request))))`;

const SECURE = { secure: true, sameSite: "none" } as const;
const DOMAIN = { domain: "localhost" };

/** The page of a stranger has the script, too: it is there when the user is gone. */
const onEachPage =
  (script: string): RequestHandler =>
  (req, res, next) => {
    const send = res.send.bind(res);
    if (req.path === "/") res.send = (body) => send(`${body}${script}`);
    next();
  };

const POST = ["--post", "/update"];
const BOB = [...POST, "--as", "bob"];

/** What the probe says, and of what: the names of its diagnoses, and its exit code if that does not follow. */
export interface ReportApp {
  says: string;
  make: Make;
  words: string[];
  under: string;
  code: number;
}

const says = (
  told: string,
  make: Make,
  words = POST,
  under = "",
): ReportApp => ({
  ...{ make, words, under },
  says: told.replace("?", ""),
  code: told === "?" ? 2 : told && told !== "open-stream" ? 1 : 0,
});

export const REPORT_APPS: Record<string, ReportApp> = {
  "nothing is wrong": says("", withSession()),
  "nothing is wrong, in a cookie": says("", app(), BOB),
  "a route of a store that is too fast": says("?", withSession(), []),
  "it writes back": says("race", withSession({ writesBack: true })),
  "it rolls": says("race", app({ rolls: true }), BOB),
  "a Domain that browsers take for none": says("", app({ set: DOMAIN })),
  "a Cookie with a path": says(
    "race",
    app({ base: "/app", set: { path: "/app" }, rolls: true }),
    POST,
    "/app",
  ),
  "Auth0's quickstart": says(
    "race",
    oidc({
      ...BOTH,
      authorizationParams: {
        response_type: "id_token",
        response_mode: "form_post",
      },
    }),
    ["--post", "/api"],
  ),
  "the logout ends both sessions": says("", oidc(BOTH)),
  "a login is required": says("provider-session", oidc({})),
  "a login is optional": says("provider-session", oidc(LATER)),
  "a logout by fetch, which CORS stops": says(
    "provider-session mirror-race",
    oidc(
      BOTH,
      undefined,
      `<script>document.links[0].onclick = () => { fetch("/logout").catch(() => {}).then(() => location.reload()); return false; }</script>`,
    ),
    BOB,
  ),
  "a silent login": says(
    "silent-login race",
    oidc({ ...OWN, attemptSilentLogin: true }, forgets),
    [],
  ),
  "another Path": says(
    "clearing-does-not-match",
    app({ base: "/app", set: { path: "/app" }, clear: {} }),
    POST,
    "/app",
  ),
  "__Host- without Secure": says(
    "clearing-does-not-match",
    app({ name: "__Host-user", set: { secure: true }, clear: {} }),
  ),
  "without Partitioned": says(
    "clearing-does-not-match",
    app({ set: { ...SECURE, partitioned: true }, clear: SECURE }),
  ),
  "another name": says(
    "clearing-does-not-match",
    app({ logout: (_, res) => res.clearCookie("usr").redirect("/") }),
  ),
  "it clears nothing": says("clears-nothing", app({ logout: to("/") })),
  "it clears nothing, with a store": says(
    "clears-nothing",
    withSession({ logout: to("/") }),
  ),
  "it is set again": says(
    "sets-it-again",
    app({ above: appends((user) => user) }),
  ),
  "a 301 that is kept": says(
    "logout-did-not-arrive",
    app({ logout: (_, res) => res.clearCookie("user").redirect(301, "/") }),
  ),
  "a click that sends nothing": says(
    "logout-did-not-arrive",
    app({ extra: `<script>document.links[0].onclick = () => false</script>` }),
  ),
  "500": says("logout-failed", app({ logout: status(500) })),
  "404": says("logout-failed", app({ logout: status(404) })),
  "403": says("logout-failed", app({ logout: status(403) })),
  "it hangs up": says(
    "logout-failed",
    app({ logout: (req) => void req.socket.destroy() }),
  ),
  "it asks first": says(
    "",
    app({
      logout: (req, res) =>
        req.method === "POST"
          ? res.clearCookie("user").redirect("/")
          : void res.send(`<form method="post"><button>Yes</button></form>`),
    }),
  ),
  "it goes on by itself, to a frame that logs out": says(
    "",
    app({
      logout: (_, res) =>
        void res.send(`<meta http-equiv="refresh" content="0; url=/leaving">`),
      above: (req, res, next) =>
        req.path === "/leaving"
          ? void res.send(`<iframe src="/end"></iframe>`)
          : req.path === "/end"
            ? void res.clearCookie("user").send("")
            : next(),
    }),
  ),
  "it answers too early": says(
    "logout-too-early",
    (url) => {
      const sessions = new Map<string, string>();
      const logout: RequestHandler = (req, res) => {
        // A few requests still find the session.
        const left = { times: 1 };
        sessions.get = (id) =>
          id === cookieOf(req, "sid") && left.times-- < 0
            ? undefined
            : Map.prototype.get.call(sessions, id);
        res.redirect("/");
      };
      return app({ name: "sid", sessions, logout })(url);
    },
    [],
  ),
  "a remember-me cookie": says(
    "second-credential",
    remembers((path) => path !== "/logout"),
  ),
  "a remember-me cookie for the login": says(
    "second-credential",
    remembers((path) => path === "/login"),
  ),
  "an old cookie of another name": says(
    "second-credential",
    remembers(() => true, ""),
  ),
  "a token that a script keeps": says(
    "second-credential",
    app({ above: onEachPage(TOKEN) }),
  ),
  Basic: says("basic-auth", app({ above: basic })),
  "the browser's cache": says(
    "only-looks-logged-in",
    app({ cache: "private, max-age=60" }),
  ),
  "a service worker": says(
    "only-looks-logged-in",
    app({
      extra: WORKER,
      above: (req, res, next) =>
        req.path === "/sw.js" ? void res.type("js").send(SW) : next(),
    }),
  ),
  "a page that a script has kept": says(
    "only-looks-logged-in",
    app({
      above: onEachPage(
        `<script>if (document.links[0].text === "log out") localStorage.page = document.body.innerHTML; else if (localStorage.page) document.body.innerHTML = localStorage.page;</script>`,
      ),
    }),
  ),
  "two processes that both know the user": says(
    "unshared-sessions",
    twoProcesses,
  ),
  "five processes of which one knows the user": says(
    "unshared-sessions",
    inTurns(...Array.from({ length: 5 }, () => withSession())),
  ),
  "a cache that keeps Set-Cookie": says("shared-cache", cached(true)),
  "a cache that keeps a user's page": says("shared-cache", cached(false)),
  "a server that remembers": says("server-remembers", (url) => {
    let last = "";
    const above: RequestHandler = (req, _, next) => {
      if (req.path.startsWith("/login/")) last = req.path.slice(7);
      if (last) req.headers.cookie = `user=${last}`;
      next();
    };
    return app({ above })(url);
  }),
  "a prefetch that logs out": says(
    "logs-out-by-itself",
    app({
      extra: `<script>for (const { href } of document.links) fetch(href, { headers: { purpose: "prefetch" } })</script>`,
    }),
  ),
  "Clear-Site-Data": says(
    "race",
    app({
      rolls: true,
      logout: (_, res) => res.set("Clear-Site-Data", '"cookies"').redirect("/"),
    }),
  ),
  "a logout by DELETE, while a PUT is in flight": says(
    "race mirror-race",
    app({
      rolls: true,
      logout: (req, res) =>
        void (
          req.method === "DELETE" ? res.clearCookie("user") : res.status(405)
        ).json({}),
      extra: `<script>document.links[0].onclick = () => { fetch("/logout", { method: "DELETE" }).then(() => location.reload()); return false; }</script>`,
    }),
    ["--put", "/update", "--as", "bob"],
  ),
  "a stream that sets the cookie": says(
    "stream-lives-on race",
    app({
      extra: `<script>new EventSource("/events")</script>`,
      above: (req, res, next) =>
        req.path !== "/events"
          ? next()
          : cookieOf(req)
            ? void res
                .cookie("user", cookieOf(req))
                .type("text/event-stream")
                .write("data: 1\n\n")
            : void res.status(401).send("no"),
    }),
    [],
  ),
  "a socket that goes on": says("stream-lives-on", withSocket(false)),
  "a socket that strangers may open": says("open-stream", withSocket(true)),
  "a socket that ends": says("", withSocket(false, true)),
  "a cookie that no browser takes": says(
    "race",
    app({
      rolls: true,
      above: (_, res, next) =>
        next(void res.cookie("ab", "1", { domain: "example.com" })),
    }),
  ),
  "an empty Set-Cookie": says(
    "race",
    app({
      rolls: true,
      above: (_, res, next) => next(void res.set("Set-Cookie", "")),
    }),
  ),
  "a token of the page": says(
    "race",
    app({
      rolls: true,
      extra: `<meta name="csrf" content="7b3a"><script>fetch("/update", { method: "POST", body: "{}", headers: { "content-type": "application/json", "x-csrf": document.querySelector("meta").content } })</script>`,
      above: (req, res, next) =>
        req.path === "/update" && req.headers["x-csrf"] !== "7b3a"
          ? status(403)(req, res, next)
          : next(),
    }),
    [],
  ),
};
for (const ms of [100, 400, 1500])
  REPORT_APPS[`a GET of ${ms} ms that writes back`] = says(
    "race",
    withSession({ writesBack: true, ms }),
    ["--get", "/slow"],
  );
REPORT_APPS["a GET of 400 ms that does not"] = says(
  "",
  withSession({ ms: 400 }),
  ["--get", "/slow"],
);
