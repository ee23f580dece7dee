import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ROOT } from "../cli/root.ts";
import { callBack, copyRepository, run, start } from "../cli/testing.ts";
import { benchChart, benchChartRows } from "../publish/bench-chart.ts";
import {
  BARE,
  BASE,
  benchReport,
  compare,
  coresElsewhere,
  type Figures,
  formatSamples,
  MEASURES,
  parseSamples,
  QUIET,
  readBench,
  type Sample,
  titleOf,
} from "../publish/bench-data.ts";
import { spread } from "../publish/quantile.ts";
import { findRedis } from "../servers/redis-server.ts";
import { needsRedis, usesRedis } from "../servers/snippet-files.ts";
import { readObserved } from "../verify/observed.ts";
import { VERDICTS } from "../verify/verdicts.ts";
import { contestants, shuffler } from "./bench-run.ts";
import { coresIn } from "./cores.ts";

/** A snippet that keeps sessions in its process, or in Redis. */
const TWICE = "broken-check-then-set";

/** As short as a run can be. */
const SHORT = ["--rounds", "1", "--seconds", "0.2", "--sessions", "20"];

const FIGURES = {
  requestsPerSecond: 1000,
  p50Ms: 8,
  p99Ms: 20,
  bytesPerResponse: 1600,
  cpuMicroseconds: 500,
  residentMegabytes: 150,
};

/** A made-up round. */
const sample = (
  server: string,
  round: number,
  requestsPerSecond: number,
): Sample => ({
  ...{ server, store: "process", round },
  ...{ ...FIGURES, requestsPerSecond, coresElsewhere: 0 },
});

describe("npm run bench", () => {
  test("measures the server without auth(), broken and what it is told", async (t) => {
    const words = [...SHORT, "--seed", "7", "--json", TWICE];
    const { code, stdout, stderr } = await run(t, "bench", ...words);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^(The machine was busy\. .*\n)?$/);
    const { samples, compared, cores, ...how } = JSON.parse(stdout);
    assert.deepEqual(how, { seed: 7, rounds: 1, seconds: 0.2, sessions: 20 });
    assert.match(cores, /^(servers on core \d+, all else on |not pinned)/);
    const servers = [BARE, BASE, TWICE];
    if (findRedis()) servers.push(`${TWICE}, Redis`);
    assert.deepEqual(samples.map(titleOf), servers);
    assert.deepEqual(compared.map(titleOf), servers);
    for (const one of samples) {
      assert.equal(one.round, 1);
      for (const { name } of MEASURES) assert.ok(one[name] > 0, name);
      assert.ok(one.coresElsewhere >= 0);
    }
    for (const { name } of MEASURES) {
      const { median, least, most } = compared[1].ratios[name];
      assert.deepEqual([median, least, most], [1, 1, 1]);
    }
    // Without auth() nothing sets a cookie, and a store sets a short one.
    const [none, all, some] = samples.map(
      (one: Sample) => one.bytesPerResponse,
    );
    assert.ok(none < some && some < all);
  });

  for (const [what, answer] of [
    ["body", '{ recordedBy: "mallory" }'],
    ["status", '{ recordedBy: "alice" }'],
  ] as const) {
    test(`fails on a wrong ${what}, and names who gave it`, async (t) => {
      const { folder, edit } = copyRepository(t);
      edit(
        "snippets/fix-read-only-route.ts",
        'app.post("/update", express.json(), record);',
        `let count = 0;
app.post("/update", express.json(), (req, res, next) => {
  count += 1;
  if (count !== 30) return record(req, res, next);
  return res.status(${what === "status" ? 201 : 200}).json(${answer});
});`,
      );
      const from = ["--from", join(folder, "snippets"), "fix-read-only-route"];
      const { code, stdout, stderr } = await run(t, "bench", ...SHORT, ...from);
      assert.equal(code, 1);
      assert.equal(stdout, "");
      assert.match(
        stderr,
        what === "status"
          ? /^fix-read-only-route: POST \/update was answered with 201\./
          : /^fix-read-only-route: POST \/update was answered with {"recordedBy":"mallory"}, and not {"recordedBy":"alice"}\./,
      );
      assert.doesNotMatch(stderr, /^ +at /m);
    });
  }

  for (const [signal, exitCode] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGKILL", null],
  ] as const) {
    test(`leaves no process behind after ${signal}`, async (t) => {
      const { folder, write } = copyRepository(t);
      const { called } = await callBack(t, (code) =>
        write("snippets/broken.ts", code),
      );
      const words = ["--from", join(folder, "snippets"), "broken"];
      const bench = start(t, join(ROOT, "scripts/bench.ts"), words);
      const gone = await called;
      bench.kill(signal);
      await gone();
      // The load generator has the same standard error, so that is open for as long as it lives.
      assert.equal((await bench.ended).code, exitCode);
    });
  }

  test("explains itself, and what it does not understand", async (t) => {
    const help = await run(t, "bench", "--help");
    assert.equal(help.code, 0);
    assert.match(help.stdout, /^Usage: npm run bench/);
    for (const line of help.stdout.split("\n")) assert.ok(line.length <= 80);
    for (const [words, complaint] of [
      [["fix-everything"], /^bench: there is no snippet fix-everything; /],
      [["--rounds", "0"], /^bench: --rounds takes a whole number from 1 up$/m],
      [["--seconds", "0.1"], /^bench: --seconds takes a number from 0.2 up$/m],
      [["--sessions", "x"], /^bench: --sessions takes a whole number from 0 /],
      [["--from", "nowhere"], /^bench: there is no folder nowhere$/m],
      [["--write", "broken"], /^bench: --write takes all snippets, so name /],
      [["--loud"], /--help/],
    ] as const) {
      const { code, stderr } = await run(t, "bench", ...words);
      assert.equal(code, 2, words.join(" "));
      assert.match(stderr, complaint);
    }
  });
});

describe("the figures of a bench", () => {
  test("are compared round by round, with the median and the range", () => {
    const samples = [
      ...[sample(BASE, 1, 1000), sample(BASE, 2, 500), sample(BASE, 3, 800)],
      // The machine was slow in the second round.
      ...[sample("x", 1, 2000), sample("x", 2, 1500), sample("x", 3, 800)],
    ];
    const [base, other] = compare(samples);
    assert.deepEqual(base?.ratios.requestsPerSecond, spread([1]));
    assert.deepEqual(other?.ratios.requestsPerSecond, {
      ...{ median: 2, least: 1, most: 3 },
    });
    assert.deepEqual(spread([4, 1, 3, 2]), { median: 2.5, least: 1, most: 4 });
    assert.throws(() => compare([sample("x", 1, 1)]), /round 1 has no broken/);
  });

  test("come in an order that is shuffled anew in each round", () => {
    const things = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    const rounds = (seed: number) => {
      const shuffle = shuffler(seed);
      return [shuffle(things), shuffle(things), shuffle(things)];
    };
    const [one, other] = rounds(1);
    for (const round of rounds(1)) {
      assert.deepEqual(
        [...round].sort((a, b) => a - b),
        things,
      );
    }
    assert.notDeepEqual(one, other);
    assert.deepEqual(rounds(1), rounds(1));
    assert.notDeepEqual(rounds(1), rounds(2));
  });

  test("are of each snippet, and of those that use Redis twice", () => {
    const all = contestants(Object.keys(VERDICTS), true);
    assert.equal(
      all.length,
      1 +
        Object.keys(VERDICTS).filter((name) => !needsRedis(name)).length +
        Object.keys(VERDICTS).filter((name) => usesRedis(name)).length,
    );
    assert.deepEqual(all.slice(0, 2).map(titleOf), [BARE, BASE]);
    assert.deepEqual(contestants(["fix-store"], false).map(titleOf), [
      ...[BARE, BASE, "fix-store"],
    ]);
  });

  test("are the same when they are read from what was written", () => {
    const samples = readBench(ROOT);
    assert.deepEqual(parseSamples(formatSamples(samples)), samples);
    const file = readFileSync(join(ROOT, "assets/bench.csv"), "utf8");
    assert.equal(formatSamples(samples), file);
  });

  test("fit a terminal", () => {
    for (const line of benchReport(readBench(ROOT)).split("\n")) {
      assert.ok(line.length <= 80, line);
    }
  });
});

test("the cores of a machine are read as taskset tells them", () => {
  assert.deepEqual(
    coresIn("pid 7's current affinity list: 0-2,5\n"),
    [0, 1, 2, 5],
  );
});

describe("the measurement in assets/bench.csv", () => {
  const samples = readBench(ROOT);
  const observed = readObserved(ROOT);
  const compared = compare(samples);
  const median = (title: string, name: keyof Figures) => {
    const found = compared.find((one) => titleOf(one) === title);
    assert.ok(found, title);
    return found.ratios[name].median;
  };

  test("was taken on a machine with nothing else to do", () => {
    const cores = coresElsewhere(samples);
    assert.ok(cores <= QUIET, `other programs took ${cores} cores`);
  });

  test("has five rounds or more of every server", () => {
    for (const one of contestants(Object.keys(VERDICTS), true)) {
      const rounds = samples
        .filter((sample) => titleOf(sample) === titleOf(one))
        .map(({ round }) => round);
      assert.ok(rounds.length >= 5, titleOf(one));
      assert.deepEqual(
        rounds,
        rounds.map((_, at) => at + 1),
      );
    }
  });

  test("is drawn in full, and told in words", () => {
    const rows = benchChartRows(samples, observed);
    assert.deepEqual(
      rows.map(({ server }) => server).sort(),
      [BARE, ...Object.keys(VERDICTS)].sort(),
    );
    const chart = benchChart(samples, observed);
    assert.match(chart, /^<svg role="img" width="\d+" height="\d+" /);
    const told = chart.match(/<desc>(.*)<\/desc>/)?.[1] ?? "";
    assert.match(told, /broken: protects nothing; 1\.00 times the requests\./);
    assert.match(
      told,
      /fix-complete: protects browser, other routes, copied cookie, next user; /,
    );
    assert.equal(
      told.match(/ times the requests on Redis/g)?.length,
      Object.keys(VERDICTS).filter((name) => usesRedis(name)).length,
    );
    // The same measurement makes the same picture, so that a stale one can be told.
    assert.equal(benchChart(samples, observed), chart);
    const slower = samples.map((one) =>
      one.server === "fix-store" ? { ...one, requestsPerSecond: 1 } : one,
    );
    assert.notEqual(benchChart(slower, observed), chart);
  });

  // The sentences are in the second post, under "What it costs to run".
  test("is as the post says", () => {
    const fast = [BARE, "fix-ordering"];
    const requests = (title: string) => median(title, "requestsPerSecond");
    const least = Math.min(...fast.map(requests));
    assert.ok(least > 2);
    for (const title of compared.map(titleOf)) {
      const isNear = requests(title) > least * 0.85;
      assert.equal(isNear, fast.includes(title), title);
    }
    const cpu = (title: string) => median(title, "cpuMicroseconds");
    assert.ok(cpu("fix-ordering") < cpu(BARE) * 1.2);
    assert.ok(Math.abs(cpu("fix-navigations-only") - 1) < 0.2);
    assert.ok(cpu("fix-complete") < 0.95);
    assert.ok(median("fix-complete", "residentMegabytes") > 1.5);
    const protects = benchChartRows(samples, observed).map(
      ({ protects = {} }) => Object.values(protects).filter(Boolean).length,
    );
    assert.deepEqual(
      [...protects].sort((one, other) => one - other),
      protects,
    );
    assert.equal(protects.at(-1), 4);
  });
});
