import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import type { ConfigParams } from "express-openid-connect";
import { KINDS } from "../bed/app.ts";
import { whoHas } from "../bed/browser.ts";
import { skew, travel } from "../bed/clock.ts";
import { effectOf, HeldRequest } from "../bed/held-request.ts";
import { holdRoute } from "../bed/route-holds.ts";
import type { Command } from "../bed/store.ts";
import { ORDERS, reduce } from "../verify/orders.ts";
import { ALL, comeBefore } from "./bad-day.ts";
import {
  arrive,
  type Scenarios,
  type Section,
  User,
  withAlice,
} from "./users.ts";

// What the drop-in promises, in each of its kinds: whose session is whose when requests, logouts and
// logins cross, when the store fails, and as time goes by.

const MINUTE_MS = 60 * 1000;
const HOUR_S = 60 * 60;

/** A login waits where a test can hold it, and leaves a word in the session. */
const afterCallback: ConfigParams["afterCallback"] = (_req, _res, session) =>
  setTimeout(0, { ...session, greeting: "welcome" });

const crossing: Scenarios = {
  async "in no order is alice in after her logout, and bob gets nothing"(
    start,
  ) {
    const app = await start();
    const other = await start({ memory: app.memory });
    const orders = reduce([...ORDERS]).filter(
      ([first]) => first === "update sent",
    );
    for (const [at, order] of orders.entries()) {
      // The verifier tries all, with snippets. Here, each kind has others.
      const turn = at + KINDS.indexOf(app.kind);
      // Who writes must not go by what its process remembers.
      const otherURL = (turn % 2 ? other : app).baseURL;
      const browser = await User.loggedIn({ ...app, otherURL });
      // After so long, the response to any request extends a session.
      await travel(13 * HOUR_S * 1000);
      const path = turn % 4 < 2 ? "/change" : "/update";
      const what = ["cors", "POST", path, { basket: "hers" }] as const;
      const requests = {
        update: new HeldRequest(browser, ...what),
        logout: new HeldRequest(browser, "navigate", "GET", "/logout"),
      };
      const told = `${path}: ${order.join(", ")}`;
      for (const event of order) {
        const [name, happens] = event.split(" ") as ["update", "sent"];
        await requests[name][happens]();
        if (event !== "logout stored") continue;
        assert.equal(await browser.whoami(), null, told);
        await browser.logIn("bob");
      }
      // What is left: a response that extends a session, and is on its way back, throws bob out.
      const happens = (event: string) => order.indexOf(event as "update sent");
      const isLeft =
        happens("update answered") < happens("logout answered") &&
        happens("logout stored") < happens("update stored");
      assert.equal(await browser.whoami(), isLeft ? null : "bob", told);
      if (isLeft) await browser.open("/");
      if (isLeft) await browser.open("/login");
      assert.equal(await browser.whoami(), "bob", told);
      assert.equal(await browser.basket(), null, told);
      const { cookie = "" } = requests.logout.outgoing.headers;
      assert.equal(await whoHas(app, cookie), null, told);
    }
  },

  async "a write that a logout overtakes brings nothing back"(start) {
    const app = await start();
    const other = await start({ memory: app.memory });
    for (const { baseURL: otherURL } of [app, other]) {
      const browser = await User.loggedIn({ ...app, otherURL });
      const copy = await browser.cookies();
      const request = await browser.inFlight("sent");
      const held = app.memory.hold((command) =>
        ["set", "update", "has"].includes(command),
      );
      const answered = request.answered();
      await held.reached;
      await browser.logOut();
      held.release();
      await answered;
      assert.deepEqual(app.memory.sessions(), []);
      assert.equal(await browser.whoami(), null);
      assert.equal(await whoHas(app, copy), null);
      await browser.logIn("bob");
      await arrive(request);
      assert.equal(await browser.whoami(), "bob");
      await browser.logOut();
    }
  },

  async "a second logout, answered late, leaves bob in"(start) {
    const app = await start();
    const other = await start({ memory: app.memory });
    // With a store, it looks for the session when it is received, and always before it ends it.
    for (const looks of [0, app.kind === "cookies" ? 1 : 2]) {
      const browser = await User.loggedIn(app);
      const second = await browser.compose("navigate", "GET", "/logout");
      second.url = new URL("/logout", (looks ? other : app).baseURL);
      let left = looks;
      const held = app.memory.hold(
        (command, id) =>
          /^(get|has)$/.test(command) &&
          !id.startsWith("ended:") &&
          --left === 0,
      );
      const early = looks ? browser.exchange(second) : undefined;
      if (early) await held.reached;
      app.memory.mend();
      await browser.logOut();
      await browser.logIn("bob");
      held.release();
      const answer = await (early ?? browser.exchange(second));
      assert.equal(answer.status, 302);
      assert.equal(effectOf(answer).effect, "untouched");
      assert.equal(await browser.whoami(), "bob");
    }
  },

  async "who logs in while alice logs out is in, with nothing of hers"(start) {
    const app = await start({ config: { afterCallback } });
    for (const [user, when] of [
      ["bob", "before"],
      ["bob", "meanwhile"],
      ["alice", "meanwhile"],
      ["alice", "after"],
    ] as const) {
      const { alice, copy } = await withAlice(async () => app);
      await alice.fill("hers");
      const late = await alice.inFlight("received");
      // Another tab, in which the provider may not know her any more.
      const tab = await alice.fork();
      if (user === "bob") await tab.forgetSite(app.issuer);
      const login = await tab.compose("navigate", "GET", "/login");
      const way = [login, await tab.exchange(login), "/callback"] as const;
      const { href } = await (user === "bob"
        ? tab.chooseUser(user, ...way)
        : tab.follow(...way).then(({ url }) => url));
      const callback = await tab.compose("navigate", "GET", href);
      const held = when === "meanwhile" ? holdRoute("/callback") : undefined;
      const answering = when === "after" ? undefined : tab.exchange(callback);
      await (held?.reached ?? answering);
      if (when === "before") assert.equal(await alice.whoami(), null);
      const logout = await alice.get("/logout");
      held?.release();
      await (answering ?? tab.exchange(callback));
      await late.answered();
      await tab.store(late.outgoing, late.answer);
      if (when === "before") await tab.store(late.outgoing, logout);
      // In a store, she would go on with the session that the other tab has ended by then. What is
      // left is that she has to log in once more.
      const isLeft =
        user === "alice" && when === "meanwhile" && app.kind !== "cookies";
      assert.equal(await tab.whoami(), isLeft ? null : user);
      if (isLeft) await tab.open("/login");
      assert.equal(await tab.whoami(), user);
      assert.equal(await tab.basket(), null);
      assert.equal((await tab.session()).greeting, "welcome");
      assert.equal(await whoHas(app, copy), null);
    }
  },

  async "a stream begins at once, and brings nobody back"(start) {
    let end = () => {};
    const app = await start({
      routes: (app) =>
        app.get("/events", async (_req, res) => {
          await setTimeout(0);
          res.writeHead(200, { "Content-Type": "text/event-stream" });
          res.write("data: first\n\n");
          // Where it is compressed, it waits for more. It ends from elsewhere, as from a queue.
          (res as { flush?: () => void }).flush?.();
          end = () => res.end("data: last\n\n");
        }),
    });
    for (const isLate of [true, false]) {
      const browser = await User.loggedIn(app);
      await travel(13 * HOUR_S * 1000);
      const headers = { cookie: await browser.cookies() };
      const held = isLate ? holdRoute("/events") : undefined;
      const answering = fetch(`${app.baseURL}/events`, { headers });
      await held?.reached;
      if (isLate) await browser.get("/logout");
      held?.release();
      const response = await answering;
      const texts = response.body?.pipeThrough(new TextDecoderStream());
      const reader = texts?.getReader();
      assert.equal((await reader?.read())?.value, "data: first\n\n");
      assert.equal(response.headers.has("set-cookie"), !isLate);
      if (!isLate) await browser.logOut();
      end();
      assert.equal((await reader?.read())?.value, "data: last\n\n");
      assert.equal(await whoHas(app, headers.cookie), null);
      assert.deepEqual(app.memory.sessions(), []);
    }
  },
};

const dead: Scenarios = {
  async "with a dead cookie nothing begins, and a navigation clears it"(start) {
    const { app, alice } = await withAlice(start);
    const tab = await alice.fork();
    await alice.logOut();
    const sessions = app.memory.entries.size;
    for (const answer of [
      await tab.fill("hers"),
      await tab.post("/update"),
      await tab.get("/whoami", { "sec-fetch-mode": "cors" }),
    ]) {
      assert.equal(answer.status, 200);
      assert.equal(effectOf(answer).effect, "untouched");
    }
    assert.equal(app.memory.entries.size, sessions);
    assert.equal(await tab.basket(), null);
    assert.equal(effectOf(await tab.get("/")).effect, "cleared");
    await tab.fill("theirs");
    assert.equal(await tab.basket(), "theirs");
  },

  async "a route of the app's own that logs out ends all copies"(start) {
    const app = await start();
    for (const path of ["/forget", "/out"]) {
      const { alice, copy } = await withAlice(async () => app);
      // Tokens that have been refreshed are kept.
      await alice.post("/change", { token: "new", id_token: "e30.e30.new" });
      assert.equal((await alice.session()).token, "new");
      const copies = [copy, await alice.cookies()];
      await alice.post(path);
      assert.equal(await alice.whoami(), null);
      for (const each of copies) assert.equal(await whoHas(app, each), null);
      assert.deepEqual(app.memory.sessions(), []);
    }
  },

  async "a basket goes along with two logins, and ends with the logout"(start) {
    const app = await start();
    const browser = new User(app);
    const copies: string[] = [];
    await browser.fill("kept");
    const again = () => browser.open("/login");
    for (const logIn of [() => browser.logIn("alice"), again]) {
      copies.push(await browser.cookies());
      await logIn();
      assert.equal(await browser.whoami(), "alice");
      assert.equal(await browser.basket(), "kept");
    }
    const [anonymous = "", first = ""] = copies;
    const left = await new User(app).get("/session", { cookie: anonymous });
    assert.equal(JSON.parse(left.body).basket, null);
    assert.equal(await whoHas(app, first), "alice");
    await browser.logOut();
    assert.equal(await whoHas(app, first), null);
    assert.equal(await browser.basket(), null);
  },
};

const HOUR = { rollingDuration: HOUR_S };

/** What somebody asks for: the method, and the headers that say whether it is a page. */
const ASKED: Record<string, [method: string, mode: string, accept: string]> = {
  page: ["GET", "navigate", "*/*"],
  fetch: ["GET", "cors", "text/html"],
  // Where no header says it.
  oldPage: ["GET", "", "text/html,*/*"],
  oldFetch: ["GET", "", "*/*"],
  head: ["HEAD", "navigate", "text/html"],
  post: ["POST", "navigate", "text/html"],
};

/** Alice's session: after so many minutes, what becomes of its cookie, or who is logged in. */
const LIVES: [session: ConfigParams["session"], steps: string][] = [
  [HOUR, "20 page set, 50 alice"],
  [HOUR, "20 oldPage set, 50 alice"],
  [HOUR, "10 fetch untouched, 10 oldFetch untouched, 41 nobody"],
  [HOUR, "10 head untouched, 10 post untouched, 41 nobody"],
  // In its second half, any request renews it.
  [{ rollingDuration: HOUR_S / 2 }, "20 fetch set, 20 fetch set, 20 alice"],
  [{ rollingDuration: 24 * HOUR_S }, "960 fetch set, 960 alice"],
  [
    { rolling: false, absoluteDuration: HOUR_S },
    "20 page untouched, 20 change set, 19 alice, 2 nobody",
  ],
  [
    { ...HOUR, absoluteDuration: 2 * HOUR_S },
    "45 page set, 45 page set, 29 alice, 2 nobody",
  ],
];

const lifetimes: Scenarios = {
  ...Object.fromEntries(
    LIVES.map(([session = {}, steps], at): [string, Scenarios[string]] => [
      `life ${at + 1}: ${steps}`,
      async (start) => {
        const { alice } = await withAlice(start, { config: { session } });
        for (const step of steps.split(", ")) {
          const [minutes, what = "", effect] = step.split(" ");
          await travel(Number(minutes) * MINUTE_MS);
          if (!effect) {
            assert.equal((await alice.whoami()) ?? "nobody", what, step);
            continue;
          }
          const [method, mode = "", accept = ""] = ASKED[what] ?? [];
          const headers = { "sec-fetch-mode": mode, accept };
          const answer = await (method
            ? alice.get("/", headers, method)
            : alice.fill(step));
          assert.equal(effectOf(answer).effect, effect, step);
        }
      },
    ]),
  ),

  async "its end is remembered for as long as a cookie is good"(start) {
    for (const session of [
      HOUR,
      { ...HOUR, absoluteDuration: false as const },
      { rolling: false, absoluteDuration: 3 * HOUR_S },
    ]) {
      const app = await start({ config: { session } });
      const { memory, baseURL: otherURL } = app;
      // Its clock is ahead, and its cookies are good for longer.
      const ahead = await skew.run(4 * MINUTE_MS, () =>
        start({ config: { session }, memory }),
      );
      const alice = await User.loggedIn({ ...ahead, otherURL });
      await travel(59 * MINUTE_MS);
      const request = new HeldRequest(alice, "navigate", "GET", "/");
      await request.sent();
      await request.answered();
      await alice.logOut();
      await request.stored();
      const lasts = await alice.cookies();
      await travel(62 * MINUTE_MS);
      assert.equal(await whoHas(app, lasts), null);
    }
  },
};

const REFUSED = new Error("connect ECONNREFUSED");
/** A database behind a Unix socket that is not there. */
const NO_SOCKET = Object.assign(new Error("connect ENOENT"), {
  code: "ENOENT",
  syscall: "connect",
});

/** What fails, and with what error; without one, there is no answer. */
const DOWN: [refuses: Command[], error?: Error][] = [
  [ALL, REFUSED],
  [ALL, NO_SOCKET],
  [ALL],
  [["set", "update"], REFUSED],
  [["destroy"], REFUSED],
  [["has"], REFUSED],
  [["add"], REFUSED],
];

const failing: Scenarios = Object.fromEntries(
  DOWN.map(([refuses, error], at): [string, Scenarios[string]] => [
    `${refuses}: ${error ?? "no answer"}`,
    async (start) => {
      // Some apps answer 500 to all errors, on a page that asks who is logged in. Before anybody knows,
      // that is nobody.
      const asked: boolean[] = [];
      const status = at % 2 ? 503 : 500;
      const app = await start({
        ...(!error && { options: { answerMs: 40 } }),
        onError(error, req, res, _next) {
          if (req.path === "/whoami") asked.push(req.oidc.isAuthenticated());
          res.status(status).json({ error: error.message });
        },
      });
      const { comeDuring, comeAfter } = await comeBefore(app.kind, app, status);
      app.memory.break(refuses, error);
      await comeDuring(refuses);
      app.memory.mend();
      await comeAfter(refuses);
      for (const one of app.errors) {
        assert.deepEqual([one.status, one.statusCode], [503, 503]);
        assert.match(one.message, /^[A-Z].* (try|log out) again .*moment\.$/);
        if (error) assert.equal(one.cause, error);
      }
      assert.equal(asked.includes(true), false);
    },
  ]),
);

export const PROMISES: Section[] = [
  ["what crosses a logout", KINDS, crossing],
  ["what has ended", KINDS, dead],
  ["how long a session lives", KINDS, lifetimes],
  ["what is out of reach", KINDS, failing],
];
