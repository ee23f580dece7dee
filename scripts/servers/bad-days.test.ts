import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { ROOT } from "../cli/root.ts";
import {
  copyRepository,
  type Running,
  skipUnless,
  start,
} from "../cli/testing.ts";
import { Browser, loggedIn, whoHas } from "../client/browser.ts";
import { effectOf } from "../client/cookie-effect.ts";
import { BODY, Stepwise } from "../client/request-steps.ts";
import {
  findRedis,
  HOW_TO_INSTALL_REDIS,
  ON_DISK,
  type RedisServer,
  startRedis,
} from "./redis-server.ts";
import { startSnippet, startTogether } from "./snippet.ts";
import { snippetNames, usesRedis } from "./snippet-files.ts";

// What the lessons do when their Redis does not: each test breaks a real server, and mends one that it
// shares with others.

const skip = skipUnless("Redis", Boolean(findRedis()), HOW_TO_INSTALL_REDIS);
const options = { skip, concurrency: 2 };

const redisFor = async (t: TestContext, settings?: string[]) => {
  const redis = await startRedis(settings);
  t.after(() => redis.stop());
  return redis;
};

const startOn = (t: TestContext, name: string, url: string | undefined) =>
  start(t, join(ROOT, "snippets", `${name}.ts`), [], {
    PORT: "0",
    UPDATE_MS: "0",
    IDP_MS: "0",
    REDIS_URL: url,
  });

/** Starts a snippet on a Redis of its own. */
async function startWithRedis(
  name: string,
  signal: AbortSignal,
  { folder = ROOT, settings }: { folder?: string; settings?: string[] } = {},
) {
  const redis = await startRedis(settings);
  const file = join(folder, "snippets", `${name}.ts`);
  const snippet = await startSnippet(file, signal, { REDIS_URL: redis.url });
  const stop = async () => {
    await snippet.stop();
    await redis.stop();
  };
  return { redis, snippet, stop };
}

type Started = Awaited<ReturnType<typeof startWithRedis>>;
type Scene = Awaited<ReturnType<typeof withAlice>>;

async function withAlice({ redis, snippet }: Started) {
  const browser = new Browser(snippet);
  await browser.logIn("alice");
  assert.equal(await browser.whoami(), "alice");
  return { redis, snippet, browser };
}

/** The same for one test alone, with alice logged in. */
async function sceneOf(
  t: TestContext,
  name: string,
  options: { folder?: string; settings?: string[] },
): Promise<Scene> {
  const started = await startWithRedis(name, t.signal, options);
  t.after(() => started.stop());
  return withAlice(started);
}

/**
 * The same for all tests of a suite, one after the other: to start a process takes longer than most
 * of what they ask.
 * @returns what each of them begins with: a Redis that is empty but for alice's session
 */
function scenesOf(name: string): () => Promise<Scene> {
  let started: Started;
  before(async () => {
    const { signal } = new AbortController();
    started = await startWithRedis(name, signal, { settings: ON_DISK });
  });
  after(() => started?.stop());
  return async () => {
    await started.redis.command("FLUSHALL");
    return withAlice(started);
  };
}

const get = async (browser: Browser, path: string) =>
  browser.exchange(await browser.compose("navigate", "GET", path));

const update = async (browser: Browser) =>
  browser.exchange(await browser.compose("cors", "POST", "/update", BODY));

/** Takes the cookie that a browser sends now. */
const cookieOf = async (browser: Browser) =>
  String((await browser.compose("cors", "GET", "/whoami")).headers.cookie);

describe("when Redis can't be used at the start", options, () => {
  const refuses = async (running: Running, complaint: RegExp) => {
    const { code, stderr, stdout } = await running.ended;
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, complaint);
    assert.equal(stderr.trim().split("\n").length, 1);
    assert.doesNotMatch(stderr, /secret/);
  };

  test("a snippet says so when nobody is there", async (t) => {
    const redis = await redisFor(t);
    await redis.kill();
    const url = redis.url.replace("//", "//:secret@");
    const place = `127\\.0\\.0\\.1:${redis.port}`;
    await refuses(
      startOn(t, "fix-complete", url),
      new RegExp(`^Redis at ${place} can't be used \\(ECONNREFUSED\\): start`),
    );
  });

  test("one that does not answer is given up", async (t) => {
    const redis = await redisFor(t);
    await redis.pause();
    const complaint = /can't be used \(.*timeout.*\)/i;
    await refuses(startOn(t, "fix-store-redis", redis.url), complaint);
  });

  test("a password that is wrong or missing is told", async (t) => {
    const redis = await redisFor(t, ["--save", "", "--requirepass", "right"]);
    await refuses(startOn(t, "fix-store-redis", redis.url), /NOAUTH/);
    const wrong = redis.url.replace("//", "//:secret@");
    await refuses(startOn(t, "fix-store-redis", wrong), /WRONGPASS/);
  });
});

test("fix-store-redis says so when no Redis is named", async (t) => {
  const { code, stderr } = await startOn(t, "fix-store-redis", undefined).ended;
  assert.equal(code, 1);
  assert.match(stderr, /^set REDIS_URL to a Redis or a Valkey, such as .*\n$/);
});

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

/** Fails unless alice is told that she could not be logged out, and is not sent on to the provider. */
const assertRefused = async (browser: Browser) => {
  const answer = await get(browser, "/logout");
  assert.deepEqual([answer.status, effectOf(answer).effect], [500, "set"]);
  assert.equal(answer.headers.location, undefined);
};

/** What happens when Redis takes no more writes, with fix-deny-list. */
async function refusesWrites({ browser, redis }: Scene) {
  await redis.command("ACL", "SETUSER", "default", "-set");
  await assertRefused(browser);
  assert.equal(await browser.whoami(), "alice");
  await redis.command("ACL", "SETUSER", "default", "+set");
  await browser.logOut();
  assert.equal(await browser.whoami(), null);
}

const SIX_DAYS_MS = 6 * 24 * 60 * 60 * 1000;

/** Logs alice out, and returns her cookie. */
async function loggedOut({ browser, snippet }: Scene) {
  const copy = await cookieOf(browser);
  await browser.logOut();
  assert.equal(await whoHas(snippet, copy), null);
  return copy;
}

describe("on a bad day of Redis", options, () => {
  // What it says of its price, in the comment at its top.
  describe("fix-store-redis", { concurrency: 1 }, () => {
    const scene = scenesOf("fix-store-redis");

    test("logs the user out for good when a read fails once", async () => {
      const { browser, redis } = await scene();
      await redis.command("ACL", "SETUSER", "default", "-get");
      assert.equal(effectOf(await get(browser, "/whoami")).effect, "cleared");
      await redis.command("ACL", "SETUSER", "default", "+get");
      assert.deepEqual(await redis.command("KEYS", "*"), []);
      assert.equal(await browser.whoami(), null);
    });

    test("takes the cookies of requests while Redis is gone", async () => {
      const { browser, redis, snippet } = await scene();
      const copy = await cookieOf(browser);
      const isGone = snippet.printed(/Redis is gone/);
      await redis.kill();
      await isGone;
      const answer = await get(browser, "/whoami");
      assert.deepEqual(
        [answer.status, effectOf(answer).effect],
        [500, "cleared"],
      );
      const isBack = snippet.printed(/Redis is back/);
      await redis.restart();
      await isBack;
      assert.equal(await browser.whoami(), null);
      // The session is still there, for a bearer of the cookie.
      assert.equal(await whoHas(snippet, copy), "alice");
    });

    test("asks for a read and a write a request", async () => {
      const { browser, redis, snippet } = await scene();
      const of = (work: () => Promise<unknown>) => asked(redis, work);
      assert.deepEqual(await of(() => update(browser)), ["GET", "SET XX"]);
      const stranger = new Browser(snippet);
      assert.deepEqual(await of(() => get(stranger, "/")), []);
      const late = new Stepwise(browser, "cors", "POST", "/update", BODY);
      await late.do.sent();
      await late.do.received();
      assert.deepEqual(await of(() => get(browser, "/logout")), ["GET", "DEL"]);
      assert.deepEqual(await of(() => late.do.answered()), ["SET XX"]);
      assert.deepEqual(await redis.command("KEYS", "*"), []);
      const login = await of(() => stranger.logIn("bob"));
      assert.deepEqual(login, ["SET", "GET", "SET XX"]);
    });
  });

  describe("fix-deny-list", { concurrency: 1 }, () => {
    const scene = scenesOf("fix-deny-list");

    test("tells alice that she is not logged out, since Redis is gone", async () => {
      const { browser, redis, snippet } = await scene();
      const isGone = snippet.printed(/Redis is gone/);
      await redis.kill();
      await isGone;
      await assertRefused(browser);
      // Nobody is let in without a look at the list.
      assert.equal((await get(browser, "/whoami")).status, 500);
      const isBack = snippet.printed(/Redis is back/);
      await redis.restart();
      await isBack;
      assert.equal(await browser.whoami(), "alice");
      await browser.logOut();
      assert.equal(await browser.whoami(), null);
    });

    test("tells alice that she is not logged out, since Redis refuses to write", async () =>
      refusesWrites(await scene()));

    test("keeps its entries for a week, and if they are lost lets in the copies that were on it", async () => {
      const alice = await scene();
      const { redis, snippet } = alice;
      const copy = await loggedOut(alice);
      await redis.age(SIX_DAYS_MS);
      assert.equal(await whoHas(snippet, copy), null);
      await redis.command("FLUSHALL");
      assert.equal(await whoHas(snippet, copy), "alice");
    });

    test("asks for one read a request", async () => {
      const { browser, redis } = await scene();
      assert.deepEqual(await asked(redis, () => update(browser)), ["EXISTS"]);
    });
  });

  test("fix-deny-list tells alice on Express 4, too, which sees no rejected promise", async (t) => {
    const { folder, edit } = copyRepository(t);
    edit(
      "snippets/fix-deny-list.ts",
      'Request } from "express";',
      'Request } from "express-4";',
    );
    await refusesWrites(await sceneOf(t, "fix-deny-list", { folder }));
  });

  test("a deny list whose entries live a second lets in copies then", async (t) => {
    const { folder, edit } = copyRepository(t);
    edit("snippets/fix-deny-list.ts", "EX: WEEK_S", "EX: 1");
    const alice = await sceneOf(t, "fix-deny-list", { folder });
    const copy = await loggedOut(alice);
    await alice.redis.age(SIX_DAYS_MS);
    assert.equal(await whoHas(alice.snippet, copy), "alice");
  });

  test("all that need or use Redis can have a cluster", async (t) => {
    const settings = ["--save", "", "--cluster-enabled", "yes"];
    const redis = await redisFor(t, settings);
    await redis.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
    while (
      !/cluster_state:ok/.test(String(await redis.command("CLUSTER", "INFO")))
    );
    const names = snippetNames().filter((name) => usesRedis(name));
    const files = names.map((name) => join(ROOT, "snippets", `${name}.ts`));
    const setting = { REDIS_URL: redis.url };
    const snippets = await startTogether(files, t.signal, setting);
    t.after(() => snippets[0]?.stop());
    for (const snippet of snippets) {
      const browser = await loggedIn(snippet);
      await browser.logOut();
      assert.equal(await browser.whoami(), null, snippet.name);
    }
  });
});

describe("openStore()", { concurrency: 2 }, () => {
  /** A snippet that has its store from support/. */
  const withOpenStore = (t: TestContext) => {
    const { folder, edit } = copyRepository(t);
    const file = "snippets/broken-plain-store.ts";
    edit(file, /new MemoryStore\(.*\)/, "(await openStore()).store");
    edit(file, "MemoryStore,", "openStore,");
    return folder;
  };

  test("is connect-redis, with REDIS_URL", { skip }, async (t) => {
    const folder = withOpenStore(t);
    const name = "broken-plain-store";
    const settings = ON_DISK;
    const scene = await sceneOf(t, name, { folder, settings });
    const { browser, redis, snippet } = scene;
    const cookie = await cookieOf(browser);
    const [key] = (await redis.command("KEYS", "*")) as [string];
    assert.equal(`appSession=${key.replace("sess:", "")}`, cookie);
    // It ends a day after the last request.
    const hours = Number(await redis.command("PTTL", key)) / 3_600_000;
    assert.equal(Math.round(hours), 24);

    const isGone = snippet.printed(/Redis is gone/);
    await redis.kill();
    await isGone;
    const before = performance.now();
    assert.equal((await get(browser, "/whoami")).status, 500);
    assert.ok(performance.now() - before < 2000, "it waited for Redis");
    const isBack = snippet.printed(/Redis is back/);
    await redis.restart();
    await isBack;
    assert.equal(await whoHas(snippet, cookie), "alice");
  });
});
