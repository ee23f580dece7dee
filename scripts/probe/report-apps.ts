import { createHash, randomUUID } from "node:crypto";
import type { RequestListener } from "node:http";
import type { Duplex } from "node:stream";
import express, {
  type CookieOptions,
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
  type Router,
} from "express";
import { auth, type ConfigParams } from "express-openid-connect";
import { startProvider } from "../../snippets/support/provider.ts";

// Small apps with a complaint that people have made in public: "I logged the user out, and they are
// logged in again". Each has another cause.

/** Makes an app, from the address at which it will be. */
export type Make = (
  baseURL: string,
) => RequestListener | Promise<RequestListener>;

const NO_STORE: Record<string, string> = { "Cache-Control": "no-store" };

const page = (user: unknown, extra = "") =>
  `<!doctype html><h1>${user ?? "nobody"} is logged in</h1>${extra}`;

const forms = (base = "") =>
  ["alice", "bob"]
    .map(
      (user) =>
        `<form method="post" action="${base}/login/${user}"><button>${user}</button></form>`,
    )
    .join("\n");

const cookieOf = (req: Request, name = "user"): string | undefined =>
  req.headers.cookie
    ?.split("; ")
    .find((cookie) => cookie.startsWith(`${name}=`))
    ?.slice(name.length + 1);

/** What can be another thing about an app. */
interface Parts {
  /** Stands above all. */
  above?: RequestHandler;
  /** What else is in the user's page, and the page's headers. */
  extra?: string;
  headers?: Record<string, string>;
}

/** An app whose session is a cookie with the user's name. */
interface Plain extends Parts {
  name?: string;
  /** How the cookie is set, and how it is cleared. */
  set?: CookieOptions;
  clear?: CookieOptions;
  logout?: RequestHandler;
  /** Whether a request sets the cookie again. */
  rolls?: boolean;
  more?: (app: Router) => void;
  base?: string;
}

export const plain =
  ({
    name = "user",
    set = {},
    clear = set,
    above = (_req, _res, next) => next(),
    logout = (_, res) => res.clearCookie(name, clear).redirect(base || "/"),
    rolls = false,
    extra = "",
    headers = NO_STORE,
    more = () => {},
    base = "",
  }: Plain): Make =>
  () => {
    const app = express();
    app.use(above);
    const router = express.Router();
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
    return app.use(base, router);
  };

type Sessions = Map<string, string>;

/** What a logout does with the session that has an id. */
type End = (sid: string, own: Sessions, res: Response) => unknown;

/** A logout that leaves the cookie alone. */
const endsOnServer: End = (sid, own, res) => {
  own.delete(sid);
  res.redirect("/");
};

/** An app with sessions on the server. */
interface WithSession extends Parts {
  end?: End;
  /** The sessions of all processes, this one's first. */
  sessions?: Sessions[];
  /** Whether it reads bodies before it loads sessions, as many apps do. */
  isBodyFirst?: boolean;
  /** Whether a request writes its session back, whatever became of that meanwhile. */
  writesBack?: boolean;
  /** What `/update` does, for whom. */
  update?: (user: string | undefined, res: Response) => void;
  /** Where a logout leads. */
  afterLogout?: string;
}

export const withSession =
  ({
    afterLogout = "/",
    end = (sid, own, res) => {
      own.delete(sid);
      res.clearCookie("sid").redirect(afterLogout);
    },
    sessions,
    above = (_req, _res, next) => next(),
    isBodyFirst = false,
    writesBack = false,
    update = (user, res) => res.json({ by: user ?? null }),
    headers = NO_STORE,
  }: WithSession): Make =>
  () => {
    const app = express();
    const all = sessions ?? [new Map()];
    const [own = new Map()] = all;
    app.use(above);
    if (isBodyFirst) app.use(express.json());
    app.use((req, res, next) => {
      const sid = cookieOf(req, "sid") ?? "";
      const user = own.get(sid);
      res.locals = { sid, user };
      res.once("finish", () => {
        if (writesBack && user && req.path !== "/logout") own.set(sid, user);
      });
      next();
    });
    app.get("/", (_, res) => {
      res.set(headers).send(page(res.locals.user));
    });
    app.get("/login", (_, res) => void res.send(forms()));
    app.post("/login/:user", (req, res) => {
      const sid = randomUUID();
      for (const one of all) one.set(sid, req.params.user);
      res.cookie("sid", sid).redirect("/");
    });
    app.all("/logout", (_, res) => void end(res.locals.sid, own, res));
    app.all("/update", express.json(), (_, res) => {
      update(res.locals.user, res);
    });
    return app.use(((error, _req, res, _next) => {
      res.status(error.status ?? 500).send("no");
    }) as ErrorRequestHandler);
  };

/** An app with express-openid-connect, and the local provider. */
const withProvider =
  (
    config: ConfigParams,
    more: (app: Express) => void = () => {},
    extra = "",
  ): Make =>
  async (baseURL) => {
    const options = { idpMs: 0, claimBytes: 0, backChannelLogout: false };
    const { provider } = await startProvider({ baseURL, ...options });
    const app = express();
    app.post("/update", express.json(), (_, res) => void res.json({}));
    const authorizationParams = { response_type: "code" };
    app.use(auth({ ...provider, baseURL, authorizationParams, ...config }));
    more(app);
    app.get("/", (req, res) => {
      res.set(NO_STORE).send(page(req.oidc.user?.sub, extra));
    });
    return app;
  };

/** Makes an app anew each time, with what it remembers. */
const anew =
  (makeMake: () => Make): Make =>
  (baseURL) =>
    makeMake()(baseURL);

/** Sends each request to the next of some apps in turn. */
const inTurns =
  (...makes: Make[]): Make =>
  async (baseURL) => {
    const apps = await Promise.all(makes.map((make) => make(baseURL)));
    let turn = 0;
    return (req, res) => {
      turn += 1;
      apps[turn % apps.length]?.(req, res);
    };
  };

/** @param leave what a logout does to the socket of its session */
const withSocket = (leave: (socket: Duplex) => void): Make =>
  anew(() => {
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
  });

/** @param takes which paths log in whoever has a cookie for that */
const remembers = (takes: (path: string) => boolean): Make =>
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
  });

/** An app behind a cache that keeps the page for whoever asks. */
const cached = (
  withCookies: boolean,
  keyOf: (req: Request) => string = ({ url }) => url,
): Make =>
  anew(() => {
    const kept = new Map<string, { body: string; cookie: unknown }>();
    return plain({
      above(req, res, next) {
        if (req.method !== "GET" || req.path !== "/") return next();
        const hit = kept.get(keyOf(req));
        if (hit) {
          if (withCookies) res.set("Set-Cookie", hit.cookie as string);
          return res.send(hit.body);
        }
        const user = cookieOf(req);
        if (user) res.cookie("user", user);
        const send = res.send.bind(res);
        res.send = (body) => {
          if (user)
            kept.set(keyOf(req), { body, cookie: res.get("Set-Cookie") });
          return send(body);
        };
        next();
      },
    });
  });

/** What the probe says: the names of its diagnoses, and its exit code. */
interface Told {
  wanted: string[];
  code: number;
}

/** An app, and what the probe is to say of it. */
export interface ReportApp extends Told {
  make: Make;
  /** More words of the command line. */
  words?: string[];
  /** The path under which the app is. */
  under?: string;
  /** Where a Cookie header alone tells another thing, or nothing. */
  pasted?: Told;
}

const says =
  (code: number, ...wanted: string[]) =>
  (make: Make, more: Partial<ReportApp> = {}): ReportApp => ({
    ...{ make, wanted, code },
    ...more,
  });

const holds = says(0);
const unknown = says(2);
const unmatched = says(1, "clearing-does-not-match");
const failed = says(1, "logout-failed");
const atProvider = says(1, "provider-session");
const silent = says(1, "silent-login");
const credential = says(1, "second-credential");
const looks = says(1, "only-looks-logged-in");
// It is a note: a reload shows who is logged in.
const history = says(0, "only-looks-logged-in");
const apart = says(1, "unshared-sessions");
const shared = says(1, "shared-cache");
const race = says(1, "race");
const both = says(1, "race", "mirror-race");
const tooEarly = says(1, "logout-too-early");
const livesOn = says(1, "stream-lives-on");
const streamed = says(1, "stream-lives-on", "race");

// A Cookie header has no Path, Domain or Partitioned.
const GUESS = { pasted: { wanted: [], code: 2 } };

const SECURE = { secure: true, sameSite: "none" } as const;
const BOTH = { authRequired: false, idpLogout: true };

// What the library does by default.
const FORM_POST = { response_type: "id_token", response_mode: "form_post" };

export const REPORT_APPS: Record<string, ReportApp> = {
  "nothing is wrong": holds(withSession({})),
  "nothing is wrong, and browsers keep the pages for back": history(
    withSession({ headers: {} }),
  ),
  "a request in flight writes its session back": race(
    withSession({ writesBack: true }),
  ),
  "the configuration of Auth0's quickstart": race(
    withProvider({ ...BOTH, authorizationParams: FORM_POST }, (app) => {
      app.post("/api", express.json(), (_, res) => void res.json({}));
    }),
    { words: ["--post", "/api"] },
  ),

  // The provider's session.
  "login required, and the provider's session stays": atProvider(
    withProvider({}),
  ),
  "login optional, and the provider's session stays": atProvider(
    withProvider({ authRequired: false }),
  ),
  "a logout by fetch, which CORS stops": {
    ...atProvider(
      withProvider(
        BOTH,
        undefined,
        `<button onclick="fetch('/logout').catch(() => {})">out</button>`,
      ),
      { words: ["--fetch"] },
    ),
    // One user's header does not tell what becomes of the next.
    pasted: { wanted: ["provider-session"], code: 1 },
    wanted: ["provider-session", "mirror-race"],
  },
  "the logout ends both sessions": holds(withProvider(BOTH)),
  "a silent login, and a logout of one's own": silent(
    withProvider(
      {
        authRequired: false,
        attemptSilentLogin: true,
        routes: { logout: false },
      },
      (app) =>
        app.get("/logout", (req, res) => {
          Object.assign(req, { appSession: undefined });
          res.redirect("/");
        }),
    ),
  ),
  "a silent login in a frame": silent(
    plain({
      above(req, res, next) {
        if (req.path !== "/" || cookieOf(req)) return next();
        const asks = "client_id=a&amp;response_type=code&amp;prompt=none";
        const frame = `<iframe src="http://localhost:1/?${asks}"></iframe>`;
        res.set(NO_STORE).send(page(undefined, frame));
      },
    }),
  ),

  // The clearing does not match.
  "another Domain": unmatched(
    plain({ set: { domain: "localhost" }, clear: {} }),
    GUESS,
  ),
  "another Path": unmatched(
    plain({ base: "/app", set: { path: "/app" }, clear: {} }),
    { under: "/app", ...GUESS },
  ),
  "the prefix __Host- without Secure": unmatched(
    plain({ name: "__Host-user", set: { secure: true }, clear: {} }),
  ),
  "without Partitioned": unmatched(
    plain({ set: { ...SECURE, partitioned: true }, clear: SECURE }),
    GUESS,
  ),
  "another name": unmatched(
    plain({ logout: (_, res) => res.clearCookie("usr").redirect("/") }),
  ),

  // The logout fails.
  "a function that is not there": failed(
    withSession({
      end() {
        throw new TypeError("req.session.destroy is not a function");
      },
    }),
  ),
  "a logout that asks first": unknown(
    plain({ logout: (_, res) => void res.send(forms()) }),
  ),
  "a logout that never answers": unknown(plain({ logout: () => {} }), {
    words: ["--timeout", "1"],
  }),
  "a logout that hangs up": failed(
    plain({ logout: (req) => void req.socket.destroy() }),
  ),
  "a logout that answers before the session has ended": tooEarly(
    withSession({
      end(sid, own, res) {
        // The session ends a little later: a few requests still find it.
        const get = own.get.bind(own);
        let left = 3;
        own.get = (key) => {
          if (key === sid && left-- <= 0) own.delete(sid);
          return get(key);
        };
        res.redirect("/");
      },
    }),
  ),

  // Another credential.
  "a remember-me cookie": credential(remembers((path) => path !== "/logout")),
  "a remember-me cookie that the login alone takes": credential(
    remembers((path) => path === "/login"),
  ),
  "a refresh token that a redirect uses": credential(
    plain({
      above(req, res, next) {
        const token = cookieOf(req, "refresh_token");
        if (req.path.startsWith("/login/")) {
          res.cookie("refresh_token", req.path.slice(7));
        } else if (req.path === "/refresh" && token) {
          return res.cookie("user", token).redirect("/");
        } else if (req.path === "/" && token && !cookieOf(req)) {
          return res.redirect("/refresh");
        }
        next();
      },
    }),
  ),

  // It only looks so.
  "the browser's cache": looks(
    plain({ headers: { "Cache-Control": "private, max-age=60" } }),
  ),
  "a logout that has the browser's cache cleared": holds(
    plain({
      headers: {},
      logout: (_, res) =>
        res.set("Clear-Site-Data", '"cache"').clearCookie("user").redirect("/"),
    }),
    GUESS,
  ),
  // Only a real browser shows that.
  "a service worker": holds(
    plain({
      extra: `<script>
      const { serviceWorker } = navigator;
      window.worker = serviceWorker.register("/sw.js")
        .then(() => serviceWorker.ready)
        .then(() => caches.open("pages"))
        .then((cache) => cache.add("/"));
    </script>`,
      more: (app) =>
        app.get("/sw.js", (_, res) => {
          res.type("js").send(
            `addEventListener("fetch", (event) => event.respondWith(
            caches.match(event.request).then((kept) => kept ?? fetch(event.request))))`,
          );
        }),
    }),
    GUESS,
  ),

  // Processes and caches.
  "two processes that both know the user": apart(
    anew(() => {
      const sessions: Sessions[] = [new Map(), new Map()];
      return inTurns(
        withSession({ end: endsOnServer, sessions }),
        withSession({ end: endsOnServer, sessions: sessions.toReversed() }),
      );
    }),
  ),
  "five processes of which one knows the user": apart(
    inTurns(...Array.from({ length: 5 }, () => withSession({}))),
  ),
  "a cache that keeps Set-Cookie": shared(cached(true)),
  "a cache that keeps Set-Cookie, whatever the query": shared(
    cached(true, ({ path }) => path),
  ),
  "a cache that keeps a user's page": shared(cached(false)),

  // What can be asked.
  "a session under a path": race(
    plain({ base: "/app", set: { path: "/app" }, rolls: true }),
    { under: "/app" },
  ),
  "Clear-Site-Data": race(
    plain({
      rolls: true,
      logout: (_, res) => res.set("Clear-Site-Data", '"cookies"').redirect("/"),
    }),
  ),
  "a logout by DELETE, while a PUT is in flight": both(
    plain({
      rolls: true,
      logout(req, res) {
        if (req.method !== "DELETE") return res.status(405).send("no");
        res.clearCookie("user").json({});
      },
    }),
    {
      words: ["--put", "/update", "--logout", "DELETE /logout"],
      pasted: { wanted: ["race"], code: 1 },
    },
  ),
  "a logout that wants a token of the page": race(
    plain({
      rolls: true,
      extra: `<meta name="csrf" content="7b3a">`,
      logout(req, res) {
        if (req.headers["x-csrf"] !== "7b3a") return res.status(403).send("");
        res.clearCookie("user").redirect("/");
      },
    }),
    {
      words: [
        ...["--logout", "POST /logout"],
        ...["--logout-header", "X-CSRF: {token:csrf}"],
        ...["--header", "X-Token: {token:csrf}"],
      ],
    },
  ),
  "a logout that goes on by itself, to a page with a frame that logs out":
    holds(
      plain({
        logout: (_, res) =>
          void res.send(
            `<meta http-equiv="refresh" content="1; url='/leaving'">`,
          ),
        more(app) {
          app.get("/leaving", (_, res) => {
            res.send(`<iframe src="/end"></iframe>`);
          });
          app.get("/end", (_, res) => void res.clearCookie("user").send(""));
        },
      }),
      GUESS,
    ),
  "a stream that does not end": streamed(
    plain({
      more: (app) =>
        app.get("/events", (req, res) => {
          const user = cookieOf(req);
          if (!user) return res.status(401).send("no");
          res.cookie("user", user);
          // It is silent most of the time, as many are.
          res.type("text/event-stream").write("data: 1\n\n");
        }),
    }),
    { words: ["--get", "/events"] },
  ),
  "a WebSocket that does not end with its session": livesOn(
    withSocket(() => {}),
    { words: ["--socket", "/socket"] },
  ),
  "a WebSocket that ends with its session": holds(
    withSocket((socket) => socket.destroy()),
    { words: ["--socket", "/socket"], ...GUESS },
  ),
};
