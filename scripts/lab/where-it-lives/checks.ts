import assert from "node:assert/strict";
import { type Event, ORDERS, reduce } from "../../verify/orders.ts";
import type { App } from "./app.ts";
import type { Combination } from "./combinations.ts";
import { passHours } from "./moved-date.ts";
import { type Transit, User, whoHas } from "./visitor.ts";

/** Something that has to be true of an app that has the drop-in. */
interface Check {
  name: string;
  /** Whether there is such a thing in an app; all have it by default. */
  concerns?(combination: Combination): boolean;
  run(app: App, combination: Combination): Promise<void>;
}

/** What is sent to a route: what the session becomes does not depend on it, but for a basket. */
const BODY = { item: "a book", token: "a newer token" };

/** The routes that a late request can be for: they read the session, or change it. */
const ROUTES = ["/update", "/basket", "/refresh"];

/** After so many hours the response to any request extends a session. */
const LATER_HOURS = 13;

/** Whether a login sees the session from before. What a provider posts comes without most cookies. */
const comesWithLogin = ({ flow, session }: Combination) =>
  flow === "code" || session?.cookie?.sameSite === "None";

/** The verifier tries all orders, with snippets. Here are those whose outcomes can differ. */
const DIFFERENT_ORDERS = reduce([...ORDERS]);

export const CHECKS: Check[] = [
  {
    // Each with one of two routes; with the other one, apps on the other Express try it.
    name: "all orders of a request and a logout that can differ",
    async run(app, { express }) {
      const left: string[] = [];
      for (const [at, order] of DIFFERENT_ORDERS.entries()) {
        const path = (at + express) % 2 ? "/basket" : "/update";
        // Who writes must not go by what this process remembers.
        const way = path === "/basket" ? logoutAtSecond(app) : app;
        const seen = await race(way, path, order);
        if (seen) left.push(`${path}, ${seen}: ${order.join(", ")}`);
      }
      assert.deepEqual(left, []);
    },
  },

  ...ROUTES.map((path) => ({
    name: `next user: a late response to POST ${path}`,
    async run(app: App) {
      const browser = await User.loggedIn(app);
      passHours(LATER_HOURS);
      const late = browser.transit("cors", "POST", path, BODY);
      await late.sent();
      await late.received();
      await browser.logOut();
      await browser.logIn("bob");
      await late.answered();
      await late.stored();
      await hasNothingOfAlice(browser);
    },
  })),

  ...ROUTES.flatMap((path) =>
    ["after", "before"].map((when) => ({
      name: `a late POST ${path}, ${when} bob's login`,
      async run(app: App) {
        const browser = await User.loggedIn(app);
        const late = browser.transit("cors", "POST", path, BODY);
        await late.sent();
        await browser.logOut();
        if (when === "after") await browser.logIn("bob");
        await late.answered();
        await late.stored();
        if (when === "before") {
          assert.equal(await browser.whoami(), null);
          await browser.logIn("bob");
        }
        await hasNothingOfAlice(browser);
      },
    })),
  ),

  ...["/logout", "/out"].map((path) => ({
    name: `a late second logout, at ${path}`,
    async run(app: App) {
      const browser = await User.loggedIn(app);
      const second =
        path === "/logout"
          ? browser.transit("navigate", "GET", path)
          : browser.transit("cors", "POST", path, BODY);
      await second.sent();
      await browser.logOut();
      await browser.logIn("bob");
      await second.answered();
      await second.stored();
      assert.equal(await browser.whoami(), "bob");
    },
  })),

  {
    name: "bob over alice",
    concerns: comesWithLogin,
    async run(app) {
      const browser = await User.loggedIn(app);
      const copy = await browser.copy();
      const late = browser.transit("cors", "POST", "/basket", BODY);
      await late.sent();
      await late.received();
      // He has a provider that does not know her, and her cookies of the app.
      const other = new User(app);
      await other.adopt(browser);
      await other.logIn("bob");
      assert.equal(await other.whoami(), "bob");
      assert.equal(await whoHas(app, copy), null, "her copy works on");
      await late.answered();
      await other.store(late.request, late.answer);
      await hasNothingOfAlice(other);
      assert.equal(await whoHas(app, copy), null, "her copy works again");
    },
  },

  {
    name: "back-channel logout",
    concerns: ({ plain }) => !plain,
    async run(app) {
      const browser = await User.loggedIn(app);
      const bob = await User.loggedIn(app, "bob");
      const copy = await browser.copy();
      const late = browser.transit("cors", "POST", "/basket", BODY);
      await late.sent();
      await late.received();
      // She logs out at the provider, which then tells the app.
      app.hasBackChannel = true;
      try {
        await confirmAt(browser, `${app.issuer}/session/end`);
      } finally {
        app.hasBackChannel = false;
      }
      assert.equal(await browser.whoami(), null, "she is logged in");
      await late.answered();
      await late.stored();
      assert.equal(await browser.whoami(), null, "she is logged in again");
      assert.equal(await whoHas(app, copy), null, "her copy works");
      assert.equal(await bob.whoami(), "bob");
      await browser.logIn("alice");
      assert.equal(await browser.whoami(), "alice");
    },
  },

  {
    name: "a changed session is kept",
    async run(app) {
      const browser = await User.loggedIn(app);
      await browser.byScript("POST", "/basket", { item: "a book" });
      passHours(LATER_HOURS);
      await browser.byScript("POST", "/basket", { item: "a pen" });
      await browser.open("/");
      const { basket } = await browser.read("/session");
      assert.deepEqual(basket, ["a book", "a pen"]);
      assert.equal(await browser.whoami(), "alice");
    },
  },

  {
    name: "refreshed tokens are kept, and the logout ends what has them",
    async run(app) {
      const browser = await User.loggedIn(app);
      const older = await browser.copy();
      await browser.byScript("POST", "/refresh", BODY);
      const { access_token } = await browser.read("/session");
      assert.equal(access_token, BODY.token);
      const newer = await browser.copy();
      // The provider would not take the new token, which it has not made.
      await browser.exchange(
        await browser.compose("navigate", "GET", "/logout"),
      );
      assert.equal(await browser.whoami(), null);
      assert.equal(await whoHas(app, older), null);
      assert.equal(await whoHas(app, newer), null);
    },
  },

  {
    name: "what is used is extended, from the background alone, and what is not ends",
    async run(app) {
      const active = await User.loggedIn(app);
      const idle = await User.loggedIn(app);
      for (const _ of [1, 2, 3]) {
        passHours(LATER_HOURS);
        await active.byScript("POST", "/update", BODY);
      }
      assert.equal(await active.whoami(), "alice");
      assert.equal(await idle.whoami(), null);
    },
  },

  {
    name: "afterCallback of the app's own",
    concerns: ({ plain }) => !plain,
    async run(app) {
      const browser = await User.loggedIn(app);
      const { greeting } = await browser.read("/session");
      assert.equal(greeting, "welcome");
    },
  },

  {
    name: "an anonymous basket goes along with a login",
    concerns: (combination) =>
      !combination.authRequired && comesWithLogin(combination),
    async run(app) {
      const browser = new User(app);
      await browser.byScript("POST", "/basket", BODY);
      assert.deepEqual((await browser.read("/session")).basket, [BODY.item]);
      await browser.logIn("alice");
      assert.deepEqual((await browser.read("/session")).basket, [BODY.item]);
      await browser.logOut();
      assert.equal(await browser.whoami(), null);
    },
  },

  {
    name: "logout from a route of the app's own",
    async run(app) {
      const browser = await User.loggedIn(app);
      const copy = await browser.copy();
      const late = browser.transit("cors", "POST", "/basket", BODY);
      await late.sent();
      await late.received();
      const { status, headers } = await browser.byScript("POST", "/out", BODY);
      assert.equal(status, 302);
      assert.ok(headers.location?.startsWith(app.issuer), headers.location);
      assert.equal(await browser.whoami(), null);
      await late.answered();
      await late.stored();
      assert.equal(await browser.whoami(), null);
      assert.equal(await whoHas(app, copy), null);
    },
  },

  {
    name: "two tabs log in at once",
    async run(app) {
      const browser = new User(app);
      const tabs = [await beginLogin(browser), await beginLogin(browser)];
      for (const tab of tabs.reverse()) {
        // The library knows the latest login only. The other one may be refused.
        await tab().catch((error) => assert.match(String(error), REFUSED));
      }
      assert.equal(await browser.whoami(), "alice");
      const copy = await browser.copy();
      await browser.logOut();
      assert.equal(await browser.whoami(), null);
      assert.equal(await whoHas(app, copy), null);
    },
  },

  {
    name: "a stream goes on over a logout, and brings nobody back",
    async run(app) {
      const browser = await User.loggedIn(app);
      const copy = await browser.copy();
      passHours(LATER_HOURS);
      const response = await browser.fetch("/stream");
      const reader = response.body?.pipeThrough(new TextDecoderStream());
      assert.ok(reader);
      const parts = reader[Symbol.asyncIterator]();
      assert.equal((await parts.next()).value, "data: hello\n\n");
      await browser.logOut();
      for (const stream of app.streams) stream.end("data: bye\n\n");
      assert.equal((await parts.next()).value, "data: bye\n\n");
      assert.equal((await parts.next()).done, true);
      assert.equal(await browser.whoami(), null);
      assert.equal(await whoHas(app, copy), null);
    },
  },

  {
    name: "a write that reaches the store after the logout",
    concerns: ({ store }) => ["callbacks", "promises"].includes(store),
    async run(app) {
      const browser = await User.loggedIn(logoutAtSecond(app));
      const copy = await browser.copy();
      const late = browser.transit("cors", "POST", "/basket", BODY);
      await late.sent();
      const write = app.fallible?.holdWrite?.();
      const answered = late.answered();
      await write?.reached;
      await browser.logOut();
      write?.release();
      await answered;
      await late.stored();
      assert.equal(await browser.whoami(), null);
      assert.equal(await whoHas(app, copy), null);
    },
  },

  {
    name: "while the list or the store is down, nobody is logged out, or told so",
    concerns: ({ store }) =>
      ["cookies", "callbacks", "promises"].includes(store),
    async run(app, { errors }) {
      const { fallible } = app;
      assert.ok(fallible);
      for (const trouble of ["error", "silence"] as const) {
        const browser = await User.loggedIn(app);
        const copy = await browser.copy();
        passHours(LATER_HOURS);
        fallible.trouble = trouble;
        try {
          for (const request of WHILE_DOWN) {
            await isRefused(browser, request, app, errors);
          }
        } finally {
          fallible.trouble = undefined;
        }
        assert.equal(await browser.whoami(), "alice", trouble);
        await browser.logOut();
        assert.equal(await browser.whoami(), null, trouble);
        assert.equal(await whoHas(app, copy), null, trouble);
      }
    },
  },

  {
    name: "silent login, but not after a logout",
    concerns: ({ attemptSilentLogin }) => Boolean(attemptSilentLogin),
    async run(app) {
      const browser = await User.loggedIn(app);
      await browser.forget(app.cookieName);
      await browser.open("/");
      assert.equal(await browser.whoami(), "alice");
      const late = browser.transit("cors", "POST", "/basket", BODY);
      await late.sent();
      await browser.logOut();
      await late.answered();
      await late.stored();
      await browser.open("/");
      assert.equal(await browser.whoami(), null);
    },
  },

  {
    name: "another device stays logged in",
    async run(app) {
      const here = await User.loggedIn(app);
      const there = await User.loggedIn(app);
      await here.logOut();
      assert.equal(await there.whoami(), "alice");
    },
  },
];

/** How the library refuses a login that it does not know. Some apps answer 500 to every error. */
const REFUSED = /callback was answered with (400|500)/;

/** The same app, whose logouts go to its second process. */
const logoutAtSecond = (app: App): App => ({
  ...app,
  logoutAddress: app.secondAddress,
});

/** What somebody asks for while the store is down. */
const WHILE_DOWN = [
  ["cors", "GET", "/whoami"],
  ["cors", "POST", "/basket"],
  ["navigate", "GET", "/"],
  ["navigate", "GET", "/logout"],
] as const;

/** The app answers that it can't answer now, and leaves the session's cookie as it is. */
async function isRefused(
  browser: User,
  [mode, method, path]: (typeof WHILE_DOWN)[number],
  app: App,
  errors: Combination["errors"],
): Promise<void> {
  const body = method === "POST" ? BODY : undefined;
  const request = await browser.compose(mode, method, path, body);
  app.errors.length = 0;
  const answer = await browser.exchange(request);
  const { status, headers } = answer;
  const what = `${method} ${path}`;
  assert.equal(status, errors === "500" ? 500 : 503, what);
  assert.match(headers["retry-after"] ?? "", /^\d+$/, what);
  const cookies = headers["set-cookie"] ?? [];
  const ours = cookies.filter((text) => text.startsWith(app.cookieName));
  assert.deepEqual(ours, [], what);
  assert.equal(headers.location, undefined, what);
  assert.equal(app.errors.length, 1, `${what}: errors`);
  // It is the app's own page that says so.
  if (errors === "express") return;
  assert.equal(JSON.parse(answer.body).error, app.errors[0]?.message, what);
}

/**
 * Alice logs in, and a request of hers and her logout happen in this order.
 * @returns who is logged in then, and where; undefined when nobody is
 */
async function race(
  app: App,
  path: string,
  order: readonly Event[],
): Promise<string | undefined> {
  const browser = await User.loggedIn(app);
  passHours(LATER_HOURS);
  const update = browser.transit("cors", "POST", path, BODY);
  const logout = browser.transit("navigate", "GET", "/logout");
  for (const event of order) {
    const [name, happens] = event.split(" ") as [string, "sent" | "stored"];
    const transit: Transit = name === "logout" ? logout : update;
    await transit[happens]();
    if (event === "logout stored") {
      await browser.leaveProvider(logout.request, logout.answer);
    }
  }
  const { status, body } = update.answer;
  assert.ok(status < 500, `POST ${path} was answered with ${status}: ${body}`);
  const here = await browser.whoami();
  const copy = await whoHas(app, logout.request.headers.cookie ?? "");
  if (!here && !copy) return undefined;
  return [here && "in the browser", copy && "with a copy"]
    .filter(Boolean)
    .join(" and ");
}

/** Bob is logged in, and has an empty basket and a token of his own. */
async function hasNothingOfAlice(browser: User): Promise<void> {
  assert.equal(await browser.whoami(), "bob");
  const { basket, access_token } = await browser.read("/session");
  assert.deepEqual(basket, []);
  assert.notEqual(access_token, BODY.token);
}

/** Logs out at the provider itself. */
async function confirmAt(browser: User, address: string): Promise<void> {
  const { html, url } = await browser.open(address);
  await browser.confirmLogout(html, url);
}

/** Goes to the provider's login page, and returns what the user does there. */
async function beginLogin(browser: User): Promise<() => Promise<unknown>> {
  const { html, url } = await browser.open("/login");
  const [, action = ""] = html.match(/action="([^"]+)"><button>alice</) ?? [];
  const { href } = new URL(action, url);
  const form = new URLSearchParams();
  const request = await browser.compose("navigate", "POST", href, form);
  return async () => browser.follow(request, await browser.exchange(request));
}
