import assert from "node:assert/strict";
import { test } from "node:test";
import { type Cost, type Costs, paperRows, readCosts } from "./lib/costs.ts";
import { findRedis, HOW_TO_INSTALL_REDIS } from "./lib/redis.ts";
import { ROOT, run, skipUnless } from "./lib/testing.ts";

const skip = skipUnless("Redis", Boolean(findRedis()), HOW_TO_INSTALL_REDIS);

test("npm run costs measures what the posts say", { skip }, async (t) => {
  const { code, stdout, stderr } = await run(t, "costs", "--json");
  assert.equal(code, 0, stderr);
  const seen: Costs = JSON.parse(stdout);
  const told = readCosts(ROOT);
  assert.deepEqual(Object.keys(seen), Object.keys(told));
  for (const [name, cost] of Object.entries(told)) {
    const now = seen[name] as Cost;
    for (const what of ["sessionBytes", "logoutBytes"] as const) {
      // Versions of Redis differ a little in what they add to a value.
      const difference = Math.abs(now[what] - cost[what]);
      assert.ok(
        difference <= cost[what] / 5,
        `${name}: ${what} is ${now[what]}`,
      );
    }
    const { sessionBytes, logoutBytes } = cost;
    assert.deepEqual({ ...now, sessionBytes, logoutBytes }, cost);
  }
});

test("on paper, ten million sessions are as many times one", () => {
  const cost: Cost = {
    sessionBytes: 1000,
    logoutBytes: 100,
    logoutHours: 10,
    ...{ request: "GET", afterHour: "SET", login: "SET" },
    ...{ logout: "DEL", stranger: "-" },
  };
  const [, row] = paperRows({ one: cost });
  // 10 GB of sessions, and 500,000 logouts an hour for 10 hours with 100 bytes each.
  assert.deepEqual(row, [
    ...["one", "10 million", "5 million", "10.5 GB"],
    "139 a second",
  ]);
});

test("npm run costs explains itself", async (t) => {
  const help = await run(t, "costs", "--help");
  assert.equal(help.code, 0);
  assert.match(help.stdout, /^Usage: npm run costs/);
  const option = await run(t, "costs", "--loud");
  assert.equal(option.code, 2);
  assert.doesNotMatch(option.stderr, /^ +at /m);
});
