import assert from "node:assert/strict";
import type { Express, Request } from "express";
import type { ConfigParams } from "express-openid-connect";
import { lastingLogout } from "../../snippets/drop-in/lasting-logout.ts";
import { type AppOptions, type Kind, type MadeApp, plain } from "../bed/app.ts";
import { whoHas } from "../bed/browser.ts";
import { travel } from "../bed/clock.ts";
import { Memory, type Style, stylesOf } from "../bed/store.ts";
import {
  arrive,
  assertWorks,
  type Scenarios,
  type Section,
  type Start,
  User,
  withAlice,
} from "./users.ts";

// How the drop-in fits into an app: its settings, its store, its routes and its responses, and what
// is the same as without it.

type Session = NonNullable<ConfigParams["session"]>;
const DAY_S = 24 * 60 * 60;
const withSession = (session: Session) => ({ config: { session } });

/** Puts something into the session, as an app does. */
const change = (req: Request, basket: string) =>
  Object.assign((req as { appSession?: object }).appSession ?? {}, { basket });

/** A login that is posted by the provider, as it is by default. */
const FORM_POST = {
  clientSecret: undefined,
  authorizationParams: undefined,
} as object;

/** Apps that people have. */
const APPS: Record<string, (kind: Kind) => AppOptions> = {
  "a renamed cookie, signed, with attributes": () =>
    withSession({
      name: "my.shop",
      signSessionStoreCookie: true,
      cookie: { path: "/", sameSite: "Strict", httpOnly: true },
    }),
  "ids of its own making": () =>
    withSession({ genid: () => `own-${crypto.randomUUID()}` }),
  // A timer that is to wait for longer than 2 ** 31 ms does not wait.
  "long lives, without an end": () =>
    withSession({ rollingDuration: 30 * DAY_S, absoluteDuration: false }),
  // The app may parse the form in which the login comes.
  "no client secret, as in Auth0's quickstart": () => ({
    config: FORM_POST,
    above: (app, { urlencoded }) => app.use(urlencoded({ extended: false })),
  }),
  // Then the session comes with what another site posts. Browsers want it to be Secure, too.
  "a quickstart with SameSite=None": () => ({
    config: { ...FORM_POST, session: { cookie: { sameSite: "None" } } },
  }),
  "large ID tokens": () => ({ claimBytes: 5000 }),
  "nothing special but Express's own error page": () => ({
    onError: (error, _req, _res, next) => next(error),
  }),
  "a logout in a route of the app's own": () => ({
    config: { routes: { logout: false } },
    routes(app) {
      app.get("/logout", (_req, res) => res.oidc.logout());
    },
  }),
  "an ended that is a Set, or an update that says nothing": (kind) => {
    const [memory, ended] = [new Memory(), new Set<string>()];
    const has = (id: string) => ended.has(id);
    const add = (id: string) => ended.add(id);
    const update = async (id: string, session: object, lifeMs: number) =>
      void (await memory.update(id, session, lifeMs));
    if (kind === "cookies") return { options: { ended: { has, add } } };
    return { memory, kind: "store and update", options: { update } };
  },
};

/** What is asked of two apps, and is to be answered alike; with a body, or with headers. */
const REQUESTS = `
  navigate GET / | cors GET /whoami | cors POST /change {"basket":"a book"}
  navigate GET /login | log in | navigate GET / | navigate HEAD /
  cors OPTIONS /whoami | navigate GET / {"accept-encoding":"gzip"}
  cors GET /not-modified {"if-none-match":"1"} | cors GET /throws
  navigate GET /head?form=0 | navigate GET /head?form=1
  navigate GET /head?form=2 | navigate GET /head?form=3
  cors GET /head?form=0&basket=hat | cors POST /change {"basket":"a pen"}
  cors GET /session | cors POST /update [] | navigate GET /nothing
  navigate GET /callback | cors POST /backchannel-logout {}
  navigate GET /logout | navigate GET /logout | cors POST /out {}
  cors GET /cookies {"cookie":"theme=dark; NAME=junk; NAME.0=old; a=b"}`;

/** With a store, the library itself calls Node's `end` once for each answer, and the process ends. */
const TWO_ANSWERS = `
  log in | navigate GET /sent-and-throws | navigate GET /twice`;

/** The forms in which an app may write its head. */
const HEADS = [
  [200, { "X-A": "b", "Set-Cookie": "own=1" }],
  [201, "Made", { "X-A": "b", "content-length": "4" }],
  [202, ["X-A", "b", "Set-Cookie", "own=1"]],
  [203, [["X-A", "b"]]],
] as unknown as [number][];

function addRoutes(app: Express): void {
  app.get("/not-modified", (_req, res) => res.set("etag", "1").send("same"));
  app.get("/cookies", (req, res) => res.json(req.headers.cookie));
  app.get("/head", (req, res) => {
    if (req.query.basket) change(req, String(req.query.basket));
    const head = HEADS[Number(req.query.form)] as [number];
    res.writeHead(...head).end("made");
  });
  app.get("/throws", () => {
    // Express would show the stack, which differs.
    throw Object.assign(new Error("on purpose"), { stack: "", status: 418 });
  });
  app.get("/sent-and-throws", (_req, res) => {
    res.send("sent");
    throw new Error("after it");
  });
  app.get("/twice", (req, res, next) => {
    change(req, "twice");
    res.redirect("/elsewhere");
    next();
  });
  app.get("/twice", (_req, res) => {
    res.status(404).set("X-Second", "yes").send("nothing here");
  });
}

/** Asks an app all of that, and tells what has been answered, without what is new each time. */
async function answersOf(app: MadeApp, name: string) {
  let browser = new User(app);
  const isOurs = new RegExp(`^${name}(\\.\\d)?[=;]`);
  const seen = [];
  const all = app.kind === "cookies" ? REQUESTS + TWO_ANSWERS : REQUESTS;
  for (const what of all.trim().split(/ \| |\n +/)) {
    if (what === "log in") {
      browser = await User.loggedIn(app);
      continue;
    }
    const [mode, method = "", path = "", ...rest] = what.split(" ");
    const extra = JSON.parse(rest.join(" ").replaceAll("NAME", name) || "{}");
    const body = method === "POST" ? extra : undefined;
    const request = await browser.compose(mode as "cors", method, path, body);
    if (!body) Object.assign(request.headers, extra);
    const { status, headers, body: text } = await browser.exchange(request);
    const { location, "set-cookie": sets = [], ...others } = headers;
    delete others.date;
    // The body of a redirect has the address, too.
    if (location) delete others["content-length"];
    const cookies = sets.map((text) =>
      text
        .replace(/=[^;]*/, "")
        .replace(/; Expires=(?!Thu, 01 Jan 1970)[^;]*/, ""),
    );
    seen.push({
      what: `${what}: ${status} ${location ? "" : text}`,
      headers: others,
      cookies: cookies.filter((text) => !isOurs.test(text)),
      session: cookies.filter((text) => isOurs.test(text)),
      location: location?.replace(/(:\d+)|((?<==)[\w.%-]+)/g, ""),
    });
  }
  return seen;
}

/** Asks the app with the drop-in, and the same without it, and fails where answers are not alike. */
async function assertSame(start: Start, chosen: AppOptions) {
  const name = chosen.config?.session?.name ?? "appSession";
  const options: AppOptions = {
    ...chosen,
    above(app, express) {
      chosen.above?.(app, express);
      app.use((_req, res, next) => {
        res.cookie(`${name}-theme`, "dark").cookie(`${name}.x`, "1");
        next();
      });
    },
    routes(app) {
      chosen.routes?.(app);
      addRoutes(app);
    },
  };
  const ours = await answersOf(await start(options), name);
  const app = await start({ ...options, wrap: plain });
  const theirs = await answersOf(app, name);
  for (const [at, { session }] of ours.entries()) {
    // The drop-in sets the session's cookie less often, but on pages.
    const isPage = ours[at]?.what.startsWith("navigate GET /:");
    if (session.length === 0 && !isPage) theirs[at]?.session.splice(0);
  }
  assert.deepEqual(ours, theirs);
}

/** Where the drop-in may not be seen in any answer. */
const ALIKE = /renamed|quickstart|large|special|says nothing/;

/** In each of the apps a login and a logout work. */
const apps: Scenarios = Object.fromEntries(
  Object.entries(APPS).map(([name, optionsOf]) => [
    name,
    async (start) => {
      const { kind } = await start();
      await assertWorks(await start(optionsOf(kind)));
      if (ALIKE.test(name)) await assertSame(start, optionsOf(kind));
    },
  ]),
);

const settings: Scenarios = {
  async "a path below which everybody has to be logged in"(start) {
    const app = await start({ path: "/shop", config: { authRequired: true } });
    const browser = new User(app);
    await browser.logIn("alice", "/shop/login");
    const isIn = async (browser: User) =>
      /alice/.test((await browser.get("/shop")).body);
    assert.ok(await isIn(browser));
    const copy = await browser.fork();
    assert.equal((await browser.get("/shop/logout")).status, 302);
    for (const one of [browser, copy]) {
      assert.ok(!(await isIn(one)));
      const { status, headers } = await one.get("/shop");
      assert.equal(status, 302);
      assert.equal(new URL(String(headers.location)).origin, app.issuer);
    }
  },

  async "two tabs that log in at once"(start) {
    const app = await start();
    const browser = new User(app);
    const begin = async () => {
      const login = await browser.compose("navigate", "GET", "/login");
      return [login, await browser.exchange(login), "/callback"] as const;
    };
    const first = await browser.chooseUser("alice", ...(await begin()));
    const second = await browser.follow(...(await begin()));
    // The library knows the last login that has begun. It refuses the other one.
    for (const url of [second.url, first]) await browser.get(url.href);
    assert.equal(await browser.whoami(), "alice");
    const copy = await browser.cookies();
    await browser.logOut();
    assert.equal(await browser.whoami(), null);
    assert.equal(await whoHas(app, copy), null);
  },

  async "a silent login, but not after a logout"(start) {
    const { app, alice } = await withAlice(start, {
      config: { attemptSilentLogin: true },
    });
    await alice.forgetSite(app.baseURL);
    await alice.open("/");
    assert.equal(await alice.whoami(), "alice");
    const request = await alice.inFlight("sent");
    await alice.logOut();
    await arrive(request);
    await alice.open("/");
    assert.equal(await alice.whoami(), null);
  },
};

const cookieHeaders: Scenarios = {
  async "a dead cookie beside the live one does not hide it"(start) {
    const app = await start();
    for (const header of [
      (live: string) => `appSession=junk; ${live}`,
      (live: string) => `appSession=junk; a=b; appSession=more; ${live}; c=d`,
      (live: string) => `${live}; appSession=junk`,
      // Without spaces, and with what is left of cookie sessions.
      (live: string) => `theme=dark;appSession=junk;${live};appSession.0=old`,
    ]) {
      const live = await (await User.loggedIn(app)).cookies();
      const cookie = header(live);
      assert.equal(await whoHas(app, cookie), "alice");
      // No refused read costs the session.
      app.memory.break(["get"], new Error("it refuses to read"));
      assert.equal((await new User(app).get("/", { cookie })).status, 503);
      app.memory.mend();
      const answer = await new User(app).get("/logout", { cookie });
      assert.match(String(answer.headers.location), /\/session\/end\?/);
      const cleared = String(answer.headers["set-cookie"]).match(
        /\bappSession=;/g,
      );
      assert.equal(cleared?.length, 1);
      assert.equal(await whoHas(app, live), null);
      assert.equal(await whoHas(app, cookie), null);
    }
  },

  async "what a store remembers of an ended session is none"(start) {
    const { app, alice, copy } = await withAlice(start);
    const seen: unknown[] = [];
    app.memory.before = async (command) => {
      if (command === "destroy") seen.push(await whoHas(app, copy));
    };
    const request = await alice.inFlight("sent");
    await alice.logOut();
    // Nobody is in while the logout is about to destroy it.
    assert.deepEqual(seen, [null]);
    const mark = copy.replace("appSession=", "ended:");
    const before = [...app.memory.entries];
    assert.deepEqual([...app.memory.entries.keys()], [mark]);
    const cookie = `appSession=${mark}`;
    request.outgoing.headers.cookie = cookie;
    assert.equal(await arrive(request), "untouched");
    await alice.get("/", { cookie });
    assert.deepEqual([...app.memory.entries], before);
  },

  async "a dead one is cleared with the library's attributes"(start) {
    const clear = async (session: Session, options?: AppOptions) => {
      const config = { baseURL: "https://localhost", session };
      const app = await start({ config, ...options });
      const cookie = `${session.name ?? "appSession"}=junk`;
      const answer = await new User(app).get("/", { cookie });
      return String(answer.headers["set-cookie"]);
    };
    // The address may be in the environment.
    const wrap: typeof plain = (auth, { baseURL, ...config }, given) => {
      process.env.BASE_URL = String(baseURL);
      return lastingLogout(auth, config, given);
    };
    const cookie = { sameSite: "None", domain: "localhost", path: "/a" };
    for (const session of [{}, { cookie }, { name: "__Host-id" }]) {
      const cleared = await clear(session as Session);
      assert.match(cleared, /=;.*; Secure; SameSite=/);
      for (const options of [{ wrap: plain }, { wrap }])
        assert.equal(await clear(session as Session, options), cleared);
    }
    delete process.env.BASE_URL;
  },

  async "parts of a cookie session are no ids, and go with a page"(start) {
    const { app, copy } = await withAlice(start);
    for (const name of ["appSession.0", "appSession-theme"])
      assert.equal(await whoHas(app, copy.replace("appSession", name)), null);
    assert.equal(await whoHas(app, copy), "alice");
    const cookie = "appSession.0=old; appSession.1=older";
    for (const [path, count] of [
      ["/", 2],
      ["/login", 0],
    ] as const) {
      const { headers } = await new User(app).get(path, { cookie });
      const cleared = (headers["set-cookie"] ?? []).filter((text) =>
        /^appSession\.[01]=;.*Expires=Thu, 01 Jan 1970/.test(text),
      );
      assert.equal(cleared.length, count, path);
    }
  },
};

const stores: Scenarios = {
  ...Object.fromEntries(
    Object.keys(stylesOf(async () => {})).map((style) => [
      `a store's functions: ${style}`,
      async (start: Start) =>
        assertWorks(await start({ style: style as Style })),
    ]),
  ),

  async "a store of files, half of which may be there"(start) {
    const { app, alice, copy } = await withAlice(start, { style: "files" });
    const { entries } = app.memory;
    const id = copy.replace(/.*=/, "");
    const file = String(entries.get(id));
    entries.set(id, file.slice(0, -1));
    assert.equal(await alice.whoami(), null);
    entries.set(id, file);
    assert.equal(await alice.whoami(), "alice");
  },

  async "what is over meanwhile stays over"(start) {
    for (const end of [
      ({ entries }: Memory) => entries.clear(),
      () => travel(25 * 60 * 60 * 1000),
    ]) {
      const { app, alice } = await withAlice(start);
      app.memory.keepsExpired = true;
      const received = await alice.inFlight("received");
      const requests = [received, await alice.inFlight("sent")];
      await end(app.memory);
      const before = [...app.memory.entries];
      for (const request of requests)
        assert.equal(await arrive(request), "untouched");
      assert.deepEqual([...app.memory.entries], before);
    }
  },

  async "an update that ignores its condition: an error says so"(start) {
    const memory = new Memory();
    const app = await start({ memory, options: { update: memory.set } });
    const browser = new User(app);
    // The first page after the login writes for the first time.
    await assert.rejects(browser.logIn("alice"), /answered with 500/);
    const entries = memory.entries.size;
    const answer = await browser.fill("lost");
    assert.equal(answer.status, 500);
    assert.match(answer.body, /written a session that was not .* SET … XX/);
    assert.equal(memory.entries.size, entries);
    assert.equal(await browser.whoami(), "alice");
  },
};

/** Alice logs out on one device, or at the provider. Who is logged in on the other? */
async function otherDevice(app: MadeApp): Promise<string | null> {
  const [one, other] = [await User.loggedIn(app), await User.loggedIn(app)];
  const bob = await User.loggedIn(app, "bob");
  const received = await other.inFlight("received");
  const sent = await other.inFlight("sent");
  await one.logOut();
  const user = await other.whoami();
  assert.equal(await bob.whoami(), "bob");
  if (user) return user;
  // The app has a session object all the same, and what is late begins nothing.
  assert.equal(await (await other.fork()).basket(), null);
  assert.equal(await arrive(sent), "untouched");
  await arrive(received);
  assert.equal(await other.whoami(), null);
  await other.open("/");
  await other.open("/login");
  assert.equal(await other.whoami(), "alice");
  return user;
}

const backChannel: Scenarios = {
  async "with a store for it, or with hooks of the app's own"(start) {
    const store = new Memory().asStore("promise");
    const out = new Set<unknown>();
    const onLogoutToken = ({ sub }: { sub: string }) => void out.add(sub);
    const isLoggedOut = (req: Request) => out.has(req.oidc.user?.sub);
    const onLogin = (req: Request) => void out.delete(req.oidc.user?.sub);
    for (const [hooks, user] of [
      [{ store }, null],
      [{ onLogoutToken, isLoggedOut, onLogin }, null],
      [{ onLogoutToken, isLoggedOut: false, onLogin: false }, "alice"],
    ]) {
      const backchannelLogout = hooks as never;
      const app = await start({ config: { backchannelLogout } });
      assert.equal(await otherDevice(app), user);
      assert.equal(out.has("alice"), Boolean(user));
    }
  },
};

const backChannelInStore: Scenarios = {
  async "with the store that has the sessions"(start) {
    const app = await start({ config: { backchannelLogout: true } });
    assert.equal(await otherDevice(app), null);
    // The provider may name the session alone, and not the user.
    const bob = await User.loggedIn(app, "bob");
    const { entries } = app.memory;
    const session = entries.get((await bob.cookies()).replace(/.*=/, ""));
    const [, claims = ""] = JSON.parse(String(session)).data.id_token.split(
      ".",
    );
    const { sid } = JSON.parse(`${Buffer.from(claims, "base64url")}`);
    entries.set(`${app.issuer}|${sid}`, JSON.stringify({ cookie: {} }));
    assert.equal(await bob.whoami(), null);
  },
};

/** Where an `update` makes no difference. */
const BOTH = ["store", "cookies"] as const;

export const FITTING: Section[] = [
  ["an app that has", BOTH, apps],
  ["settings", BOTH, settings],
  ["a Cookie header", ["store"], cookieHeaders],
  ["stores", ["store"], stores],
  ["back-channel logout", BOTH, backChannel],
  ["back-channel logout", ["store", "store and update"], backChannelInStore],
];
