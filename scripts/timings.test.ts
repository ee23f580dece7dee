import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { findBrowser, HOW_TO_INSTALL } from "./lib/installed.ts";
import { compareWithReplay, measureBrowser } from "./lib/measure-verifier.ts";
import { readObserved } from "./lib/observed.ts";
import { logoutAfter, ORDERS } from "./lib/orders.ts";
import { loggedIn, race } from "./lib/race.ts";
import { recorded, replay } from "./lib/replay.ts";
import { startSnippet } from "./lib/snippet.ts";
import {
  callBack,
  copyRepository,
  ROOT,
  run,
  skipUnless,
  start,
} from "./lib/testing.ts";
import { type Part, Timings, timed } from "./lib/timings.ts";
import { timingsTable } from "./lib/timings-table.ts";
import { VERDICTS } from "./lib/verdicts.ts";
import {
  MOST_TIMES,
  orderRows,
  readVerifierCost,
  runRows,
  type VerifierCost,
} from "./lib/verifier-cost.ts";

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

const startRunning = async (t: TestContext, name: string) => {
  const file = join(ROOT, "snippets", `${name}.ts`);
  const snippet = await startSnippet(file, new AbortController().signal);
  t.after(() => snippet.stop());
  return snippet;
};

// What a login, a logout, a request and two questions take, in a browser.
const REQUESTS = 14;

test("an order takes no more than twice the time of its own requests", async (t) => {
  const snippet = await startRunning(t, "fix-complete");
  const { requests, ratio } = await compareWithReplay(snippet, () => {});
  t.diagnostic(`an order takes ${ratio} times as long`);
  assert.equal(requests, REQUESTS);
  assert.ok(ratio <= MOST_TIMES, String(ratio));
});

test("a verifier that waits between its requests is seen to", async (t) => {
  const { folder, edit } = copyRepository(t);
  const wait = "await new Promise((go) => { setTimeout(go, 20) });";
  edit("scripts/lib/race.ts", "const seen =", `${wait} const seen =`);
  const module = join(folder, "scripts/lib/measure-verifier.ts");
  const { compareWithReplay: compare } = await import(module);
  const snippet = await startRunning(t, "fix-complete");
  const { requests, ratio } = await compare(snippet, () => {});
  assert.equal(requests, REQUESTS);
  assert.ok(ratio > MOST_TIMES, String(ratio));
});

test("a replay is a whole login and logout, with the same cookies", async (t) => {
  const snippet = await startRunning(t, "broken");
  const { app, sent } = recorded(snippet);
  await race(app, ORDERS[logoutAfter("received")] ?? []);
  const paths = () => sent.map(({ method, url }) => method + url.pathname);
  const before = paths();
  assert.equal(before.length, REQUESTS);
  const lines = [
    "GET  /callback  session cookie set",
    "POST /update    session cookie set",
    "GET  /logout    session cookie cleared",
  ];
  const printed = lines.map((line) => snippet.printed(new RegExp(`← ${line}`)));
  assert.ok((await replay(sent)) > 0);
  await Promise.all(printed);
  assert.deepEqual(paths(), before);

  // Without the answer to its form, the login leads nowhere.
  const cut = sent.filter(({ url }) => !url.pathname.endsWith("/alice"));
  await assert.rejects(replay(cut), /nothing leads to GET \/auth\//);
});

test("the clock of a provider that was loaded first moves, too", async (t) => {
  const snippet = await startRunning(t, "broken");
  await snippet.travel(48 * 60 * 60 * 1000);
  // An ID token that was made by the old time would have expired.
  assert.equal(await (await loggedIn(snippet)).whoami(), "alice");
});

test("an order takes longer in a real browser, and ends in the same way", {
  skip: skipUnless(
    "chromium",
    Boolean(findBrowser("chromium")),
    HOW_TO_INSTALL.chromium,
  ),
}, async () => {
  const { version, ratio, range } = await measureBrowser(
    findBrowser("chromium") ?? "",
    {
      folder: join(ROOT, "snippets"),
      cancel: new AbortController().signal,
      progress: () => {},
    },
  );
  assert.match(version, /^(Headless)?Chrom/);
  assert.ok(ratio > 1, String(ratio));
  assert.ok(range[0] <= ratio && ratio <= range[1]);
});

test("npm run timings explains itself, and what it does not understand", async (t) => {
  const help = await run(t, "timings", "--help");
  assert.equal(help.code, 0);
  assert.match(help.stdout, /^Usage: npm run timings/);
  for (const line of help.stdout.split("\n")) assert.ok(line.length <= 80);
  for (const [words, complaint] of [
    [["patience"], /there is no part patience; there are replays, runs, brow/],
    [["--write", "runs"], /--write goes with all parts/],
    [["--loud"], /--help/],
  ] as const) {
    const { code, stderr } = await run(t, "timings", ...words);
    assert.equal(code, 2);
    assert.match(stderr, complaint);
    assert.doesNotMatch(stderr, /^ +at /m);
  }
});

test("npm run timings skips what is not there, and then writes nothing", async (t) => {
  const file = join(ROOT, "scripts/timings.ts");
  const nowhere = { CHROMIUM: "/nowhere/chromium" };
  const skipped = await start(t, file, ["browser"], nowhere).ended;
  assert.equal(skipped.code, 0);
  assert.equal(
    skipped.stderr,
    "chromium is missing: apt-get install chromium\n",
  );
  const write = await start(t, file, ["--write"], nowhere).ended;
  assert.equal(write.code, 1);
  assert.equal(write.stderr, skipped.stderr);
});

for (const [signal, exitCode] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  test(`npm run timings leaves no process behind after ${signal}`, async (t) => {
    const { folder, write } = copyRepository(t);
    const { called } = await callBack(t, (code) =>
      write("snippets/broken.ts", code),
    );
    const file = join(folder, "scripts/timings.ts");
    const timings = start(t, file, ["replays"]);
    const gone = await called;
    timings.kill(signal);
    await gone();
    assert.equal((await timings.ended).code, exitCode);
  });
}

test("a snippet that fails is named, in place of its timings", async (t) => {
  const { folder, write } = copyRepository(t);
  write("snippets/broken.ts", 'throw new Error("no such luck");\n');
  const file = join(folder, "scripts/timings.ts");
  const { code, stdout, stderr } = await start(t, file, ["replays"]).ended;
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^broken: it ended, with exit code 1\./);
});

test("what is kept is of all snippets, and within the bound", () => {
  const { replays, runs } = readVerifierCost(ROOT);
  const advice = "run npm run timings -- --write";
  assert.deepEqual(Object.keys(replays), Object.keys(VERDICTS), advice);
  for (const [name, { requests, ratio }] of Object.entries(replays)) {
    assert.equal(requests, REQUESTS, name);
    assert.ok(ratio <= MOST_TIMES, `${name}: ${ratio}`);
  }
  const [one, ...others] = runs;
  assert.equal(one?.ratio, 1);
  for (const { what, ratio } of others) assert.ok(ratio > 1, what);
});

test("the tables of timings have ratios, with as many digits as they deserve", () => {
  const cost: Required<VerifierCost> = {
    replays: {
      one: { requests: 14, ratio: 1.3 },
      two: { requests: 14, ratio: 1.1 },
      three: { requests: 14, ratio: 1.206 },
    },
    runs: [
      { what: "one snippet", orders: 70, requests: 9, ratio: 1, range: [1, 1] },
      { what: "all", orders: 90, requests: 99, ratio: 5, range: [4.5, 10.2] },
    ],
    browser: { version: "Chrome/156", ratio: 18.7, range: [9.5, 30] },
  };
  const [, ...orders] = orderRows(cost);
  assert.deepEqual(
    orders.map((row) => row.slice(2)),
    [
      ["1.21", "1.10 to 1.30"],
      ["19", "9.50 to 30"],
    ],
  );
  const [, ...runs] = runRows(cost.runs);
  assert.deepEqual(
    runs.map((row) => row.slice(3)),
    [
      ["1", ""],
      ["5.00", "4.50 to 10"],
    ],
  );
});
