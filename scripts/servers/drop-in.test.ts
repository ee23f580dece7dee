import assert from "node:assert/strict";
import { after, describe, type TestContext, test } from "node:test";
import { Browser, whoHas } from "../client/browser.ts";
import { effectOf } from "../client/cookie-effect.ts";
import { Stepwise } from "../client/request-steps.ts";
import {
  type App,
  ENDED_HERE,
  KINDS,
  type Mistake,
  type Scenario,
  type Start,
  startLocalProvider,
  tryMistakes,
} from "./drop-in-app.ts";

// What the drop-in promises, with a store, with a store that has `update`, and with cookie sessions:
// whose session is whose when requests, logouts and logins cross, when the store fails, and as time
// goes by. How it fits into an app is in drop-in-in-apps.test.ts.

const { startApp, close } = await startLocalProvider();
after(close);

const MINUTE_MS = 60 * 1000;
const HOUR_S = 60 * 60;

/** Long enough for a test that moves the clock, and no longer than a timer can be. */
const PATIENCE_MS = 20 * 24 * HOUR_S * 1000;
const browserOf = (app: App) => new Browser(app, PATIENCE_MS);

/** Makes a browser in which somebody is logged in. */
async function loggedIn(app: App, user = "alice"): Promise<Browser> {
  const browser = browserOf(app);
  await browser.logIn(user);
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
  mode: "cors" | "navigate" = "navigate",
) => browser.exchange(await browser.compose(mode, "GET", path));

const basketOf = async (browser: Browser) =>
  JSON.parse((await get(browser, "/basket", "cors")).body).basket;

/** Takes the cookies that a browser sends to the app now. */
const cookiesOf = async (browser: Browser) =>
  String((await browser.compose("cors", "GET", "/whoami")).headers.cookie);

/** Goes on, in a browser, to the provider and back, up to the request that ends the login. */
async function upToCallback(browser: Browser) {
  let request = await browser.compose("navigate", "GET", "/login");
  while (request.url.pathname !== "/callback") {
    const { location = "" } = (await browser.exchange(request)).headers;
    const next = new URL(location, request.url);
    request = await browser.compose("navigate", "GET", next.href);
  }
  return request;
}

/** Stops this process's clock, and returns what moves it forward. */
function stopClock(t: TestContext) {
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
  return (ms: number) => t.mock.timers.setTime(Date.now() + ms);
}

/** Where one request waits until it is let go. */
function gate() {
  let arrive = () => {};
  let release = () => {};
  const reached = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const pass = () => {
    arrive();
    return released;
  };
  return { reached, pass, release };
}

/** Starts an app whose logins can be held, after the provider's answer and before they end a session. */
async function withLoginsToHold(start: Start) {
  let held: ReturnType<typeof gate> | undefined;
  const app = await start({
    config: {
      async afterCallback(_req, _res, session) {
        await held?.pass();
        return session;
      },
    },
  });
  const holdLogins = () => {
    held = gate();
    return held;
  };
  return { app, holdLogins };
}

/** Whatever the app has to remember is out of reach. */
const outOfReach = () => {
  throw new Error("connect ECONNREFUSED");
};

/** So is a database behind a Unix socket that is not there. */
const withoutSocket = () => {
  const error = new Error("connect ENOENT");
  throw Object.assign(error, { code: "ENOENT", syscall: "connect" });
};

type Scenarios = { [name: string]: Scenario };

const late = {
  async "bob gets nothing of what alice's late request does, and stays in"(
    start,
  ) {
    const app = await start();
    const other = await start({ memory: app.memory });
    for (const { baseURL } of [app, other]) {
      for (const isReceivedBefore of [true, false]) {
        for (const isStoredBefore of [true, false]) {
          const browser = await loggedIn(app);
          const copy = await cookiesOf(browser);
          const request = new Stepwise(browser, "cors", "POST", "/basket", {
            basket: "hers",
          });
          await request.do.sent();
          request.request.url = new URL("/basket", baseURL);
          if (isReceivedBefore) await request.do.received();
          await browser.logOut();
          const arrive = async () => {
            if (!isReceivedBefore) await request.do.received();
            await request.do.answered();
            await request.do.stored();
          };
          if (isStoredBefore) await arrive();
          assert.equal(await browser.whoami(), null);
          await browser.logIn("bob");
          if (!isStoredBefore) await arrive();
          assert.equal(await browser.whoami(), "bob");
          assert.equal(await basketOf(browser), null);
          assert.equal(await whoHas(app, copy), null);
        }
      }
    }
  },

  async "a write that a logout overtakes brings nothing back"(start) {
    const app = await start();
    const browser = await loggedIn(app);
    const copy = await cookiesOf(browser);
    const held = gate();
    app.memory.before = (command) => {
      if (!["set", "update", "has"].includes(command)) return;
      app.memory.before = () => {};
      return held.pass();
    };
    const request = new Stepwise(browser, "cors", "POST", "/basket", {
      basket: "hers",
    });
    await request.do.sent();
    const answered = request.do.answered();
    await held.reached;
    await browser.logOut();
    held.release();
    await answered;
    assert.deepEqual(app.memory.sessions(), []);
    assert.equal(await browser.whoami(), null);
    assert.equal(await whoHas(app, copy), null);
    await browser.logIn("bob");
    await request.do.stored();
    assert.equal(await browser.whoami(), "bob");
  },

  async "a session that the app itself has destroyed is not written again"(
    start,
  ) {
    const app = await start();
    const browser = await loggedIn(app);
    const request = new Stepwise(browser, "cors", "POST", "/basket", {
      basket: "hers",
    });
    await request.do.sent();
    await request.do.received();
    app.memory.entries.clear();
    await request.do.answered();
    assert.equal(app.memory.entries.size, 0);
  },

  async "a logout that a second click has sent, answered late, leaves bob in"(
    start,
  ) {
    const app = await start();
    const browser = await loggedIn(app);
    const second = await browser.compose("navigate", "GET", "/logout");
    await browser.logOut();
    await browser.logIn("bob");
    const answer = await browser.exchange(second);
    assert.equal(answer.status, 302);
    assert.equal(effectOf(answer).effect, "untouched");
    assert.equal(await browser.whoami(), "bob");
  },

  async "a login over a session that ends meanwhile is one"(start) {
    const { app, holdLogins } = await withLoginsToHold(start);
    const hers = await loggedIn(app);
    const his = browserOf(app);
    await his.adopt(hers);
    const held = holdLogins();
    const login = his.logIn("bob");
    await held.reached;
    await get(hers, "/logout");
    held.release();
    await login;
    assert.equal(await his.whoami(), "bob");
  },

  async "a second logout that another process answers late leaves bob in"(
    start,
  ) {
    const app = await start();
    const other = await start({ memory: app.memory });
    const browser = await loggedIn(app);
    const held = gate();
    // With a store, it looks for the session when it is received, and always before it ends it.
    let looks = app.kind === "cookies" ? 1 : 2;
    app.memory.before = (command, id) => {
      if (!/^(get|has)$/.test(command) || id.startsWith("ended:")) return;
      looks -= 1;
      if (looks === 0) return held.pass();
    };
    const second = await browser.compose("navigate", "GET", "/logout");
    const url = new URL("/logout", other.baseURL);
    const answering = browser.exchange({ ...second, url });
    await held.reached;
    await browser.logOut();
    await browser.logIn("bob");
    held.release();
    assert.equal(effectOf(await answering).effect, "untouched");
    assert.equal(await browser.whoami(), "bob");
  },

  async "who logs in over alice ends her session, and nothing of it comes in between"(
    start,
  ) {
    const app = await start();
    const hers = await loggedIn(app);
    await fill(hers, "hers");
    const request = new Stepwise(hers, "cors", "POST", "/basket", {
      basket: "hers, late",
    });
    await request.do.sent();
    await request.do.received();
    // Another tab, in which the provider does not know her any more.
    const his = browserOf(app);
    await his.adopt(hers);
    await his.logIn("bob");
    assert.equal(await basketOf(his), null);
    assert.equal(await hers.whoami(), null);
    await request.do.answered();
    await his.store(request.request, await get(hers, "/logout"));
    assert.equal(await his.whoami(), "bob");
    assert.equal(await basketOf(his), null);
  },

  async "a response that arrives late does not take the browser over"(start) {
    const app = await start();
    const hers = await loggedIn(app);
    const request = await hers.compose("cors", "POST", "/basket", {
      basket: "hers",
    });
    const inFlight = hers.send(request);
    await inFlight.received;
    const his = browserOf(app);
    await his.adopt(hers);
    await his.logIn("bob");
    await his.store(request, await inFlight.finish());
    assert.equal(await his.whoami(), "bob");
    assert.equal(await basketOf(his), null);
  },

  async "a page that begins to be streamed after her logout sets nothing"(
    start,
  ) {
    const held = gate();
    const app = await start({
      routes: (app) =>
        app.get("/slow", async (_req, res) => {
          await held.pass();
          res.write("<p>a page");
          res.end();
        }),
    });
    const browser = await loggedIn(app);
    const page = await browser.compose("navigate", "GET", "/slow");
    const inFlight = browser.send(page);
    await held.reached;
    await get(browser, "/logout");
    const his = browserOf(app);
    await his.adopt(browser);
    await his.logIn("bob");
    held.release();
    await his.store(page, await inFlight.finish());
    assert.equal(await his.whoami(), "bob");
  },

  async "who logs in again while another tab logs out is in, with nothing from before"(
    start,
  ) {
    const { app, holdLogins } = await withLoginsToHold(start);
    for (const isReceivedBefore of [true, false]) {
      const browser = await loggedIn(app);
      await fill(browser, "from before");
      const copy = await cookiesOf(browser);
      const tab = await browser.fork();
      const callback = await upToCallback(tab);
      const held = holdLogins();
      const inFlight = isReceivedBefore && tab.exchange(callback);
      if (inFlight) await held.reached;
      await get(browser, "/logout");
      held.release();
      await (inFlight || tab.exchange(callback));
      // In a store, she would go on with the session that the other tab has ended by then. What is
      // left is that she has to log in once more.
      const isLeft = isReceivedBefore && app.kind !== "cookies";
      assert.equal(await tab.whoami(), isLeft ? null : "alice");
      if (isLeft) await tab.open("/login");
      assert.equal(await tab.whoami(), "alice");
      assert.equal(await basketOf(tab), null);
      assert.equal(await whoHas(app, copy), null);
    }
  },

  async "a session that is changed while bob logs in over it: what is left is that he is out"(
    start,
  ) {
    const app = await start();
    for (const isChanged of [true, false]) {
      const browser = await loggedIn(app);
      // On its way back, the response has the cookie of a session that lives.
      const request = isChanged
        ? new Stepwise(browser, "cors", "POST", "/basket", { basket: "hers" })
        : new Stepwise(browser, "navigate", "GET", "/");
      await request.do.sent();
      await request.do.answered();
      await browser.logOut();
      await browser.logIn("bob");
      assert.equal(await browser.whoami(), "bob");
      const { cookie } = (await request.do.stored()) as {
        cookie: { effect: string };
      };
      assert.equal(cookie.effect, "set");
      // He has to log in again. But nobody is taken for alice.
      assert.equal(await browser.whoami(), null);
      assert.equal(await basketOf(browser), null);
      await browser.open("/");
      await browser.logInAgain("bob", "/login");
      assert.equal(await browser.whoami(), "bob");
    }
  },
} satisfies Scenarios;

const dead = {
  async "a request with a dead cookie begins nothing and clears nothing"(
    start,
  ) {
    const app = await start();
    const browser = await loggedIn(app);
    const tab = await browser.fork();
    await browser.logOut();
    const sessions = app.memory.entries.size;
    for (const answer of [
      await fill(tab, "hers"),
      await update(tab),
      await get(tab, "/whoami", "cors"),
    ]) {
      assert.equal(answer.status, 200);
      assert.equal(effectOf(answer).effect, "untouched");
    }
    assert.equal(app.memory.entries.size, sessions);
    assert.equal(await basketOf(tab), null);
  },

  async "a route that takes the login out of the session ends all of it"(
    start,
  ) {
    const app = await start({
      routes: (app) =>
        app.post("/forget", (req, res) => {
          const { appSession } = req as never as {
            appSession: { id_token?: string };
          };
          delete appSession.id_token;
          res.json({});
        }),
    });
    const browser = await loggedIn(app);
    await fill(browser, "hers");
    const copy = await cookiesOf(browser);
    const post = await browser.compose("cors", "POST", "/forget", {});
    await browser.exchange(post);
    assert.equal(await browser.whoami(), null);
    assert.equal(await whoHas(app, copy), null);
    assert.deepEqual(app.memory.sessions(), []);
  },

  async "a navigation with a dead cookie clears it"(start) {
    const app = await start();
    const browser = await loggedIn(app);
    const tab = await browser.fork();
    await browser.logOut();
    assert.equal(effectOf(await get(tab, "/")).effect, "cleared");
    assert.equal(await cookiesOf(tab), "undefined");
  },

  async "whose cookie has expired can begin an anonymous session after one navigation"(
    start,
    t,
  ) {
    const forward = stopClock(t);
    const app = await start({
      // So the browser keeps the cookie.
      config: { session: { cookie: { transient: true } } },
    });
    const browser = await loggedIn(app);
    forward(25 * 60 * MINUTE_MS);
    assert.equal(effectOf(await fill(browser, "too soon")).effect, "untouched");
    assert.equal(await basketOf(browser), null);
    await browser.open("/");
    await fill(browser, "theirs");
    assert.equal(await basketOf(browser), "theirs");
    assert.equal(await browser.whoami(), null);
  },

  async "an anonymous basket is kept at the login"(start) {
    const app = await start();
    const browser = browserOf(app);
    await fill(browser, "kept");
    assert.equal(await basketOf(browser), "kept");
    const anonymous = await cookiesOf(browser);
    await browser.logIn("bob");
    assert.equal(await browser.whoami(), "bob");
    assert.equal(await basketOf(browser), "kept");
    assert.equal(await whoHas(app, anonymous), null);
  },

  async "who logs in again goes on with their session, and logs out of all of it"(
    start,
  ) {
    const app = await start();
    const browser = await loggedIn(app);
    await fill(browser, "kept");
    const copy = await cookiesOf(browser);
    await browser.open("/login");
    assert.equal(await browser.whoami(), "alice");
    assert.equal(await basketOf(browser), "kept");
    await browser.logOut();
    assert.equal(await whoHas(app, copy), null);
  },

  async "a cookie whose name only begins like the session's stays"(start) {
    const app = await start({
      above(app) {
        app.use((_req, res, next) => {
          res.cookie("appSession-theme", "dark").cookie("appSession.x", "1");
          next();
        });
      },
    });
    const browser = await loggedIn(app);
    const tab = await browser.fork();
    const answers = [await update(browser)];
    app.memory.before = (command) => {
      if (command !== "get") outOfReach();
    };
    answers.push(await fill(browser, "fails"));
    app.memory.before = () => {};
    answers.push(await get(browser, "/logout"), await fill(tab, "dead"));
    for (const answer of answers) {
      const cookies = (answer.headers["set-cookie"] ?? []).join("\n");
      assert.match(cookies, /^appSession-theme=dark/m);
      assert.match(cookies, /^appSession\.x=1/m);
    }
    assert.equal(await browser.whoami(), null);
    assert.match(await cookiesOf(browser), /^appSession-theme=dark; /);
  },
} satisfies Scenarios;

const lifetimes = {
  async "activity in the background alone keeps a session alive"(start, t) {
    for (const rollingDuration of [HOUR_S / 2, HOUR_S, 24 * HOUR_S]) {
      const forward = stopClock(t);
      const app = await start({ config: { session: { rollingDuration } } });
      const browser = await loggedIn(app);
      for (const _ of Array(4)) {
        forward((rollingDuration * 1000 * 2) / 3);
        await update(browser);
      }
      assert.equal(await browser.whoami(), "alice");
      t.mock.timers.reset();
    }
  },

  async "a navigation renews a session, and nothing else does in its first half"(
    start,
    t,
  ) {
    const forward = stopClock(t);
    const app = await start({
      config: { session: { rollingDuration: HOUR_S } },
    });
    for (const isNavigation of [true, false]) {
      const browser = await loggedIn(app);
      forward(20 * MINUTE_MS);
      const answer = await (isNavigation ? get(browser, "/") : update(browser));
      const renewed = isNavigation ? "set" : "untouched";
      assert.equal(effectOf(answer).effect, renewed);
      forward(50 * MINUTE_MS);
      assert.equal(await browser.whoami(), isNavigation ? "alice" : null);
    }
  },

  async "a GET that accepts a page is a navigation where no header says it"(
    start,
    t,
  ) {
    const forward = stopClock(t);
    const app = await start();
    const browser = await loggedIn(app);
    for (const [accept, effect] of [
      ["text/html,*/*", "set"],
      ["*/*", "untouched"],
    ] as const) {
      forward(MINUTE_MS);
      const request = await browser.compose("cors", "GET", "/");
      delete request.headers["sec-fetch-mode"];
      const headers = { ...request.headers, accept };
      const answer = await browser.exchange({ ...request, headers });
      assert.equal(effectOf(answer).effect, effect);
    }
  },

  async "nothing renews a session that is not to be renewed"(start, t) {
    const forward = stopClock(t);
    const session = { rolling: false, absoluteDuration: HOUR_S };
    const app = await start({ config: { session } });
    const browser = await loggedIn(app);
    for (const _ of Array(2)) {
      forward(20 * MINUTE_MS);
      assert.equal(effectOf(await get(browser, "/")).effect, "untouched");
      assert.equal(effectOf(await update(browser)).effect, "untouched");
      await fill(browser, `${Date.now()}`);
    }
    assert.equal(await browser.whoami(), "alice");
    forward(21 * MINUTE_MS);
    assert.equal(await browser.whoami(), null);
  },

  async "a session ends when it is as old as it may get, however busy"(
    start,
    t,
  ) {
    const forward = stopClock(t);
    const session = { rollingDuration: HOUR_S, absoluteDuration: 2 * HOUR_S };
    const app = await start({ config: { session } });
    const browser = await loggedIn(app);
    for (const user of ["alice", "alice", null]) {
      forward(45 * MINUTE_MS);
      await get(browser, "/");
      assert.equal(await browser.whoami(), user);
    }
  },

  async "an ended session is remembered for as long as a cookie of it is good"(
    start,
    t,
  ) {
    const forward = stopClock(t);
    for (const session of [
      { rollingDuration: HOUR_S },
      { rollingDuration: HOUR_S, absoluteDuration: false as const },
      { rolling: false, absoluteDuration: 3 * HOUR_S },
    ]) {
      const app = await start({ config: { session } });
      const browser = await loggedIn(app);
      forward(59 * MINUTE_MS);
      const request = new Stepwise(browser, "navigate", "GET", "/");
      await request.do.sent();
      await request.do.answered();
      await browser.logOut();
      await request.do.stored();
      const lasts = await cookiesOf(browser);
      forward(58 * MINUTE_MS);
      assert.equal(await whoHas(app, lasts), null);
    }
  },
} satisfies Scenarios;

const failing = {
  async "when the store is dead, requests fail with a sentence, and nobody loses a session"(
    start,
  ) {
    for (const [express, fails] of [
      [4, outOfReach],
      [5, withoutSocket],
    ] as const) {
      const app = await start({ express });
      const browser = await loggedIn(app);
      await fill(browser, "kept");
      app.memory.before = fails;
      for (const answer of [
        await get(browser, "/"),
        await get(browser, "/whoami", "cors"),
        await update(browser),
        await fill(browser, "lost"),
        await get(browser, "/logout"),
      ]) {
        assertUnavailable(answer);
      }
      app.memory.before = () => {};
      assert.equal(await browser.whoami(), "alice");
      assert.equal(await basketOf(browser), "kept");
      for (const error of app.errors) {
        assert.equal(error.status, 503);
        assert.match(error.message, /^[A-Z].* (try|log out) again .*moment\.$/);
        assert.throws(fails, error.cause as Error);
      }
    }
  },

  async "when the store never answers, requests fail after a while, and nobody loses a session"(
    start,
  ) {
    const app = await start({ options: { answerMs: 40 } });
    const browser = await loggedIn(app);
    app.memory.before = () => new Promise(() => {});
    const answers = Promise.all([
      get(browser, "/"),
      update(browser),
      fill(browser, "lost"),
      get(browser, "/logout"),
    ]);
    for (const answer of await answers) assertUnavailable(answer);
    app.memory.before = () => {};
    assert.equal(await browser.whoami(), "alice");
  },

  async "a logout that fails is not answered as if it had happened"(start) {
    const app = await start();
    for (const failingCommand of ["set", "destroy", "has", "add"]) {
      const browser = await loggedIn(app);
      let hasFailed = false;
      app.memory.before = (command) => {
        if (command !== failingCommand) return;
        hasFailed = true;
        outOfReach();
      };
      const answer = await get(browser, "/logout");
      app.memory.before = () => {};
      if (!hasFailed) continue;
      assertUnavailable(answer);
      assert.match(answer.body, /You may still be logged in/);
      // Whoever still is goes on, and loses nothing.
      const isIn = (await browser.whoami()) === "alice";
      assert.ok(isIn || (app.kind === "store" && failingCommand === "destroy"));
      await fill(browser, "kept");
      assert.equal(await basketOf(browser), isIn ? "kept" : null);
      await browser.logOut();
      assert.equal(await browser.whoami(), null);
    }
  },

  async "a failed write under an error handler that always answers 500 neither sets nor clears the cookie"(
    start,
  ) {
    const app = await start({ errorStatus: 500 });
    const browser = await loggedIn(app);
    for (const work of [
      () => fill(browser, "lost"),
      () => get(browser, "/logout"),
    ]) {
      app.memory.before = (command) => {
        if (command !== "get") outOfReach();
      };
      const answer = await work();
      assert.equal(answer.status, 500);
      assert.equal(effectOf(answer).effect, "untouched");
      assert.equal(answer.headers.location, undefined);
      app.memory.before = () => {};
      assert.equal(await browser.whoami(), "alice");
      assert.equal(await basketOf(browser), null);
    }
  },

  async "an error of the app's own is its own"(start) {
    const app = await start({
      routes(app) {
        app.get("/broken", () => {
          throw Object.assign(new Error("mine"), { status: 418 });
        });
      },
    });
    const browser = await loggedIn(app);
    const answer = await get(browser, "/broken");
    assert.equal(answer.status, 418);
    assert.equal(answer.headers["retry-after"], undefined);
    assert.equal(effectOf(answer).effect, "set");
    assert.equal(await browser.whoami(), "alice");
  },
} satisfies Scenarios;

/** Fails unless somebody is told to come back, and keeps the cookie that they have. */
function assertUnavailable(answer: Awaited<ReturnType<typeof get>>): void {
  assert.equal(answer.status, 503, answer.body);
  // It is the app's own error handler that answers.
  assert.match(JSON.parse(answer.body).error, /again in a moment\.$/);
  assert.match(String(answer.headers["retry-after"]), /^\d+$/);
  assert.equal(answer.headers.location, undefined);
  assert.equal(effectOf(answer).effect, "untouched");
}

for (const [title, scenarios] of [
  ["what is late, with", late],
  ["what has ended, with", dead],
  ["how long a session lives, with", lifetimes],
  ["when what it remembers is out of reach, with", failing],
] as const) {
  for (const kind of KINDS) {
    describe(`${title} ${kind}`, () => {
      for (const [name, scenario] of Object.entries(scenarios)) {
        test(name, (t) =>
          scenario((chosen) => startApp(t, { kind, ...chosen }), t),
        );
      }
    });
  }
}

// Each of these copies of the drop-in has one mistake, and one of the tests above notices it.
const MISTAKES: Mistake[] = [
  [
    "what is late touches the cookie",
    "store",
    late["a logout that a second click has sent, answered late, leaves bob in"],
    "(isPage || !isClearing)",
    "true",
  ],
  [
    "a session that has ended since is set again",
    "cookies",
    late["bob gets nothing of what alice's late request does, and stays in"],
    "if (visit.isGone) return visit.isAmbiguous;",
    "",
  ],
  [
    "a process does not know which sessions it has ended",
    "cookies",
    late["a page that begins to be streamed after her logout sets nothing"],
    ENDED_HERE,
    "",
  ],
  [
    "a dead cookie begins a session",
    "store and update",
    dead["a request with a dead cookie begins nothing and clears nothing"],
    "return !visit.isDead || isNavigation(visit.req);",
    "return true;",
  ],
  [
    "a logout leaves no mark",
    "store",
    late["a write that a logout overtakes brings nothing back"],
    'if (!update) await call(store, "set", MARK + id, markFor(endedMs));',
    "",
  ],
  [
    "a write does not look for the mark",
    "store",
    late["a write that a logout overtakes brings nothing back"],
    'if (!(await call(store, "get", MARK + id))) return true;',
    "return true;",
  ],
  [
    "a write brings back what is not there",
    "store and update",
    late["a write that a logout overtakes brings nothing back"],
    "const isWritten = await ask(() => update(id, session, lifeMs));",
    'await call(store, "set", id, session);\nconst isWritten = true;',
  ],
  [
    "a logout puts nothing among what has ended",
    "cookies",
    late["bob gets nothing of what alice's late request does, and stays in"],
    "await ask(() => ended?.add(visit.id as string, endedMs));",
    "",
  ],
  [
    "who logs in over alice gets her session's id",
    "cookies",
    late[
      "who logs in over alice ends her session, and nothing of it comes in between"
    ],
    "isSame && !isOver ? visit.id : newId()",
    "visit.id ?? newId()",
  ],
  [
    "who logs in again goes on with what was in a session that has ended",
    "cookies",
    late[
      "who logs in again while another tab logs out is in, with nothing from before"
    ],
    "{ ...leftOut, ...data,",
    "{ ...data,",
  ],
  [
    "a cookie is set again on navigations alone",
    "cookies",
    lifetimes["activity in the background alone keeps a session alive"],
    "(isNavigation(req) || !(Math.abs(Date.now() - live.since) < idleMs / 2))",
    "isNavigation(req)",
  ],
  [
    "a session that has ended is forgotten too soon",
    "cookies",
    lifetimes[
      "an ended session is remembered for as long as a cookie of it is good"
    ],
    "Math.min(2 * idleMs, mostMs)",
    "idleMs / 2",
  ],
  [
    "a cookie with a longer name is the session's",
    "store",
    dead["a cookie whose name only begins like the session's stays"],
    "/^(\\.\\d)?$/.test(cookie.slice(name.length))",
    "true",
  ],
  [
    "a failed request touches the cookie",
    "store",
    failing[
      "a failed write under an error handler that always answers 500 neither sets nor clears the cookie"
    ],
    "if (visit.hasFailed) return false;",
    "",
  ],
  [
    "a failed logout leads on",
    "store and update",
    failing["a logout that fails is not answered as if it had happened"],
    'res.removeHeader("Location");',
    "",
  ],
  [
    "an error is taken for no session",
    "store",
    failing[
      "when the store is dead, requests fail with a sentence, and nobody loses a session"
    ],
    "visit.next(fail(visit, error));",
    "return undefined;",
  ],
];

test("each of these tests can fail", (t) => tryMistakes(t, startApp, MISTAKES));
