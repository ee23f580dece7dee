import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { connect } from "node:net";
import { after, describe, type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type ErrorRequestHandler, type Router, urlencoded } from "express";
import { auth, type ConfigParams } from "express-openid-connect";
import { lastingLogout } from "../../snippets/drop-in/lasting-logout.ts";
import { sessionCookieValues } from "../../snippets/support/cookies.ts";
import { Browser, whoHas } from "../client/browser.ts";
import { effectOf } from "../client/cookie-effect.ts";
import type { Answer } from "../client/http.ts";
import { Stepwise } from "../client/request-steps.ts";
import {
  type App,
  type AppOptions,
  Memory,
  type Mistake,
  type Scenario,
  STYLES,
  type Start,
  type Style,
  startLocalProvider,
  tryMistakes,
} from "./drop-in-app.ts";

// How the drop-in fits into an app: its settings, its store, its routes and its responses, and what
// is the same as without it. What it promises is in drop-in.test.ts.

const { startApp, close, provider } = await startLocalProvider();
after(close);

const DAY_S = 24 * 60 * 60;

/** Makes a browser in which alice is logged in. */
async function loggedIn(app: App, address?: string): Promise<Browser> {
  const browser = new Browser(app);
  await browser.logIn("alice", address);
  return browser;
}

const fill = async (browser: Browser, basket: string) =>
  browser.exchange(
    await browser.compose("cors", "POST", "/basket", { basket }),
  );

const update = async (browser: Browser) =>
  browser.exchange(await browser.compose("cors", "POST", "/update", {}));

const get = async (
  browser: Browser,
  path: string,
  headers: { [name: string]: string } = {},
  method = "GET" as "GET",
) => {
  const request = await browser.compose("navigate", "GET", path);
  Object.assign(request.headers, headers);
  return browser.exchange({ ...request, method });
};

const basketOf = async (browser: Browser) =>
  JSON.parse((await get(browser, "/basket")).body).basket;

const cookiesOf = async (browser: Browser) =>
  String((await browser.compose("cors", "GET", "/whoami")).headers.cookie);

const claimsOf = (idToken: string) =>
  JSON.parse(Buffer.from(idToken.split(".")[1] ?? "", "base64url").toString());

/** Fails unless alice can log in, be told from bob, and log out for good. */
async function assertWorks(app: App): Promise<void> {
  const browser = await loggedIn(app);
  assert.equal(await browser.whoami(), "alice");
  await fill(browser, "hers");
  assert.equal(await basketOf(browser), "hers");
  const copy = await cookiesOf(browser);
  const tab = await browser.fork();
  const late = await tab.compose("cors", "POST", "/basket", { basket: "late" });
  await browser.logOut();
  assert.equal(await browser.whoami(), null);
  await browser.logIn("bob");
  await browser.exchange(late);
  assert.equal(await browser.whoami(), "bob");
  assert.equal(await basketOf(browser), null);
  assert.equal(await whoHas(app, copy), null);
}

/** `auth(config)`, as without the drop-in. */
const plain: typeof lastingLogout = (auth, config) => auth(config);

type Scenarios = { [name: string]: Scenario };

const settings = {
  async "a renamed cookie, that is signed and has attributes"(start) {
    const app = await start({
      config: {
        session: {
          name: "my.shop",
          signSessionStoreCookie: true,
          cookie: { path: "/", sameSite: "Strict", httpOnly: true },
        },
      },
    });
    await assertWorks(app);
    const browser = await loggedIn(app);
    assert.match(await cookiesOf(browser), /^my\.shop=/);
    await update(browser);
    assert.equal(effectOf(await get(browser, "/"), ["my.shop"]).effect, "set");
  },

  async "lives of any length, without a timer that is due at once"(start, t) {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on("warning", onWarning);
    t.after(() => process.off("warning", onWarning));
    const { setTimeout } = globalThis;
    const delays: unknown[] = [];
    t.mock.method(globalThis, "setTimeout", ((
      ...given: [() => void, number]
    ) => {
      delays.push(given[1]);
      return setTimeout(...given);
    }) as typeof setTimeout);
    for (const session of [
      { rollingDuration: 1800 },
      { absoluteDuration: false as const },
      { rollingDuration: 30 * DAY_S, absoluteDuration: 30 * DAY_S },
      { rolling: false, absoluteDuration: 30 * DAY_S },
    ]) {
      await assertWorks(await start({ config: { session } }));
    }
    await setImmediate();
    assert.deepEqual(warnings, []);
    for (const delay of delays) {
      assert.ok(Number(delay) > 0 && Number(delay) < 2 ** 31, `${delay}`);
    }
  },

  async "no CLIENT_SECRET, as in Auth0's quickstart"(start) {
    const config = { clientSecret: undefined, authorizationParams: undefined };
    const app = await start({ config: config as object });
    const { headers, status } = await get(new Browser(app), "/login");
    assert.equal(status, 302);
    const { searchParams } = new URL(String(headers.location));
    assert.equal(searchParams.get("response_mode"), "form_post");
  },

  async "ids of its own making, that nothing keeps of requests that were cut"(
    start,
    t,
  ) {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const requests: WeakRef<object>[] = [];
    let ids = 0;
    const app = await start({
      config: { session: { genid: () => `own-${ids++}` } },
      above(app) {
        app.use((req, _res, next) => {
          requests.push(new WeakRef(req));
          next();
        });
      },
      routes(app) {
        app.get("/silence", () => {});
      },
    });
    const { port, hostname } = new URL(app.baseURL);
    const socket = connect(Number(port), hostname);
    t.after(() => socket.destroy());
    socket.write(
      "GET /silence HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(100),
    );
    while (requests.length < 100) await setImmediate();
    socket.destroy();
    await assertWorks(app);
    for (const _ of Array(3)) {
      await setImmediate();
      collect();
    }
    const kept = requests.slice(0, 100).filter((request) => request.deref());
    assert.ok(kept.length < 10, `${kept.length} of 100 are kept`);
  },

  async "as a router: with routes of its own, on Express 4 and 5"(start) {
    for (const express of [4, 5] as const) {
      const app = await start({ express });
      const router = app.router as unknown as Router;
      assert.equal(typeof router.get, "function");
      router.get("/on-it", (req, res) => {
        res.json({ user: req.oidc.user?.sub ?? null });
      });
      await assertWorks(app);
      const browser = await loggedIn(app);
      const { body } = await get(browser, "/on-it");
      assert.deepEqual(JSON.parse(body), { user: "alice" });
    }
  },

  async "below a path, on Express 4 and 5"(start) {
    for (const express of [4, 5] as const) {
      const app = await start({
        express,
        path: "/shop",
        routes(app) {
          app.get("/shop/who", (req, res) => {
            res.json({ user: req.oidc.user?.sub ?? null });
          });
        },
      });
      const browser = await loggedIn(app, "/shop/login");
      const who = async (browser: Browser) =>
        JSON.parse((await get(browser, "/shop/who")).body).user;
      assert.equal(await who(browser), "alice");
      const copy = await browser.fork();
      const { status } = await get(browser, "/shop/logout");
      assert.equal(status, 302);
      assert.equal(await who(browser), null);
      assert.equal(await who(copy), null);
    }
  },

  async "a logout in a route of the app's own"(start) {
    const app = await start({
      config: { routes: { logout: false } },
      routes(app) {
        app.get("/logout", (_req, res) => res.oidc.logout());
      },
    });
    await assertWorks(app);
  },

  async "an app in which everybody has to be logged in"(start) {
    const app = await start({ config: { authRequired: true } });
    const browser = new Browser(app);
    const { status, headers } = await get(browser, "/");
    assert.equal(status, 302);
    assert.equal(
      new URL(String(headers.location)).origin,
      provider.issuerBaseURL,
    );
    await browser.logIn("alice");
    assert.equal(await browser.whoami(), "alice");
  },
} satisfies Scenarios;

const cookieHeaders = {
  async "a dead cookie before the live one does not hide it"(start) {
    const app = await start();
    for (const header of [
      (live: string) => `appSession=junk; ${live}`,
      (live: string) => `appSession=junk;${live}`,
      (live: string) => `appSession=junk; a=b; appSession=more; ${live}; c=d`,
      (live: string) => `${live}; appSession=junk`,
    ]) {
      const live = await cookiesOf(await loggedIn(app));
      assert.equal(await whoHas(app, header(live)), "alice");
      const stranger = new Browser(app);
      const answer = await get(stranger, "/logout", { cookie: header(live) });
      assert.match(String(answer.headers.location), /\/session\/end\?/);
      assert.equal(effectOf(answer).effect, "cleared");
      const cleared = sessionCookieValues(answer.headers["set-cookie"] ?? []);
      assert.equal(cleared.length, 1);
      assert.equal(await whoHas(app, live), null);
      assert.equal(await whoHas(app, header(live)), null);
    }
  },

  async "a header without spaces is read as any other, and no refused read costs the session"(
    start,
  ) {
    const app = await start();
    const live = await cookiesOf(await loggedIn(app));
    const header = `theme=dark;${live};x=y`;
    assert.equal(await whoHas(app, header), "alice");
    app.memory.before = (command) => {
      if (command === "get") throw new Error("it refuses to read");
    };
    const { status } = await get(new Browser(app), "/", { cookie: header });
    assert.equal(status, 503);
    app.memory.before = () => {};
    assert.equal(await whoHas(app, live), "alice");
    await get(new Browser(app), "/logout", { cookie: header });
    assert.equal(await whoHas(app, live), null);
  },

  async "what a store remembers of an ended session is none"(start) {
    const app = await start();
    const browser = await loggedIn(app);
    const [, id] = (await cookiesOf(browser)).split("=");
    await browser.logOut();
    const { entries } = app.memory;
    const before = [...entries];
    const late = await browser.compose("cors", "POST", "/basket", {
      basket: "late",
    });
    for (const kept of entries.keys()) {
      assert.ok(kept.includes(String(id)), kept);
      const cookie = `appSession=${kept}`;
      late.headers.cookie = cookie;
      assert.equal(effectOf(await browser.exchange(late)).effect, "untouched");
      await get(browser, "/", { cookie });
    }
    assert.equal(before.length, 1);
    assert.deepEqual([...entries], before);
  },

  async "nobody is in while a logout is about to destroy the session"(start) {
    const app = await start();
    const browser = await loggedIn(app);
    const cookie = await cookiesOf(browser);
    const seen: unknown[] = [];
    app.memory.before = async (command) => {
      if (command === "destroy") seen.push(await whoHas(app, cookie));
    };
    await browser.logOut();
    assert.deepEqual(seen, [null]);
  },

  async "a dead one is cleared with the attributes that the library gives it"(
    start,
    t,
  ) {
    t.after(() => delete process.env.BASE_URL);
    const fromEnvironment: typeof plain = (auth, config, options) => {
      const { baseURL, ...others } = config;
      process.env.BASE_URL = baseURL;
      return lastingLogout(auth, others, options);
    };
    for (const [session, options] of [
      [{}],
      [{}, { wrap: fromEnvironment }],
      [{ cookie: { sameSite: "None", domain: "localhost", path: "/a" } }],
      [{ name: "__Host-id" }],
    ] as [NonNullable<ConfigParams["session"]>, AppOptions?][]) {
      const config = { baseURL: "https://localhost", session };
      const cookie = `${session.name ?? "appSession"}=junk`;
      const clear = async (options?: AppOptions) => {
        const browser = new Browser(await start({ config, ...options }));
        return (await get(browser, "/", { cookie })).headers["set-cookie"];
      };
      const cleared = await clear(options);
      assert.match(String(cleared), /=;.*; Secure; SameSite=/);
      assert.deepEqual(cleared, await clear({ wrap: plain }));
    }
  },

  async "the app sees all cookies, dead ones and pieces, too"(start) {
    const app = await start({
      routes: (app) =>
        app.get("/cookies", (req, res) => {
          res.json(req.headers.cookie);
        }),
    });
    const cookie = "theme=dark; appSession=junk; appSession.0=old; a=b";
    const { body } = await get(new Browser(app), "/cookies", { cookie });
    assert.equal(JSON.parse(body), cookie);
  },

  async "a part of a cookie session is no id"(start) {
    const app = await start();
    const live = await cookiesOf(await loggedIn(app));
    const id = live.slice("appSession=".length);
    assert.equal(await whoHas(app, `appSession.0=${id}`), null);
    assert.equal(await whoHas(app, `appSession-theme=${id}`), null);
    assert.equal(await whoHas(app, live), "alice");
  },

  async "parts of a cookie session from before go with a login and a logout"(
    start,
  ) {
    const app = await start();
    for (const path of ["/", "/login"]) {
      const browser = new Browser(app);
      const answer = await get(browser, path, {
        cookie: "appSession.0=old; appSession.1=older",
      });
      const cleared = (answer.headers["set-cookie"] ?? []).filter((text) =>
        /^appSession\.[01]=;.*Expires=Thu, 01 Jan 1970/.test(text),
      );
      assert.equal(cleared.length, path === "/" ? 2 : 0, path);
    }
  },
} satisfies Scenarios;

const stores = {
  ...(Object.fromEntries(
    STYLES.map((style) => [
      `a store's functions: ${style}`,
      async (start: Start) => assertWorks(await start({ style })),
    ]),
  ) as Scenarios as {
    [name in `a store's functions: ${Style}`]: Scenario;
  }),

  async "a store of files: no file is no session, nor is half a one"(start) {
    const app = await start();
    const { memory } = app;
    memory.before = (command, id) => {
      if (command !== "get" || memory.entries.has(id)) return;
      const error = new Error("no such file");
      throw Object.assign(error, { code: "ENOENT", syscall: "open" });
    };
    const browser = await loggedIn(app);
    const id = (await cookiesOf(browser)).slice("appSession=".length);
    const file = String(memory.entries.get(id));
    memory.entries.set(id, file.slice(0, -1));
    assert.equal(await browser.whoami(), null);
    memory.entries.delete(id);
    assert.equal(await browser.whoami(), null);
    memory.entries.set(id, file);
    assert.equal(await browser.whoami(), "alice");
  },

  async "a store that keeps what has expired: it is over all the same"(
    start,
    t,
  ) {
    const memory = new Memory();
    const get = (id: string, done: (error: null, found: unknown) => void) =>
      done(null, JSON.parse(memory.entries.get(id) ?? "null"));
    const store = { ...memory.asStore("callback"), get } as never;
    t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
    const app = await start({ config: { session: { store } } });
    const browser = new Browser(app, 2 * DAY_S * 1000);
    await browser.logIn("alice");
    const before = [...memory.entries];
    const late = () =>
      new Stepwise(browser, "cors", "POST", "/basket", { basket: "late" });
    const [one, other] = [late(), late()];
    await one.do.sent();
    await one.do.received();
    await other.do.sent();
    t.mock.timers.setTime(Date.now() + (DAY_S + 1) * 1000);
    for (const request of [one, other]) {
      await request.do.answered();
      assert.equal((await request.do.stored()).cookie.effect, "untouched");
    }
    assert.deepEqual([...memory.entries], before);
  },

  async "an update that ignores its condition is an error that says so"(start) {
    const app = await start({
      options: {
        update: (id, session) => app.memory.set(id, session),
      },
    });
    const browser = new Browser(app);
    // The first page after the login writes for the first time.
    await assert.rejects(browser.logIn("alice"), /answered with 500/);
    const entries = app.memory.entries.size;
    const answer = await fill(browser, "lost");
    assert.equal(answer.status, 500);
    assert.match(
      answer.body,
      /update has written a session that was not there/,
    );
    assert.match(answer.body, /SET … XX/);
    assert.equal(app.memory.entries.size, entries);
    assert.equal(await browser.whoami(), "alice");
  },

  async "an update that does not say what it did"(start) {
    const app = await start({
      options: {
        update: async (id, session) => {
          await app.memory.update(id, session);
        },
      },
    });
    const browser = await loggedIn(app);
    assert.equal(effectOf(await fill(browser, "hers")).effect, "set");
    assert.equal(await basketOf(browser), "hers");
    await assertWorks(app);
  },

  async "an update is given the session's id, the session, and how long it lives"(
    start,
  ) {
    const given: unknown[][] = [];
    const app = await start({
      config: { session: { rollingDuration: 100 } },
      options: {
        update(...all) {
          given.push(all);
          return app.memory.update(all[0], all[1]);
        },
      },
    });
    const browser = await loggedIn(app);
    await fill(browser, "hers");
    const [id, session, lifeMs] = given.at(-1) ?? [];
    assert.equal(`appSession=${id}`, await cookiesOf(browser));
    assert.equal((session as { data: { basket: string } }).data.basket, "hers");
    assert.ok(Number(lifeMs) > 90_000 && Number(lifeMs) <= 100_000);
  },
} satisfies Scenarios;

/** Makes what an answer has in common with that of another app: no times, no random values. */
function shapeOf({ status, headers, body }: Answer) {
  const { "set-cookie": cookies = [], location, ...others } = headers;
  delete others.date;
  if (location) delete others["content-length"];
  return {
    status,
    headers: others,
    cookies: cookies.map((text) => text.replace(/=[^;]+/, "=VALUE")),
    location: location?.replace(/(:\d+)|((?<==)[\w.%-]+)/g, "") ?? null,
    // A redirect's body has the address, too.
    body: location ? "" : body,
  };
}

/** Asks the app with the drop-in, and the same without it, and fails where answers are not alike. */
async function assertSame(
  start: Start,
  t: TestContext,
  options: AppOptions,
  ask: (browser: Browser) => Promise<Answer[]>,
): Promise<Answer[]> {
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
  const apps = [await start(options), await start({ ...options, wrap: plain })];
  const answers = [];
  for (const app of apps) answers.push(await ask(await loggedIn(app)));
  const [ours = [], theirs = []] = answers;
  assert.deepEqual(ours.map(shapeOf), theirs.map(shapeOf));
  assert.ok(ours.length > 0);
  return ours;
}

const responses = {
  async "logins, navigations, changes and logouts are answered as without it"(
    start,
    t,
  ) {
    const answers = await assertSame(start, t, {}, async (browser) => {
      const login = await get(browser, "/login");
      const toCallback = new URL(String(login.headers.location)).href;
      const { headers } = await get(browser, toCallback);
      return [
        login,
        await get(browser, String(headers.location)),
        await get(browser, "/"),
        await fill(browser, "hers"),
        await get(browser, "/nothing-there"),
        await get(browser, "/logout"),
      ];
    });
    assert.deepEqual(
      answers.map((answer) => effectOf(answer).effect),
      [
        // Without the drop-in, a login's first step sets the cookie, too: it is a navigation.
        "set",
        "set",
        "set",
        "set",
        "set",
        "cleared",
      ],
    );
  },

  async "HEAD, and a page that has not changed"(start, t) {
    const [page, again] = await assertSame(start, t, {}, async (browser) => {
      const page = await get(browser, "/");
      const etag = { "if-none-match": String(page.headers.etag) };
      return [page, await get(browser, "/", etag)];
    });
    assert.ok(page);
    assert.equal(again?.status, 304);
    assert.equal(effectOf(again).effect, "set");
    // A HEAD is no navigation, and leaves the cookie.
    const browser = await loggedIn(await start());
    const head = await get(browser, "/", {}, "HEAD" as "GET");
    assert.equal(head.status, 200);
    assert.equal(head.body, "");
    assert.equal(head.headers.etag, page.headers.etag);
    assert.equal(effectOf(head).effect, "untouched");
  },

  async "headers that go to writeHead, in all its forms"(start, t) {
    const routes: AppOptions["routes"] = (app) => {
      app.get("/object", (_req, res) => {
        res.writeHead(200, { "X-A": "b", "Set-Cookie": "own=1" }).end("made");
      });
      app.get("/message", (_req, res) => {
        res.writeHead(201, "Made", { "X-A": "b" }).end("made");
      });
      app.get("/array", (_req, res) => {
        res.writeHead(202, ["X-A", "b", "Set-Cookie", "own=1"]).end("made");
      });
      app.get("/pairs", (_req, res) => {
        res.writeHead(202, [["X-A", "b"]] as never).end("made");
      });
    };
    const answers = await assertSame(start, t, { routes }, async (browser) => [
      await get(browser, "/object"),
      await get(browser, "/message"),
      await get(browser, "/array"),
      await get(browser, "/pairs"),
    ]);
    for (const answer of answers) assert.equal(effectOf(answer).effect, "set");
  },

  async "a stream of events begins at once, and sets no cookie that is not due"(
    start,
  ) {
    let end = () => {};
    const app = await start({
      routes(app) {
        app.get("/events", (_req, res) => {
          res.writeHead(200, { "Content-Type": "text/event-stream" });
          res.write("data: first\n\n");
          end = () => res.end("data: last\n\n");
        });
      },
    });
    const browser = await loggedIn(app);
    const cookie = await cookiesOf(browser);
    const address = new URL("/events", app.baseURL);
    const response = await fetch(address, { headers: { cookie } });
    const reader = response.body?.pipeThrough(new TextDecoderStream());
    const texts = reader?.getReader();
    assert.equal((await texts?.read())?.value, "data: first\n\n");
    assert.deepEqual(response.headers.getSetCookie(), []);
    // What is still streaming does not bring back a session, either.
    await browser.logOut();
    end();
    assert.equal((await texts?.read())?.value, "data: last\n\n");
    assert.equal(await browser.whoami(), null);
    assert.equal(await whoHas(app, cookie), null);
  },

  async "an answer that is given from elsewhere, as from a queue"(start) {
    const arrived = new EventEmitter();
    const app = await start({
      routes: (app) =>
        app.post("/queue", (req, res) => {
          Object.assign((req as never as { appSession: object }).appSession, {
            basket: "late",
          });
          arrived.emit("one", () => res.json({}));
        }),
    });
    const browser = await loggedIn(app);
    const cookie = await cookiesOf(browser);
    const post = await browser.compose("cors", "POST", "/queue", {});
    const answering = browser.exchange(post);
    const [answer] = await once(arrived, "one");
    await browser.logOut();
    answer();
    assert.equal(effectOf(await answering).effect, "untouched");
    assert.equal(await whoHas(app, cookie), null);
    assert.deepEqual(app.memory.sessions(), []);
  },

  async "an error page that asks who is in, before anybody knows"(start) {
    const asked: boolean[] = [];
    const app = await start({
      routes: (app) =>
        app.use(((error, req, _res, next) => {
          asked.push(req.oidc.isAuthenticated());
          next(error);
        }) satisfies ErrorRequestHandler),
    });
    const browser = await loggedIn(app);
    app.memory.before = () => {
      throw new Error("connect ECONNREFUSED");
    };
    const { status } = await get(browser, "/whoami");
    assert.deepEqual([status, asked], [503, [false]]);
  },

  async "a form that the app parses before it"(start) {
    const app = await start({
      above: (app) => app.use(urlencoded({ extended: false })),
    });
    await assertWorks(app);
  },
} satisfies Scenarios;

// With a store, the library itself calls Node's `end` once for each answer, and the process ends.
const twoAnswers = {
  async "a handler that throws after its answer"(start, t) {
    const routes: AppOptions["routes"] = (app) => {
      // Else Express prints the error.
      app.set("env", "test");
      app.get("/throws", (_req, res) => {
        res.send("sent");
        throw new Error("after it");
      });
    };
    const [answer] = await assertSame(start, t, { routes }, async (browser) => [
      await get(browser, "/throws"),
    ]);
    assert.equal(answer?.body, "sent");
  },

  async "an app that answers twice: the first counts"(start, t) {
    const routes: AppOptions["routes"] = (app) => {
      app.set("env", "test");
      app.get("/twice", (req, res, next) => {
        Object.assign((req as never as { appSession: object }).appSession, {
          basket: "changed",
        });
        res.redirect("/elsewhere");
        next();
      });
      app.get("/twice", (_req, res) => {
        res.status(404).set("X-Second", "yes").send("nothing here");
      });
    };
    const [answer] = await assertSame(start, t, { routes }, async (browser) => [
      await get(browser, "/twice"),
    ]);
    assert.equal(answer?.status, 302);
    assert.equal(effectOf(answer).effect, "set");
  },
} satisfies Scenarios;

/** Logs out on one device. Who is logged in on the other? */
async function otherDevice(app: App): Promise<string | null> {
  const [one, other] = [await loggedIn(app), await loggedIn(app)];
  const held = await other.compose("cors", "POST", "/basket", {
    basket: "late",
  });
  await one.logOut();
  const user = await other.whoami();
  if (user === null) {
    // The app has a session object all the same, and what is late begins nothing.
    assert.equal(await basketOf(await other.fork()), null);
    assert.equal(effectOf(await other.exchange(held)).effect, "untouched");
    await other.open("/");
    await other.logInAgain("alice", "/login");
    assert.equal(await other.whoami(), "alice");
  }
  return user;
}

const backChannel = {
  async "with the store that the app has for it"(start) {
    const store = new Memory().asStore("promise") as never;
    const app = await start({ config: { backchannelLogout: { store } } });
    assert.equal(await otherDevice(app), null);
    await assertWorks(app);
  },

  async "with hooks of the app's own"(start) {
    const out = new Set<unknown>();
    const app = await start({
      config: {
        backchannelLogout: {
          onLogoutToken: ({ sub }: { sub?: string }) => void out.add(sub),
          isLoggedOut: (req: { oidc: { user?: { sub: string } } }) =>
            out.has(req.oidc.user?.sub),
          onLogin: (req: { oidc: { user?: { sub: string } } }) =>
            void out.delete(req.oidc.user?.sub),
        } as never,
      },
    });
    assert.equal(await otherDevice(app), null);
    await assertWorks(app);
  },

  async "with a hook that the app has switched off"(start) {
    const tokens: unknown[] = [];
    const app = await start({
      config: {
        backchannelLogout: {
          onLogoutToken: (token: object) => void tokens.push(token),
          isLoggedOut: false,
          onLogin: false,
        } as never,
      },
    });
    assert.equal(await otherDevice(app), "alice");
    assert.equal(tokens.length, 1);
    await assertWorks(app);
  },

  async "in an app that has not asked for it, there is no route for it"(start) {
    const app = await start();
    const browser = new Browser(app);
    const form = new URLSearchParams({ logout_token: "any" });
    const address = "/backchannel-logout";
    const post = await browser.compose("cors", "POST", address, form);
    assert.equal((await browser.exchange(post)).status, 404);
    assert.doesNotMatch(String(await cookiesOf(browser)), /appSession/);
  },
} satisfies Scenarios;

const backChannelInStore = {
  async "when the provider names the session alone, and not the user"(start) {
    const app = await start({ config: { backchannelLogout: true } });
    const browser = await loggedIn(app);
    const { entries } = app.memory;
    const [session] = [...entries.values()].map((text) => JSON.parse(text));
    const { iss, sid } = claimsOf(session.data.id_token);
    entries.set(`${iss}|${sid}`, JSON.stringify({ cookie: {} }));
    assert.equal(await browser.whoami(), null);
  },

  async "with the store that has the sessions"(start) {
    const app = await start({ config: { backchannelLogout: true } });
    assert.equal(await otherDevice(app), null);
    await assertWorks(app);
  },
} satisfies Scenarios;

const WITH_STORE = ["store", "store and update"] as const;
/** Where an `update` makes no difference. */
const BOTH = ["store", "cookies"] as const;

for (const [title, kinds, scenarios] of [
  ["it takes", BOTH, settings],
  ["a Cookie header", ["store"] as const, cookieHeaders],
  ["it works with", ["store"] as const, stores],
  ["it leaves as they are:", BOTH, responses],
  ["it leaves as it is:", ["cookies"] as const, twoAnswers],
  ["back-channel logout works", BOTH, backChannel],
  ["back-channel logout works", WITH_STORE, backChannelInStore],
] as const) {
  for (const kind of kinds) {
    describe(`${title} (${kind})`, () => {
      for (const [name, scenario] of Object.entries(scenarios as Scenarios)) {
        test(name, (t) =>
          scenario((chosen) => startApp(t, { kind, ...chosen }), t),
        );
      }
    });
  }
}

describe("what can't be right is an error at the start, which says what would be", () => {
  const config = { ...provider, baseURL: "http://localhost" };
  const store = new Memory().asStore("callback") as NonNullable<
    NonNullable<ConfigParams["session"]>["store"]
  >;
  const session = { store };
  const ended = { has: () => false, add: () => {} };
  const update = () => true;
  for (const [what, complaint, ...given] of [
    [
      "neither a store nor ended",
      /config\.session\.store or.*\{ ended \}/,
      auth,
      config,
    ],
    [
      "both",
      /leave out one of the two/,
      auth,
      { ...config, session },
      { ended },
    ],
    ["no config", /lastingLogout\(auth, config\)/, auth],
    ["a null config", /lastingLogout\(auth, config\)/, auth, null],
    [
      "no auth",
      /lastingLogout\(auth, config\)/,
      undefined,
      { ...config, session },
    ],
    ["auth(config)'s config alone", /lastingLogout\(auth, config\)/, config],
    [
      "no store for update",
      /give config\.session\.store/,
      auth,
      config,
      { ended, update },
    ],
    [
      "half a store",
      /get, set and destroy/,
      auth,
      { ...config, session: { store: { get() {} } } },
    ],
    ["half of ended", /has and add/, auth, config, { ended: { has() {} } }],
    ["a Set for ended", /has and add/, auth, config, { ended: {} }],
    [
      "an update that is none",
      /update has to be a function/,
      auth,
      { ...config, session },
      { update: true },
    ],
    [
      "an option that is not there",
      /no option updat$/,
      auth,
      { ...config, session },
      { updat: update },
    ],
    ...[0, -1, Number.NaN, 2 ** 31, "1s"].map(
      (answerMs) =>
        [
          `answerMs ${answerMs}`,
          /answerMs has to be/,
          auth,
          { ...config, session },
          { answerMs },
        ] as const,
    ),
  ] as [string, RegExp, ...unknown[]][]) {
    test(what, () => {
      assert.throws(
        () => (lastingLogout as (...given: unknown[]) => unknown)(...given),
        (error: Error) => {
          assert.ok(error instanceof TypeError);
          assert.match(error.message, /^lastingLogout: /);
          assert.match(error.message, complaint);
          return true;
        },
      );
    });
  }
});

// As in drop-in.test.ts: copies with one mistake each, and a test above that notices it.
const MISTAKES: Mistake[] = [
  [
    "all session cookies are hidden when one is dead",
    "store",
    cookieHeaders["a dead cookie before the live one does not hide it"],
    "tried < MOST_COOKIES ? own.slice(0, 1) : own",
    "own",
  ],
  [
    "a promise of nothing is an answer",
    "store",
    stores["a store's functions: async with a callback"],
    "if (found !== undefined || !namesCallback) resolve(found);",
    "resolve(found);",
  ],
  [
    "nobody tries what update does",
    "store",
    stores["an update that ignores its condition is an error that says so"],
    "await tryUpdate();",
    "",
  ],
  [
    "no longest life is one of no time",
    "cookies",
    settings["lives of any length, without a timer that is due at once"],
    "Number(absoluteDuration || Number.POSITIVE_INFINITY)",
    "Number(absoluteDuration)",
  ],
  [
    "what comes back is no router",
    "store",
    settings["as a router: with routes of its own, on Express 4 and 5"],
    "Object.setPrototypeOf(handler, router)",
    "handler",
  ],
  [
    "requests are kept",
    "store",
    settings[
      "ids of its own making, that nothing keeps of requests that were cut"
    ],
    "visits.set(req, visit);",
    "visits.set(req, visit); setInterval(() => visit, 1e9).unref();",
  ],
  [
    "notes of back-channel logout are taken for late writes",
    "store and update",
    backChannelInStore["with the store that has the sessions"],
    "!visit || !session.header;",
    "!visit;",
  ],
  [
    "the app's own hook is not asked",
    "cookies",
    backChannel["with hooks of the app's own"],
    "if (hooks.isLoggedOut) {",
    "if (hooks.isLoggedOut) {\nreturn false;",
  ],
  [
    "an app that has no back channel gets a route",
    "cookies",
    backChannel[
      "in an app that has not asked for it, there is no route for it"
    ],
    "...(!hooks &&",
    "...(isEmpty(config) &&",
  ],
  [
    "the last answer's status counts",
    "cookies",
    twoAnswers["an app that answers twice: the first counts"],
    "res.statusCode = statusCode;",
    "",
  ],
  [
    "the cookie's attributes are forgotten",
    "store",
    cookieHeaders[
      "parts of a cookie session from before go with a login and a logout"
    ],
    "if (!store || !may ||",
    "if (store || !may ||",
  ],
];

test("each of these tests can fail", (t) => tryMistakes(t, startApp, MISTAKES));
