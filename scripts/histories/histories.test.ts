import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readResult } from "../base/results.ts";
import { ROOT } from "../base/root.ts";
import { skipUnless } from "../base/testing.ts";
import { findRedis, HOW_TO_INSTALL_REDIS } from "../bed/redis.ts";
import { startTried } from "../verify/run-snippets.ts";
import { needsRedis, SNIPPETS } from "../verify/snippet-files.ts";
import { exampleOf, historyLines } from "./example.ts";
import { historiesText } from "./histories-table.ts";
import { type History, makeHistories } from "./history.ts";
import { playHistory } from "./play-history.ts";
import {
  expectedIn,
  runHistories,
  SEED,
  shortest,
  unexpected,
} from "./run-histories.ts";

const RECORDED = readResult(ROOT, "histories");
const skip = skipUnless("Redis", Boolean(findRedis()), HOW_TO_INSTALL_REDIS);

describe("what assets/histories.json says is seen again", () => {
  const replay = async (names: string[], processes: 1 | 2) => {
    const count = 50;
    const rows = await runHistories(
      names,
      { folder: SNIPPETS, processes, count, seed: SEED, isShrinking: false },
      { cancel: new AbortController().signal, progress: () => {} },
    );
    const seen = rows.map((row) => ("report" in row ? row.report.broken : row));
    const expected = names.map((name) =>
      Object.entries(RECORDED[name]?.broken ?? {}).flatMap(([rule, places]) => {
        const some = places.filter((place) => place < count);
        return some.length > 0 ? [[rule, some]] : [];
      }),
    );
    assert.deepEqual(seen, expected.map(Object.fromEntries));
  };
  const names = Object.keys(RECORDED);
  const inRedis = names.filter((name) => needsRedis(name));
  const others = names.filter((name) => !needsRedis(name));

  test("of those that need no Redis", () => replay(others, 1));

  test("of the others, also with two servers", { skip }, async () => {
    await replay(inRedis, 1);
    await replay([...inRedis, "fix-complete", "fix-complete-cookie"], 2);
  });

  test("of broken, with a shortest history", async () => {
    const options = { folder: SNIPPETS, processes: 1 } as const;
    const broken = await startTried("broken", options);
    const rule = "ended is ended";
    // The one with the fewest steps of those that break the rule.
    const history = makeHistories(87, SEED).at(-1) as History;
    const played = await shortest(history, rule, (part) =>
      playHistory(broken, part, { until: rule }),
    );
    const example = exampleOf(played, rule);
    assert.deepEqual(example, RECORDED.broken?.examples[rule]);
    assert.deepEqual(historyLines(example), [
      "1 alice logs in                 session cookie set",
      "2 POST /token sent              with the session cookie",
      "3 logout                        session cookie cleared",
      "2 POST /token answered          as alice",
      "→ alice is in, whose session has ended",
    ]);
  });
});

test("what is told of histories fits 80 columns", () => {
  const rows = Object.entries(RECORDED).map(([name, report]) => ({
    ...{ name, report, expected: undefined },
  }));
  for (const line of historiesText(rows).split("\n"))
    assert.ok(line.length <= 80, line);
});

test("what a snippet expects is held to what was seen, in both directions", () => {
  const told = (count: number, seed: number, ...broken: string[]) =>
    unexpected({
      name: "mine",
      expected: expectedIn("mine", "Histories: breaks nobody else."),
      report: {
        ...{ count, seed, excused: {}, examples: {} },
        broken: Object.fromEntries(broken.map((rule) => [rule, [0]])),
      },
    });
  assert.deepEqual(told(1000, SEED, "nobody else"), []);
  assert.deepEqual(told(10, SEED), []);
  assert.deepEqual(told(1000, SEED + 1), []);
  assert.deepEqual(told(1000, SEED), [
    "mine was expected to break “nobody else”",
  ]);
  assert.deepEqual(told(10, SEED, "as before"), [
    "mine breaks “as before” (10 histories of seed 5)",
  ]);
  assert.deepEqual(expectedIn("mine", "Histories: breaks nothing."), []);
  assert.equal(expectedIn("mine", "No more."), undefined);
  const wrong = () => expectedIn("mine", "Histories: breaks it.");
  assert.throws(wrong, /no rule “it”/);
});
