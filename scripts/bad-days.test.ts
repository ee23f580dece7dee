import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { Browser } from "./lib/browser.ts";
import type { Answer } from "./lib/http.ts";
import { BODY, effectOf, Stepwise, whoHas } from "./lib/race.ts";
import {
  findRedis,
  HOW_TO_INSTALL_REDIS,
  type RedisServer,
  startRedis,
} from "./lib/redis.ts";
import { startRedisProxy } from "./lib/redis-proxy.ts";
import {
  copyRepository,
  ROOT,
  type Running,
  run,
  skipUnless,
  start,
} from "./lib/testing.ts";
import { IN_REDIS } from "./lib/verdicts.ts";

// What the snippets do when their Redis does not: each test breaks a real server of its own.

const skip = skipUnless("Redis", Boolean(findRedis()), HOW_TO_INSTALL_REDIS);
const options = { skip, concurrency: 2 };

/** Those that keep sessions in Redis and claim to hold. */
const STORES = ["fix-store", "fix-complete"];
const FIXES = [...STORES, "fix-deny-list"];

/** Keeps everything on disk before it answers, so that a crash loses nothing. */
const ON_DISK = [
  "--save",
  "",
  "--appendonly",
  "yes",
  "--appendfsync",
  "always",
];

const ADDRESS = /http:\/\/localhost:\d+/;
const STACK = /^ +at /m;

/** A snippet that runs on a Redis of its own, and a browser. */
interface Scene {
  redis: RedisServer;
  snippet: Running & { baseURL: string; now(): number };
  browser: Browser;
}

const redisFor = async (t: TestContext, settings?: string[]) => {
  const redis = await startRedis(settings);
  t.after(() => redis.stop());
  return redis;
};

const startOn = (t: TestContext, name: string, url: string, folder = ROOT) =>
  start(t, join(folder, "snippets", `${name}.ts`), [], {
    PORT: "0",
    UPDATE_MS: "0",
    IDP_MS: "0",
    REDIS_URL: url,
    REDIS_MS: "500",
  });

/** Starts a snippet on a Redis, through a proxy where one is given, and logs alice in. */
async function sceneOf(
  t: TestContext,
  name: string,
  {
    settings,
    folder,
    redis,
    url,
  }: {
    settings?: string[];
    folder?: string;
    redis?: RedisServer;
    url?: string;
  } = {},
): Promise<Scene> {
  const server = redis ?? (await redisFor(t, settings));
  const running = startOn(t, name, url ?? server.url, folder);
  const [baseURL] = await running.printed(ADDRESS);
  const snippet = { ...running, baseURL, now: Date.now };
  const browser = new Browser(snippet);
  await browser.logIn("alice");
  assert.equal(await browser.whoami(), "alice");
  return { redis: server, snippet, browser };
}

/** The same, with a proxy between the snippet and Redis. */
async function sceneWithProxy(t: TestContext, name: string, folder = ROOT) {
  const redis = await redisFor(t);
  const proxy = await startRedisProxy(redis.port);
  t.after(() => proxy.close());
  const scene = await sceneOf(t, name, { redis, url: proxy.url, folder });
  return { ...scene, proxy };
}

const get = async (browser: Browser, path: string) =>
  browser.exchange(await browser.compose("navigate", "GET", path));

const update = async (browser: Browser) =>
  browser.exchange(await browser.compose("cors", "POST", "/update", BODY));

/** Takes the cookie that a browser sends now. */
const cookieOf = async (browser: Browser) =>
  String((await browser.compose("cors", "GET", "/whoami")).headers.cookie);

/** Makes all sessions two hours older, so that a request writes them although it changes nothing. */
async function makeOld(redis: RedisServer): Promise<void> {
  for (const key of (await redis.ask("KEYS", "*session*")) as string[]) {
    const session = JSON.parse(String(await redis.ask("GET", key)));
    session.header.uat -= 2 * 60 * 60;
    await redis.ask("SET", key, JSON.stringify(session), "KEEPTTL");
  }
}

/** Fails unless somebody is told to come back, and keeps the cookie that they have. */
function assertUnavailable(answer: Answer, name: string): void {
  assert.equal(answer.status, 503);
  assert.match(String(answer.headers["retry-after"]), /^\d+$/);
  assert.equal(answer.headers.location, undefined);
  const { effect } = effectOf(answer);
  // A cookie that holds the session itself is set anew on all responses.
  assert.ok(
    effect === "untouched" || (name === "fix-deny-list" && effect === "set"),
  );
}

describe("when Redis can't be used at the start", options, () => {
  const refuses = async (running: Running, complaint: RegExp) => {
    const before = performance.now();
    const { code, stderr, stdout } = await running.ended;
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, complaint);
    assert.equal(stderr.trim().split("\n").length, 1);
    assert.doesNotMatch(stderr, /secret/);
    assert.ok(performance.now() - before < 10_000);
  };

  for (const name of IN_REDIS) {
    test(`${name} says so when nobody is there`, async (t) => {
      const redis = await redisFor(t);
      await redis.kill();
      const url = redis.url.replace("//", "//:secret@");
      const place = `127\\.0\\.0\\.1:${redis.port}`;
      await refuses(
        startOn(t, name, url),
        new RegExp(
          `^Redis at ${place} can't be used \\(ECONNREFUSED\\): start`,
        ),
      );
    });
  }

  test("one that does not answer is given up", async (t) => {
    const redis = await redisFor(t);
    redis.pause();
    const complaint = /can't be used \(no answer within 3000 ms\)/;
    await refuses(startOn(t, "fix-store", redis.url), complaint);
  });

  test("a password that is wrong or missing is told", async (t) => {
    const redis = await redisFor(t, ["--save", "", "--requirepass", "right"]);
    await refuses(startOn(t, "fix-store", redis.url), /NOAUTH/);
    const wrong = redis.url.replace("//", "//:secret@");
    await refuses(startOn(t, "fix-store", wrong), /WRONGPASS/);
  });

  for (const url of ["localhost:6379", "http://secret@localhost", "redis://"]) {
    test(`${url} is no address of a Redis`, (t) =>
      refuses(startOn(t, "fix-store", url), /^REDIS_URL does not work: give /));
  }

  test("one that may forget who logged out gives a warning", async (t) => {
    const redis = await redisFor(t, ["--save", "60 1"]);
    const { snippet } = await sceneOf(t, "fix-store", { redis });
    await snippet.printed(/^! Redis keeps snapshots\./m);
  });
});

describe("when a read fails once", options, () => {
  for (const name of FIXES) {
    test(`nobody loses a session, with ${name}`, async (t) => {
      const scene = await sceneWithProxy(t, name);
      const { browser, proxy, snippet } = scene;
      const before = await cookieOf(browser);
      for (const what of ["cut", "late"]) {
        const held = proxy.hold("GET");
        const answer = get(browser, "/whoami");
        await held.reached;
        if (what === "cut") held.cut();
        assertUnavailable(await answer, name);
        if (what === "late") held.release();
        await snippet.printed(
          new RegExp(`(Redis is back[^]*){${what === "cut" ? 1 : 2}}`),
        );
        assert.equal(await browser.whoami(), "alice");
      }
      const { redis } = scene;
      await redis.ask("ACL", "SETUSER", "default", "-get");
      assertUnavailable(await get(browser, "/whoami"), name);
      await redis.ask("ACL", "SETUSER", "default", "+get");
      assert.equal(await whoHas(snippet, before), "alice");
      assert.doesNotMatch(snippet.output(), STACK);
    });
  }

  test("without the read ahead, fix-store loses it", async (t) => {
    const { folder, edit } = copyRepository(t);
    edit("snippets/fix-store.ts", "app.use(sessions.readAhead);\n", "");
    const { browser, redis } = await sceneOf(t, "fix-store", { folder });
    await redis.ask("ACL", "SETUSER", "default", "-get");
    assert.equal(effectOf(await get(browser, "/whoami")).effect, "cleared");
    assert.deepEqual(await redis.ask("KEYS", "*"), []);
  });
});

describe("when Redis is down while alice logs out", options, () => {
  for (const name of FIXES) {
    test(`she is told so, and still logged in, with ${name}`, async (t) => {
      const scene = await sceneOf(t, name, { settings: ON_DISK });
      const { browser, redis, snippet } = scene;
      await redis.kill();
      await snippet.printed(/Redis is gone/);
      const request = await browser.compose("navigate", "GET", "/logout");
      request.headers.accept = "text/html";
      const answer = await browser.exchange(request);
      assertUnavailable(answer, name);
      assert.match(answer.body, /<h1>You may still be logged in<\/h1>/);
      await redis.restart();
      await snippet.printed(/Redis is back/);
      assert.equal(await browser.whoami(), "alice");
      await browser.logOut();
      assert.equal(await browser.whoami(), null);
      await snippet.printed(/^! GET \/logout: sessions can't be/m);
    });

    test(`the same when only its answer gets lost, with ${name}`, async (t) => {
      const { browser, proxy, snippet } = await sceneWithProxy(t, name);
      const held = proxy.hold(name === "fix-deny-list" ? "SET" : "DEL");
      const answer = get(browser, "/logout");
      await held.reached;
      held.cut();
      assertUnavailable(await answer, name);
      await snippet.printed(/Redis is back/);
      assert.equal(await browser.whoami(), "alice");
    });

    test(`the same when it does not answer, with ${name}`, async (t) => {
      const { browser, redis, snippet } = await sceneOf(t, name);
      redis.pause();
      assertUnavailable(await get(browser, "/logout"), name);
      redis.resume();
      await snippet.printed(/Redis is back/);
      assert.equal(await browser.whoami(), "alice");
      await browser.logOut();
      assert.equal(await browser.whoami(), null);
    });
  }
});

describe("when Redis restarts", options, () => {
  for (const name of FIXES) {
    for (const [what, settings] of [
      ["empty", ["--save", ""]],
      ["with all it had", ON_DISK],
    ] as const) {
      test(`${what}, ${name} brings no session back to life`, async (t) => {
        const scene = await sceneOf(t, name, { settings: [...settings] });
        const { browser, redis, snippet } = scene;
        const gone = new Browser(snippet);
        await gone.logIn("alice");
        const dead = await cookieOf(gone);
        // One request is in flight all the time, and holds the session in its hands.
        const late = new Stepwise(gone, "cors", "POST", "/update", BODY);
        await late.do.sent();
        await late.do.received();
        await gone.logOut();
        const alive = new Stepwise(browser, "cors", "POST", "/update", BODY);
        await alive.do.sent();
        await alive.do.received();

        await redis.kill();
        await snippet.printed(/Redis is gone/);
        await redis.restart();
        await snippet.printed(/Redis is back/);
        await late.do.answered();
        await alive.do.answered();

        assert.equal(await whoHas(snippet, dead), null);
        const user = what === "empty" ? null : "alice";
        assert.equal(await browser.whoami(), user);
        const page = await get(browser, "/");
        assert.equal(page.status, 200);
        assert.match(page.body, user ? /alice is logged in/ : /Nobody is/);
        // The provider still knows her, and asks nothing.
        await browser.open("/login");
        assert.equal(await browser.whoami(), "alice");
        assert.equal(await whoHas(snippet, dead), null);
      });
    }
  }
});

describe("what can't be mended", options, () => {
  test("a snapshot from before the logout brings the session back", async (t) => {
    const settings = ["--save", "3600 1"];
    const { browser, redis, snippet } = await sceneOf(t, "fix-complete", {
      settings,
    });
    const copy = await cookieOf(browser);
    await redis.ask("SAVE");
    await browser.logOut();
    assert.equal(await whoHas(snippet, copy), null);
    await redis.kill();
    await snippet.printed(/Redis is gone/);
    await redis.restart();
    await snippet.printed(/Redis is back/);
    assert.equal(await whoHas(snippet, copy), "alice");
  });
});

describe("when a write is refused", options, () => {
  for (const name of STORES) {
    for (const [what, reason, refuse, mend] of [
      [
        "out of memory",
        /^! POST \/update: .*\(OOM command not allowed/m,
        ["CONFIG", "SET", "maxmemory", "1"],
        ["CONFIG", "SET", "maxmemory", "0"],
      ],
      [
        "on a read-only replica",
        /^! POST \/update: .*\(READONLY /m,
        ["REPLICAOF", "127.0.0.1", "1"],
        ["REPLICAOF", "NO", "ONE"],
      ],
    ] as const) {
      test(`${what}, ${name} leaves all as it was`, async (t) => {
        const { browser, redis, snippet } = await sceneOf(t, name);
        const keys = await redis.ask("KEYS", "*");
        await makeOld(redis);
        await redis.ask(...refuse);
        assertUnavailable(await update(browser), name);
        await snippet.printed(reason);
        // A login ends in the library's callback, and has no session to show.
        const bob = new Browser(snippet);
        await assert.rejects(
          bob.logIn("bob"),
          /\/callback was answered with 503/,
        );
        const { headers } = await bob.compose("cors", "GET", "/whoami");
        assert.doesNotMatch(headers.cookie ?? "", /appSession/);
        assert.deepEqual(await redis.ask("KEYS", "*"), keys);
        await redis.ask(...mend);
        assert.equal(await browser.whoami(), "alice");
        assert.doesNotMatch(snippet.output(), STACK);
      });
    }
  }
});

describe("when there is something else under a session's key", options, () => {
  for (const name of STORES) {
    for (const [what, ...command] of [
      ["no JSON", "SET", "KEY", '{"header":'],
      ["null", "SET", "KEY", "null"],
      ["an array", "SET", "KEY", "[]"],
      ["no data", "SET", "KEY", '{"header":{"exp":9999999999}}'],
      ["a list", "RPUSH", "KEY", "one"],
    ]) {
      test(`${what} is no session, with ${name}`, async (t) => {
        const { browser, redis, snippet } = await sceneOf(t, name);
        const [key] = (await redis.ask("KEYS", "*session*")) as [string];
        await redis.ask("DEL", key);
        await redis.ask(...command.map((word) => word.replace("KEY", key)));
        const cookie = await cookieOf(browser);
        assert.equal(await browser.whoami(), null);
        assert.equal(await whoHas(snippet, cookie), null);
        await browser.open("/login");
        assert.equal(await browser.whoami(), "alice");
        snippet.kill("SIGTERM");
        const { code, stderr } = await snippet.ended;
        assert.deepEqual(
          [code, stderr],
          [0, "! Redis has a session that is none\n"],
        );
      });
    }
  }
});

describe("what is asked of Redis", options, () => {
  /** Watches what Redis is asked while something happens: the commands, in their order. */
  const asked = async (redis: RedisServer, work: () => Promise<unknown>) => {
    const watching = await redis.watch();
    await work();
    const seen = await watching.stop();
    return seen.flatMap(({ words }) => {
      // The others keep a connection, or are this test's own.
      if (!/^(GET|SET|DEL|EXISTS|P?EXPIRE|EVAL|MGET)$/.test(words[0] ?? "")) {
        return [];
      }
      const condition = words.filter((word) => /^(NX|XX)$/.test(word));
      return [words[0], ...condition].join(" ");
    });
  };

  /** Starts a snippet whose /draft changes the session, as a refreshed token does. */
  const sceneWithChange = (t: TestContext, name: string) => {
    const { folder, edit } = copyRepository(t);
    const change =
      "(req: any, _res, next) => { req.appSession.access_token += 1; next(); }";
    edit(`snippets/${name}.ts`, '"/draft", ', `"/draft", ${change}, `);
    return sceneOf(t, name, { folder });
  };
  const draft = async (browser: Browser) =>
    browser.exchange(await browser.compose("cors", "POST", "/draft", BODY));

  /** Reads the one session that there is, and how long it still lives. */
  const stored = async (redis: RedisServer) => {
    const [key = ""] = (await redis.ask("KEYS", "*session*")) as string[];
    const { data } = JSON.parse(String(await redis.ask("GET", key)));
    const left = Number(await redis.ask("PTTL", key)) / HOUR_MS;
    return { token: String(data.access_token), hoursLeft: Math.round(left) };
  };
  const HOUR_MS = 60 * 60 * 1000;

  for (const name of STORES) {
    test(`is one read a request, with ${name}`, async (t) => {
      const { browser, redis, snippet } = await sceneOf(t, name);
      const of = (work: () => Promise<unknown>) => asked(redis, work);
      assert.deepEqual(await of(() => update(browser)), ["GET"]);
      assert.deepEqual(await of(() => get(browser, "/")), ["GET"]);
      const stranger = new Browser(snippet);
      assert.deepEqual(await of(() => get(stranger, "/")), []);
      const logout = await of(() => get(browser, "/logout"));
      assert.deepEqual(logout, ["GET", "DEL"]);
    });

    test(`is one write once in a while, with ${name}`, async (t) => {
      const { browser, redis } = await sceneOf(t, name);
      await redis.age(2 * HOUR_MS);
      await update(browser);
      assert.equal((await stored(redis)).hoursLeft, 22);
      await makeOld(redis);
      const first = await asked(redis, () => update(browser));
      assert.deepEqual(first, ["GET", "SET XX"]);
      assert.equal((await stored(redis)).hoursLeft, 24);
      assert.deepEqual(await asked(redis, () => update(browser)), ["GET"]);
    });

    test(`is one write at once of what has changed, with ${name}`, async (t) => {
      const { browser, redis } = await sceneWithChange(t, name);
      const before = (await stored(redis)).token;
      for (const added of ["1", "11"]) {
        const seen = await asked(redis, () => draft(browser));
        assert.deepEqual(seen, ["GET", "SET XX"]);
        assert.equal((await stored(redis)).token, before + added);
      }
      assert.deepEqual(await asked(redis, () => update(browser)), ["GET"]);
    });

    test(`is no write over a change that came first, with ${name}`, async (t) => {
      const { browser, redis } = await sceneWithChange(t, name);
      const before = (await stored(redis)).token;
      const slow = new Stepwise(browser, "cors", "POST", "/update", BODY);
      await slow.do.sent();
      await slow.do.received();
      await draft(browser);
      await slow.do.answered();
      assert.equal((await stored(redis)).token, `${before}1`);
    });

    test(`brings nobody back with a change or an old session, with ${name}`, async (t) => {
      const { browser, redis, snippet } = await sceneWithChange(t, name);
      const copy = await cookieOf(browser);
      await makeOld(redis);
      const late = ["/draft", "/update"].map(
        (path) => new Stepwise(browser, "cors", "POST", path, BODY),
      );
      for (const one of late) {
        await one.do.sent();
        await one.do.received();
      }
      await get(browser, "/logout");
      const seen = await asked(redis, async () => {
        for (const one of late) await one.do.answered();
      });
      assert.deepEqual(seen, ["SET XX", "SET XX"]);
      assert.deepEqual(await redis.ask("KEYS", "*"), []);
      assert.equal(await whoHas(snippet, copy), null);
    });
  }

  test("is one round trip of two reads, with fix-deny-list", async (t) => {
    const { browser, redis } = await sceneOf(t, "fix-deny-list");
    const seen = await asked(redis, () => update(browser));
    assert.deepEqual(seen.sort(), ["EXISTS", "GET"]);
  });

  for (const name of IN_REDIS) {
    test(`can be asked of a cluster, with ${name}`, async (t) => {
      const settings = ["--save", "", "--cluster-enabled", "yes"];
      const redis = await redisFor(t, settings);
      await redis.ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
      while (
        !/cluster_state:ok/.test(String(await redis.ask("CLUSTER", "INFO")))
      );
      const { browser } = await sceneOf(t, name, { redis });
      await browser.logOut();
      assert.equal(await browser.whoami(), null);
    });
  }
});

describe("the part of it that has to be atomic", options, () => {
  const verifyTwo = (t: TestContext, folder: string, name: string) =>
    run(
      t,
      "verify",
      ...["--processes", "2", "--from", join(folder, "snippets"), name],
    );

  for (const name of STORES) {
    test(`with a plain SET, ${name} fails`, async (t) => {
      const { folder, edit } = copyRepository(t);
      edit(
        "snippets/support/redis.ts",
        'set(id, value, "XX")',
        "set(id, value)",
      );
      const { code, stderr } = await verifyTwo(t, folder, name);
      assert.equal(code, 1);
      assert.match(
        stderr,
        new RegExp(`^${name}: server was expected to be 0`, "m"),
      );
      assert.match(
        stderr,
        new RegExp(
          `^${name}: lateWrite was expected to be null, and is alice`,
          "m",
        ),
      );
    });
  }

  test("a session that is never extended is found", async (t) => {
    const { folder, edit } = copyRepository(t);
    edit("snippets/support/sessions.ts", "ttlMs / 24", "Infinity");
    const { code, stderr } = await verifyTwo(t, folder, "fix-complete");
    assert.equal(code, 1);
    assert.match(stderr, /^fix-complete: rolls was expected to be true, and/m);
    assert.match(stderr, /^fix-complete: lateWrite was expected to be null/m);
  });

  test("broken-check-then-set fails when it has the fix in it", async (t) => {
    const { folder, edit } = copyRepository(t);
    const name = "broken-check-then-set";
    const file = `snippets/${name}.ts`;
    edit(file, "|| (await sessions.has(id))", "");
    edit(
      file,
      "if (mayWrite) await sessions.put(id, session);",
      "await (mayWrite ? sessions.create : sessions.update)(id, session);",
    );
    const { code, stderr } = await verifyTwo(t, folder, name);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^broken-check-then-set: lateWrite was expected to be alice, and is null$/m,
    );
  });

  for (const [what, life, user] of [
    ["a week", "WEEK_S * 1000", null],
    ["a second", "1000", "alice"],
  ] as const) {
    test(`an entry of the deny list that lives ${what}: ${user}`, async (t) => {
      const { folder, edit } = copyRepository(t);
      const file = "snippets/fix-deny-list.ts";
      if (user)
        edit(file, "openDenyList(WEEK_S * 1000)", `openDenyList(${life})`);
      const scene = await sceneOf(t, "fix-deny-list", { folder });
      const { browser, redis, snippet } = scene;
      const copy = await cookieOf(browser);
      await browser.logOut();
      assert.equal(await whoHas(snippet, copy), null);
      await redis.age(6 * 24 * 60 * 60 * 1000);
      assert.equal(await whoHas(snippet, copy), user);
    });
  }
});
