import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ROOT } from "../cli/root.ts";
import { skipUnless, start } from "../cli/testing.ts";
import { Browser, whoHas } from "../client/browser.ts";
import { effectOf } from "../client/cookie-effect.ts";
import type { Answer } from "../client/http.ts";
import { BODY } from "../client/request-steps.ts";
import {
  findRedis,
  HOW_TO_INSTALL_REDIS,
  ON_DISK,
  type RedisServer,
  startRedis,
} from "./redis-server.ts";

// What the drop-in does when its Redis does not do what it should: a real server, and an app in a
// process of its own.

const skip = skipUnless("Redis", Boolean(findRedis()), HOW_TO_INSTALL_REDIS);

const EXPRESS = { 5: "express", 4: "express-4" };
const MODES = ["store", "update", "cookies"] as const;
type Mode = (typeof MODES)[number];

/** What Redis still does on a bad day. */
type Power = "read" | "write" | "delete";

interface Day {
  can: Power[];
  /** Whether it is a day on Express 4, too: those on which Redis says nothing, or no. */
  isOnExpress4?: boolean;
  /** Redis has forgotten all it had. */
  isEmptied?: boolean;
  /** Each connection is lost, and made anew. */
  reconnects?: boolean;
  begin(redis: RedisServer): unknown;
  end?(redis: RedisServer): unknown;
}

const ALL: Power[] = ["read", "write", "delete"];
const set = (...words: string[]) => ["CONFIG", "SET", ...words];

const DAYS: Record<string, Day> = {
  "is dead": {
    can: [],
    reconnects: true,
    begin: (redis) => redis.kill(),
    end: (redis) => redis.restart(),
  },
  "does not answer": {
    can: [],
    isOnExpress4: true,
    begin: (redis) => redis.pause(),
    end: (redis) => redis.resume(),
  },
  "refuses reads": {
    isOnExpress4: true,
    can: ["write", "delete"],
    begin: (redis) =>
      redis.command("ACL", "SETUSER", "default", "-get", "-exists"),
    end: (redis) =>
      redis.command("ACL", "SETUSER", "default", "+get", "+exists"),
  },
  "refuses writes": {
    isOnExpress4: true,
    can: ["read"],
    begin: (redis) => redis.command(...set("min-replicas-to-write", "1")),
    end: (redis) => redis.command(...set("min-replicas-to-write", "0")),
  },
  "is full": {
    can: ["read", "delete"],
    begin: (redis) => redis.command(...set("maxmemory", "1")),
    end: (redis) => redis.command(...set("maxmemory", "0")),
  },
  "was full, and has thrown all away": {
    can: ALL,
    isEmptied: true,
    async begin(redis) {
      const policy = "maxmemory-policy";
      await redis.command(...set("maxmemory", "1", policy, "allkeys-random"));
      while ((await redis.command("DBSIZE")) !== 0);
      await redis.command(...set("maxmemory", "0", policy, "noeviction"));
    },
  },
  "has restarted, with all that it had": {
    can: ALL,
    reconnects: true,
    async begin(redis) {
      await redis.kill();
      await redis.restart();
    },
  },
  "has restarted, empty": {
    can: ALL,
    isEmptied: true,
    reconnects: true,
    async begin(redis) {
      await redis.command("FLUSHALL");
      await redis.kill();
      await redis.restart();
    },
  },
};

/** The drop-in waits a second for an answer. This is enough on a machine that has much to do. */
const PATIENCE_MS = 15_000;

type Needs = Record<Mode, Power[]>;

const READ: Needs = { store: ["read"], update: ["read"], cookies: ["read"] };
const WRITE: Needs = {
  store: ["read", "write"],
  update: ["read", "write"],
  cookies: ["read"],
};
// With no update, a logout has to leave a mark, and a Redis that is full takes none.
const END: Needs = {
  store: ALL,
  update: ["read", "delete"],
  cookies: ["read", "write"],
};

/** What each request needs of Redis. A page extends its session, which is a write. */
const NEEDS = {
  "GET /whoami": READ,
  "POST /update": READ,
  "GET /": WRITE,
  "POST /change": WRITE,
  "GET /logout": END,
  "POST /leave": END,
};

const HANDLERS = ["", "an error handler that always answers 500"];

describe("a bad day of Redis", { skip, concurrency: 3 }, () => {
  for (const [express, name] of Object.entries(EXPRESS)) {
    // The laboratory has real apps on Express 4, of all kinds, whose store is down for a while.
    for (const mode of express === "4" ? MODES.slice(0, 1) : MODES) {
      test(`with ${mode}, on Express ${express}`, async (t) => {
        const redis = await startRedis(ON_DISK);
        t.after(() => redis.stop());
        const app = start(
          t,
          join(ROOT, "scripts", "servers", "bad-days-app.ts"),
          [],
          {
            MODE: mode,
            NODE_ENV: "test",
            EXPRESS: name,
            REDIS_URL: redis.url,
          },
        );
        const [baseURL] = await app.printed(/http:\/\/localhost:\d+/);
        const visited = { baseURL, now: Date.now };
        let connections = 1;
        for (const [what, day] of Object.entries(DAYS)) {
          if (express === "4" && !day.isOnExpress4) continue;
          await t.test(`Redis ${what}`, async () => {
            const people = await Promise.all(
              HANDLERS.map((handler) => comeBefore(visited, mode, handler)),
            );
            try {
              await day.begin(redis);
              if (day.reconnects && !day.end) await isBack();
              await Promise.all(people.map((each) => each.comeDuring(day)));
            } finally {
              await day.end?.(redis);
              if (day.reconnects && day.end) await isBack();
            }
            await Promise.all(people.map((each) => each.comeAfter(day)));
          });
        }
        app.kill("SIGTERM");
        const { code, stderr } = await app.ended;
        assert.deepEqual([code, stderr], [0, ""]);

        async function isBack() {
          connections += 1;
          await app.printed(new RegExp(`(Redis is there[^]*){${connections}}`));
        }
      });
    }
  }
});

/** Those who are there before a bad day, what they do on it, and what they find after it. */
async function comeBefore(
  visited: { baseURL: string; now(): number },
  mode: Mode,
  handler: string,
) {
  const compose = async (browser: Browser, what: string) => {
    const [method, path] = what.split(" ") as ["GET" | "POST", string];
    const isPage = method === "GET" && path !== "/whoami";
    const request = await browser.compose(
      isPage ? "navigate" : "cors",
      method,
      path,
      method === "POST" ? BODY : undefined,
    );
    if (handler) request.headers["always-500"] = "yes";
    return request;
  };
  const exchange = async (browser: Browser, what: string) =>
    browser.exchange(await compose(browser, what));
  /** Sends a request up to its body, and waits until the app has loaded its session. */
  const hold = async (browser: Browser, what: string) => {
    const inFlight = browser.send(await compose(browser, what));
    await inFlight.received;
    return inFlight;
  };
  const loggedIn = async () => {
    const browser = new Browser(visited, 60_000);
    await browser.logIn("alice");
    const { headers } = await browser.compose("cors", "GET", "/whoami");
    return { browser, copy: String(headers.cookie) };
  };

  const stays = await loggedIn();
  const leaves = await loggedIn();
  const leavesLate = await loggedIn();
  const gone = await loggedIn();
  const held = {
    change: await hold(stays.browser, "POST /change"),
    late: await hold(gone.browser, "POST /change"),
    leave: await hold(leavesLate.browser, "POST /leave"),
  };
  assert.equal((await exchange(gone.browser, "GET /logout")).status, 302);

  const newcomer = new Browser(visited, 60_000);
  const stranger = new Browser(visited, 60_000);

  return {
    async comeDuring({ can }: Day) {
      const has = (needs: Power[]) => needs.every((one) => can.includes(one));
      /** Fails unless a request is answered in time, and as it should be. */
      const check = async (
        what: keyof typeof NEEDS,
        answering: Promise<Answer>,
        needs = NEEDS[what][mode],
      ) => {
        const before = performance.now();
        const answer = await answering;
        assert.ok(performance.now() - before < PATIENCE_MS, what);
        if (!has(needs)) assertFailed(answer, handler, what);
        else assert.equal(answer.status, NEEDS[what] === END ? 302 : 200, what);
      };
      await Promise.all([
        check(
          "POST /change",
          held.change.finish(),
          mode === "update" ? ["write"] : WRITE[mode],
        ),
        check("POST /leave", held.leave.finish()),
        // This one may fail or not. It has to bring nobody back.
        held.late.finish(),
        check("GET /logout", exchange(leaves.browser, "GET /logout")),
        ...(["GET /whoami", "POST /update", "GET /"] as const).map((what) =>
          check(what, exchange(stays.browser, what)),
        ),
        exchange(stranger, "GET /whoami").then(({ status, body }) =>
          assert.deepEqual([status, body], [200, '{"user":null}']),
        ),
        newcomer.logIn("bob").then(
          () => assert.ok(has(WRITE[mode])),
          ({ message }) => {
            const place =
              can.includes("write") || mode === "cookies" ? "/" : "/callback";
            assert.match(
              message,
              new RegExp(`GET ${place} was answered with 503`),
            );
          },
        ),
      ]);
    },

    async comeAfter({ can, isEmptied }: Day) {
      const user = isEmptied && mode !== "cookies" ? null : "alice";
      assert.equal(await stays.browser.whoami(), user);
      assert.equal(await whoHas(visited, stays.copy), user);
      // What had ended is as if it had not, when it was written down nowhere else.
      const again = isEmptied && mode === "cookies" ? "alice" : null;
      assert.equal(await whoHas(visited, gone.copy), again);
      const isIn = can.includes("write") || mode === "cookies";
      assert.equal(await newcomer.whoami(), isIn ? "bob" : null);
      for (const { browser, copy } of [leaves, leavesLate]) {
        const left = await browser.whoami();
        if (END[mode].every((one) => can.includes(one)))
          assert.equal(left, null);
        assert.equal(await whoHas(visited, copy), left);
        assert.equal((await exchange(browser, "GET /logout")).status, 302);
        assert.equal(await browser.whoami(), null);
        assert.equal(await whoHas(visited, copy), null);
      }
    },
  };
}

/** Fails unless an answer says that it did not work, and leaves the session alone. */
function assertFailed(answer: Answer, handler: string, what: string): void {
  const { status, headers } = answer;
  assert.equal(status, handler ? 500 : 503, what);
  if (!handler) assert.match(String(headers["retry-after"]), /^\d+$/);
  assert.equal(headers.location, undefined);
  assert.equal(effectOf(answer).effect, "untouched", what);
}
