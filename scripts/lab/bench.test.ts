import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ROOT } from "../cli/root.ts";
import { run } from "../cli/testing.ts";
import {
  BASE,
  compare,
  type Figures,
  medianOf,
  NO_AUTH,
  readBench,
  type Sample,
  titleOf,
} from "../publish/bench-data.ts";
import { readVerdicts } from "../verify/verdicts.ts";
import { contestants, ordersOf } from "./bench-run.ts";

test("npm run bench measures broken and the server without auth()", async (t) => {
  const words = ["--rounds", "1", "--requests", "20", "--seed", "7", "broken"];
  const { code, stdout, stderr } = await run(t, "lab/bench", ...words);
  assert.deepEqual([code, stderr], [0, ""]);
  // Without auth() nothing sets a cookie.
  assert.match(
    stdout,
    /^compared with broken CPU +bytes\nno auth\(\) +\d+\.\d\d 0\.15\nbroken +1\.00 1\.00\n\nMedians of 1 rounds, seed 7\. broken takes \d+ µs for 1676 bytes\.\n$/,
  );
});

describe("the figures of a bench", () => {
  test("are compared round by round, and the median counts", () => {
    const sample = (server: string, round: number, figure: number): Sample => ({
      ...{ server, store: "process", round },
      ...{ cpuMicroseconds: figure, bytesPerResponse: 1600 },
    });
    const samples = [
      ...[sample(BASE, 1, 1000), sample(BASE, 2, 500), sample(BASE, 3, 800)],
      // The machine was slow in the first round.
      ...[sample("x", 1, 2000), sample("x", 2, 1500), sample("x", 3, 800)],
    ];
    assert.deepEqual(
      compare(samples).map(({ ratios }) => ratios),
      [
        { cpuMicroseconds: 1, bytesPerResponse: 1 },
        { cpuMicroseconds: 2, bytesPerResponse: 1 },
      ],
    );
    assert.equal(medianOf([4, 1, 3, 2]), 2.5);
    assert.throws(() => compare([sample("x", 1, 1)]), /round 1 has no broken/);
  });

  test("come in an order that is shuffled anew in each round", () => {
    const things = ["a", "b", "c", "d", "e", "f", "g", "h"];
    const rounds = (seed: number) => ordersOf(things, 3, seed);
    const [one, other] = rounds(1);
    assert.deepEqual(one?.toSorted(), things);
    assert.notDeepEqual(one, other);
    assert.deepEqual(rounds(1), rounds(1));
    assert.notDeepEqual(rounds(1), rounds(2));
  });
});

describe("the measurement in assets/bench.json", () => {
  const samples = readBench(ROOT);
  const compared = compare(samples);

  test("has five rounds or more of every server", () => {
    for (const one of contestants(Object.keys(readVerdicts()), true)) {
      const rounds = samples.filter((each) => titleOf(each) === titleOf(one));
      assert.ok(rounds.length >= 5, titleOf(one));
    }
  });

  // The sentences are in the post “What each fix costs to run”.
  test("is as the post says", () => {
    const ratio = (title: string, name: keyof Figures) =>
      compared.find((one) => titleOf(one) === title)?.ratios[name] ?? 0;
    const cpu = (title: string) => ratio(title, "cpuMicroseconds");
    const least = [NO_AUTH, "fix-ordering"];
    for (const title of compared.map(titleOf)) {
      const isLeast = least.includes(title);
      assert.ok(isLeast ? cpu(title) < 0.5 : cpu(title) > cpu(NO_AUTH) * 1.3);
    }
    assert.ok(cpu("fix-ordering") < cpu(NO_AUTH) * 1.2);
    assert.ok(Math.abs(cpu("fix-navigations-only") - 1) < 0.2);
    assert.ok(ratio("fix-navigations-only", "bytesPerResponse") < 0.2);
    assert.ok(cpu("fix-complete") < 0.9);
  });
});
