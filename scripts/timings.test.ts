import assert from "node:assert/strict";
import { test } from "node:test";
import { readObserved } from "./lib/observed.ts";
import { ROOT, run } from "./lib/testing.ts";
import { type Part, Timings, timed } from "./lib/timings.ts";
import { timingsTable } from "./lib/timings-table.ts";
import { VERDICTS } from "./lib/verdicts.ts";

test("verify --timings tells where the time goes, and the verdicts stay", async (t) => {
  const words = ["--timings", "--json", "broken"];
  const { code, stdout, stderr } = await run(t, "verify", ...words);
  assert.equal(code, 0, stderr);
  const { deep: _, pair: __, ...broken } = readObserved(ROOT).broken ?? {};
  assert.deepEqual(JSON.parse(stdout), { broken });
  const row = /^broken +([\d.]+) +[\d.]+ +(\d+) +(.*)$/m.exec(stderr);
  const [, start, orders, rest = ""] = row ?? [];
  assert.ok(Number(start) > 0, stderr);
  // POST /update and POST /draft, in all orders.
  assert.equal(orders, "70");
  const [order = 0, ...parts] = rest.split(/ +/).map(Number);
  const sum = parts.reduce((one, other) => one + other);
  // Each is rounded to a tenth. What an order has beside its parts is next to nothing.
  assert.ok(Math.abs(order - sum) < 1, stderr);
  const [, requests] = /, (\d+) HTTP requests\./.exec(stderr) ?? [];
  assert.ok(Number(requests) > 70 * 14, stderr);
});

test("verify --timings goes to standard output without --json", async (t) => {
  const plain = await run(t, "verify", "fix-front-end");
  assert.doesNotMatch(plain.stdout + plain.stderr, /HTTP requests/);
  const asked = await run(t, "verify", "--timings", "fix-front-end");
  assert.equal(asked.code, 0, asked.stderr);
  assert.match(asked.stdout, /^fix-front-end .* 2 /m);
  assert.equal(asked.stderr, "");
});

test("the table of timings fits 80 columns, whatever the machine", () => {
  const slow = () => {
    const timings = new Timings();
    timings.requests = 99_999;
    timings.add("all", 99_000);
    timings.add("start", 19_990);
    for (let order = 0; order < 502; order += 1) {
      timings.add("order", 139.9);
      for (const part of ["login", "received", "answered", "stored"] as const)
        timings.add(part, 129.9);
    }
    return timings;
  };
  const all = new Map(Object.keys(VERDICTS).map((name) => [name, slow()]));
  const table = timingsTable(all, 999_000);
  for (const line of table.split("\n")) assert.ok(line.length <= 80, line);
  assert.match(table, /^all of them /m);
});

test("work is timed when somebody asks, even when it fails", async () => {
  const spent = (timings: Timings, part: Part) => timings.of(part);
  assert.equal(await timed(undefined, "login", async () => 1), 1);
  const timings = new Timings();
  assert.deepEqual(spent(timings, "login"), { ms: 0, times: 0 });
  assert.equal(await timed(timings, "login", async () => 2), 2);
  const fails = timed(timings, "login", () => Promise.reject(new Error("no")));
  await assert.rejects(fails, /^Error: no$/);
  const { ms, times } = spent(timings, "login");
  assert.equal(times, 2);
  assert.ok(ms > 0);
});
