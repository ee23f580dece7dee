import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { ROOT } from "../base/root.ts";
import { copyRepository, skipUnless, start } from "../base/testing.ts";
import { KINDS } from "../bed/app.ts";
import { whoHas } from "../bed/browser.ts";
import { effectOf } from "../bed/held-request.ts";
import {
  findRedis,
  HOW_TO_INSTALL_REDIS,
  ON_DISK,
  type RedisServer,
  startRedis,
} from "../bed/redis.ts";
import type { Command } from "../bed/store.ts";
import { ALL, comeBefore } from "./bad-day.ts";
import { User } from "./users.ts";

// What the drop-in, and the lessons, do when their Redis does not do what it should: a real server, and
// an app in a process of its own.

const skip = skipUnless("Redis", Boolean(findRedis()), HOW_TO_INSTALL_REDIS);
const ADDRESS = /http:\/\/localhost:\d+/;
const FORBID = "ACL SETUSER default -get -exists";
const ALLOW = "ACL SETUSER default +get +exists";
const REPLICAS = "CONFIG SET min-replicas-to-write";

async function redisFor(t: TestContext, settings = ON_DISK) {
  const redis = await startRedis(settings);
  t.after(() => redis.stop());
  return redis;
}

const READS: Command[] = ["get", "has"];
const WRITES: Command[] = ["set", "update", "add"];

/** What a Redis refuses on a bad day; how that begins, in steps, and how it ends. */
const DAYS: [what: string, refuses: Command[], begin: string, end?: string][] =
  [
    ["is dead", ALL, "kill", "restart"],
    ["does not answer", ALL, "pause", "resume"],
    ["refuses reads", READS, FORBID, ALLOW],
    [
      "refuses writes",
      [...WRITES, "destroy"],
      `${REPLICAS} 1`,
      `${REPLICAS} 0`,
    ],
    ["is full", WRITES, "CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"],
    ["has restarted, with all that it had", [], "kill, restart"],
    ["has restarted, empty", [], "FLUSHALL, kill, restart"],
  ];

/** Does something with a Redis, or sends it a command. */
async function act(redis: RedisServer, steps = ""): Promise<void> {
  for (const step of steps.split(", ").filter(Boolean)) {
    const isSignal = /^(kill|restart|pause|resume)$/.test(step);
    if (isSignal) await redis[step as "kill"]();
    else await redis.command(...step.split(" "));
  }
}

describe("a bad day of Redis", { skip, concurrency: 2 }, () => {
  for (const [at, kind] of [...KINDS, KINDS[0]].entries()) {
    const express = at < KINDS.length ? "5" : "4";
    test(`with ${kind}, on Express ${express}`, async (t) => {
      const redis = await redisFor(t);
      const file = join(ROOT, "scripts", "drop-in", "bad-days-app.ts");
      const settings = { KIND: kind, EXPRESS: express, REDIS_URL: redis.url };
      const child = start(t, file, [], settings);
      const [baseURL] = await child.printed(ADDRESS);
      let connections = "Redis is there[^]*";
      for (const [at, [what, refuses, begin, end]] of DAYS.entries()) {
        await t.test(`Redis ${what}`, async () => {
          const status = at % 2 ? 503 : 500;
          const people = await comeBefore(kind, { baseURL }, status);
          const isBack = async (steps = "") => {
            if (!steps.includes("restart")) return;
            connections += "Redis is there[^]*";
            await child.printed(new RegExp(connections));
          };
          await act(redis, begin);
          await isBack(begin);
          await people.comeDuring(refuses).finally(() => act(redis, end));
          await isBack(end);
          await people.comeAfter(refuses, begin.includes("FLUSHALL"));
        });
      }
      child.kill("SIGTERM");
      const { code, stderr } = await child.ended;
      assert.deepEqual([code, stderr], [0, ""]);
    });
  }
});

const startLesson = (
  t: TestContext,
  name: string,
  url: string | undefined,
  folder = ROOT,
) =>
  start(t, join(folder, "snippets", `${name}.ts`), [], {
    ...{ PORT: "0", UPDATE_MS: "0", IDP_MS: "0", REDIS_URL: url },
  });

/** What a lesson answers while its Redis is gone, and what its user and a copy have afterwards. */
const LESSONS = [
  // The session is still there, for a bearer of the cookie.
  ["fix-store-redis", "5", "500 cleared", "500 cleared", null, "alice"],
  ["fix-deny-list", "5", "500 set", "500 set", "alice", "alice"],
  ["fix-deny-list", "4", "500 set", "500 set", "alice", "alice"],
  ["fix-complete", "5", "503 untouched", "503 untouched", "alice", "alice"],
] as const;

describe("a lesson", { skip, concurrency: 2 }, () => {
  for (const [name, express, logout, page, user, thief] of LESSONS) {
    test(`${name}, on Express ${express}, loses its Redis`, async (t) => {
      const { folder, edit } = copyRepository(t);
      const file = `snippets/${name}.ts`;
      if (express === "4")
        edit(file, 'Request } from "express"', 'Request } from "express-4"');
      const redis = await redisFor(t);
      const child = startLesson(t, name, redis.url, folder);
      const [baseURL] = await child.printed(ADDRESS);
      const alice = await User.loggedIn({ baseURL });
      const copy = await alice.cookies();
      await redis.kill();
      await child.printed(/Redis is gone/);
      for (const [path, expected] of [
        ["/logout", logout],
        ["/whoami", page],
      ] as const) {
        const answer = await alice.get(path, { cookie: copy });
        const seen = `${answer.status} ${effectOf(answer).effect}`;
        assert.equal(seen, expected, path);
      }
      await redis.restart();
      await child.printed(/Redis is back/);
      assert.equal(await alice.whoami(), user);
      assert.equal(await whoHas({ baseURL }, copy), thief);
      // One read that fails logs the user out for good, in the lesson that says so.
      await act(redis, FORBID);
      await new User({ baseURL }).get("/whoami", { cookie: copy });
      await act(redis, ALLOW);
      assert.equal(await whoHas({ baseURL }, copy), user);
    });
  }

  test("ends with a line when Redis can't be used at the start", async (t) => {
    const password = ["--save", "", "--requirepass", "right"];
    const redis = await redisFor(t, password);
    const secret = redis.url.replace("//", "//:secret@");
    const refuses = async (
      name: string,
      url: string | undefined,
      why: RegExp,
    ) => {
      const { code, stdout, stderr } = await startLesson(t, name, url).ended;
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, why);
      assert.match(stderr, /^.*\n$/);
      assert.doesNotMatch(stderr, /secret/);
    };
    await refuses("fix-store-redis", undefined, /^set REDIS_URL to a Redis/);
    await refuses("fix-store-redis", redis.url, /NOAUTH/);
    await refuses("fix-store-redis", secret, /WRONGPASS/);
    await redis.pause();
    await refuses("fix-deny-list", redis.url, /can't be used \(.*timeout/i);
    await redis.kill();
    await refuses("fix-complete", secret, /can't be used \(ECONNREFUSED\)/);
  });
});
