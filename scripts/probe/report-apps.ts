import type { RequestListener } from "node:http";
import type { Request } from "express";

// Small apps with a complaint that people have made in public: "I logged the user out, and they are
// logged in again". Each has another cause.

/** An app, and what the probe is to say of it. */
interface ReportApp {
  name: string;
  make: (baseURL: string) => RequestListener | Promise<RequestListener>;
  /** More words of the command line. */
  words?: string[];
  /** The path under which the app is. */
  under?: string;
  /** Where a Cookie header alone tells another thing, or nothing. */
  pasted?: { wanted: string[]; code: number };
  /** The names of the diagnoses. */
  wanted: string[];
  code: number;
}

import {
  cached,
  cookieOf,
  ends,
  endsOnServer,
  forms,
  inTurns,
  page,
  plain,
  remembers,
  type Sessions,
  withProvider,
  withSession,
  withSocket,
  withWorker,
} from "./make-report-apps.ts";

const GUESS = {
  // A Cookie header has no Path, Domain or Partitioned.
  pasted: { wanted: [], code: 2 },
};

const SECURE = { secure: true, sameSite: "none", httpOnly: true } as const;

const UNMATCHED = { wanted: ["clearing-does-not-match"], code: 1 };
const FAILED = { wanted: ["logout-failed"], code: 1 };
const UNKNOWN = { wanted: [], code: 2 };
const AT_PROVIDER = { wanted: ["provider-session"], code: 1 };
const CREDENTIAL = { wanted: ["second-credential"], code: 1 };
const LOOKS = { wanted: ["only-looks-logged-in"], code: 1 };
// It is a note: a reload shows who is logged in.
const HISTORY = { ...LOOKS, code: 0 };
const APART = { wanted: ["unshared-sessions"], code: 1 };
const CACHED = { wanted: ["shared-cache"], code: 1 };
const RACE = { wanted: ["race"], code: 1 };

export const REPORT_APPS: ReportApp[] = [
  {
    name: "nothing is wrong",
    make: () => withSession(ends),
    wanted: [],
    code: 0,
  },
  {
    name: "nothing is wrong, and browsers keep the pages for back",
    make: () => withSession(ends, undefined, {}),
    ...HISTORY,
  },
  // The provider's session.
  {
    name: "login required, and the provider's session stays",
    make: (url) => withProvider(url, {}),
    ...AT_PROVIDER,
  },
  {
    name: "login optional, and the provider's session stays",
    make: (url) => withProvider(url, { authRequired: false }),
    ...AT_PROVIDER,
  },
  {
    name: "a logout by fetch, which CORS stops",
    make: (url) =>
      withProvider(
        url,
        { authRequired: false, idpLogout: true },
        undefined,
        `<button onclick="fetch('/logout').catch(() => {})">out</button>`,
      ),
    wanted: ["provider-session", "mirror-race"],
    code: 1,
    // One user's header does not tell what becomes of the next.
    pasted: AT_PROVIDER,
  },
  {
    name: "the logout ends both sessions",
    make: (url) => withProvider(url, { authRequired: false, idpLogout: true }),
    wanted: [],
    code: 0,
  },
  {
    name: "a silent login, and a logout of one's own",
    make: (url) =>
      withProvider(
        url,
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
    wanted: ["silent-login"],
    code: 1,
  },
  {
    name: "a provider at the app's own address",
    make: () =>
      remembers(
        (path) => path === "/provider",
        (app) => {
          const asks = "client_id=a&response_type=code";
          app.get("/login", (_, res) => res.redirect(`/provider?${asks}`));
          app.get("/provider", (_, res) => void res.send(forms()));
        },
      ),
    ...AT_PROVIDER,
  },
  {
    name: "a silent login in a frame",
    make: () =>
      plain({
        above(req, res, next) {
          if (req.path !== "/" || cookieOf(req)) return next();
          const asks =
            "client_id=a&amp;response_type=code&amp;prompt=none&amp;state=1";
          res.set("Cache-Control", "no-store");
          res.send(
            page(
              undefined,
              `<iframe src="http://localhost:1/?${asks}"></iframe>`,
            ),
          );
        },
      }),
    wanted: ["silent-login"],
    code: 1,
  },
  // The clearing does not match.
  {
    name: "another Domain",
    make: () => plain({ set: { domain: "localhost" }, clear: {} }),
    ...UNMATCHED,
    ...GUESS,
  },
  {
    name: "another Path",
    make: () => plain({ base: "/app", set: { path: "/app" }, clear: {} }),
    under: "/app",
    ...UNMATCHED,
    ...GUESS,
  },
  {
    name: "a Path that is deeper",
    make: () => plain({ clear: { path: "/account" } }),
    ...UNMATCHED,
    ...GUESS,
  },
  {
    name: "the prefix __Host- without Secure",
    make: () =>
      plain({ name: "__Host-user", set: { secure: true }, clear: {} }),
    ...UNMATCHED,
  },
  {
    name: "the prefix __Secure- without Secure",
    make: () =>
      plain({ name: "__Secure-user", set: { secure: true }, clear: {} }),
    ...UNMATCHED,
  },
  {
    name: "without Partitioned",
    make: () => plain({ set: { ...SECURE, partitioned: true }, clear: SECURE }),
    ...UNMATCHED,
    ...GUESS,
  },
  {
    name: "another name",
    make: () =>
      plain({ logout: (_, res) => res.clearCookie("usr").redirect("/") }),
    ...UNMATCHED,
  },
  // The logout fails.
  {
    name: "a function that is not there",
    make: () =>
      withSession(() => () => {
        throw new TypeError("req.session.destroy is not a function");
      }),
    ...FAILED,
  },
  {
    name: "a logout that asks first",
    make: () => plain({ logout: (_, res) => void res.send(forms()) }),
    ...UNKNOWN,
  },
  {
    name: "a logout that never answers",
    make: () => plain({ logout: () => {} }),
    words: ["--timeout", "1"],
    ...UNKNOWN,
  },
  {
    name: "a logout that never answers, and ends the session in one of two processes",
    make: () => {
      const ends: typeof endsOnServer = (sid, sessions) => () =>
        void sessions.delete(sid);
      const [one, other] = [new Map(), new Map()] as [Sessions, Sessions];
      return inTurns(
        withSession(ends, [one, other]),
        withSession(ends, [other, one]),
      );
    },
    words: ["--timeout", "1"],
    ...APART,
  },
  {
    name: "a logout that waits for what is in flight",
    make: () => {
      let busy: Request | undefined;
      return plain({
        above(req, _res, next) {
          if (req.path === "/update") busy = req;
          next();
        },
        logout(_req, res) {
          const leave = () => res.clearCookie("user").redirect("/");
          if (busy?.complete ?? true) leave();
          else busy?.once("close", leave);
        },
      });
    },
    words: ["--timeout", "1"],
    ...UNKNOWN,
  },
  {
    name: "a logout that hangs up",
    make: () => plain({ logout: (req) => void req.socket.destroy() }),
    ...FAILED,
  },
  {
    name: "a logout that answers before the session has ended",
    make: () =>
      withSession((sid, sessions) => (_, res) => {
        // The session ends a little later: a few requests still find it.
        const get = sessions.get.bind(sessions);
        let left = 3;
        sessions.get = (key) => {
          if (key === sid && left-- <= 0) sessions.delete(sid);
          return get(key);
        };
        res.redirect("/");
      }),
    wanted: ["logout-too-early"],
    code: 1,
  },
  // Another credential.
  {
    name: "a remember-me cookie",
    make: () => remembers((path) => path !== "/logout"),
    ...CREDENTIAL,
  },
  {
    name: "a remember-me cookie that the login alone takes",
    make: () => remembers((path) => path === "/login"),
    ...CREDENTIAL,
  },
  {
    name: "a refresh token that a redirect uses",
    make: () =>
      plain({
        above(req, res, next) {
          const token = cookieOf(req, "refresh_token");
          if (req.path.startsWith("/login/")) {
            res.cookie("refresh_token", req.path.slice(7), { path: "/" });
          } else if (req.path === "/refresh" && token) {
            return res.cookie("user", token).redirect("/");
          } else if (req.path === "/" && token && !cookieOf(req)) {
            return res.redirect("/refresh");
          }
          next();
        },
      }),
    ...CREDENTIAL,
  },
  {
    name: "a refresh token that a script uses",
    make: () =>
      plain({
        above(req, res, next) {
          const token = cookieOf(req, "renew");
          if (req.path.startsWith("/login/")) {
            res.cookie("renew", req.path.slice(7), { path: "/token/new" });
          } else if (req.path === "/token/new" && token) {
            return res.cookie("user", token).json({});
          } else if (req.path === "/" && !cookieOf(req)) {
            res.set("Cache-Control", "no-store");
            // Two slashes alone are no address.
            const script = `const comment = "//"; fetch("/token/new", { method: "POST" }).then(({ ok }) => ok && location.reload())`;
            return res.send(page(undefined, `<script>${script}</script>`));
          }
          next();
        },
      }),
    ...CREDENTIAL,
    ...GUESS,
  },
  // It only looks so.
  {
    name: "the back button",
    make: () => plain({ headers: {} }),
    ...HISTORY,
    pasted: { ...HISTORY, code: 2 },
  },
  {
    name: "the browser's cache",
    make: () => plain({ headers: { "Cache-Control": "private, max-age=60" } }),
    ...LOOKS,
  },
  {
    name: "a page that has not been modified for a long time",
    make: () =>
      plain({ headers: { "Last-Modified": new Date(0).toUTCString() } }),
    ...LOOKS,
  },
  {
    name: "a page that expires later",
    make: () =>
      plain({
        headers: { Expires: new Date(Date.now() + 60_000).toUTCString() },
      }),
    ...LOOKS,
  },
  {
    name: "a page that reloads itself when it is shown again",
    make: () =>
      plain({
        headers: {},
        extra: `<script>addEventListener("pageshow", (event) => event.persisted && location.reload())</script>`,
        logout: (_, res) =>
          res
            .set("Clear-Site-Data", '"cache"')
            .clearCookie("user")
            .redirect("/"),
      }),
    wanted: [],
    code: 0,
    ...GUESS,
  },
  {
    name: "a service worker",
    make: () =>
      withWorker(
        "caches.match(event.request).then((kept) => kept ?? fetch(event.request))",
      ),
    ...LOOKS,
  },
  {
    name: "a service worker whose file is named elsewhere",
    make: () => withWorker("caches.match(event.request)", `["/sw.js"][0]`),
    ...LOOKS,
  },
  {
    name: "a service worker for those who are offline",
    make: () =>
      withWorker(
        "fetch(event.request).catch(() => caches.match(event.request))",
      ),
    wanted: [],
    code: 0,
    ...GUESS,
  },
  {
    // Only a real browser shows that.
    name: "a page that keeps what it has shown",
    make: () =>
      plain({
        above(req, res, next) {
          if (req.path !== "/") return next();
          const script = `<script>
            const title = document.querySelector("h1");
            const { shown } = localStorage;
            if (shown && title.textContent.startsWith("nobody")) title.textContent = shown;
            localStorage.shown = title.textContent;
          </script>`;
          res.set("Cache-Control", "no-store");
          res.send(page(cookieOf(req), script));
        },
      }),
    wanted: [],
    code: 0,
    ...GUESS,
  },
  // Processes and caches.
  {
    name: "two processes that both know the user",
    make: () => {
      const [one, other] = [new Map(), new Map()] as [Sessions, Sessions];
      return inTurns(
        withSession(endsOnServer, [one, other]),
        withSession(endsOnServer, [other, one]),
      );
    },
    ...APART,
  },
  {
    name: "five processes of which one knows the user",
    make: () =>
      inTurns(...Array.from({ length: 5 }, () => withSession(endsOnServer))),
    ...APART,
  },
  {
    name: "a cache that keeps Set-Cookie",
    make: () => cached(true),
    ...CACHED,
  },
  {
    name: "a cache that keeps Set-Cookie, whatever the query",
    make: () => cached(true, ({ path }) => path),
    ...CACHED,
  },
  {
    name: "a cache that keeps a user's page",
    make: () => cached(false),
    ...CACHED,
  },
  // What can be asked.
  {
    name: "a session under a path",
    make: () => plain({ base: "/app", set: { path: "/app" }, rolls: true }),
    under: "/app",
    ...RACE,
  },
  {
    name: "a cookie that no browser takes",
    make: () =>
      plain({
        rolls: true,
        above(_req, res, next) {
          res.cookie("ab", "1", { domain: ".example.com" });
          next();
        },
      }),
    ...RACE,
  },
  {
    name: "Clear-Site-Data",
    make: () =>
      plain({
        rolls: true,
        logout: (_, res) =>
          res.set("Clear-Site-Data", '"cookies"').redirect("/"),
      }),
    ...RACE,
  },
  {
    name: "a logout by DELETE, while a PUT is in flight",
    make: () =>
      plain({
        rolls: true,
        logout(req, res) {
          if (req.method !== "DELETE") return res.status(405).send("no");
          res.clearCookie("user").json({});
        },
      }),
    words: ["--put", "/update", "--logout", "DELETE /logout"],
    wanted: ["race", "mirror-race"],
    code: 1,
    pasted: RACE,
  },
  {
    name: "a logout that wants a token of the page",
    make: () =>
      plain({
        rolls: true,
        extra: `<meta name="csrf" content="7b3a">`,
        logout(req, res) {
          if (req.headers["x-csrf"] !== "7b3a") return res.status(403).send("");
          res.clearCookie("user").redirect("/");
        },
      }),
    words: [
      "--logout",
      "POST /logout",
      "--logout-header",
      "X-CSRF: {token:csrf}",
      "--header",
      "X-Token: {token:csrf}",
    ],
    ...RACE,
  },
  {
    name: "a logout that goes on by itself, to a page with a frame that logs out",
    make: () =>
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
    wanted: [],
    code: 0,
    ...GUESS,
  },
  {
    name: "a stream that does not end",
    make: () =>
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
    words: ["--get", "/events"],
    wanted: ["stream-lives-on", "race"],
    code: 1,
  },
  {
    name: "a WebSocket that does not end with its session",
    make: () => withSocket(() => {}),
    words: ["--socket", "/socket"],
    wanted: ["stream-lives-on"],
    code: 1,
  },
  {
    name: "a WebSocket that ends with its session",
    make: () => withSocket((socket) => socket.destroy()),
    words: ["--socket", "/socket"],
    wanted: [],
    code: 0,
    ...GUESS,
  },
  {
    name: "a limit of 30 requests",
    make: () => {
      let count = 0;
      return plain({
        above(_req, res, next) {
          count += 1;
          if (count <= 30) return next();
          const later = new Date(Date.now() + 60_000).toUTCString();
          res.set("RateLimit-Policy", '"all";q=30;w=60');
          res.set("Retry-After", later).status(429).send("no");
        },
      });
    },
    wanted: [],
    code: 2,
  },
];
