import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ROOT } from "../../cli/root.ts";
import { skipUnless } from "../../cli/testing.ts";
import { findRedis, HOW_TO_INSTALL_REDIS } from "../../servers/redis-server.ts";
import {
  FOR_HISTORIES,
  startSnippet,
  startTogether,
  withSnippet,
  withTogether,
} from "../../servers/snippet.ts";
import { needsRedis } from "../../servers/snippet-files.ts";
import { readHistories } from "../observed.ts";
import { historiesText } from "./histories-table.ts";
import { type History, makeHistories, shrink } from "./history.ts";
import { exampleOf, historyLines } from "./history-lines.ts";
import { type Playable, playHistory } from "./play-history.ts";
import { readExpected, SEED, unexpected } from "./run-histories.ts";
import { type HistoriesReport, tryHistories } from "./try-histories.ts";

const skip = skipUnless("Redis", Boolean(findRedis()), HOW_TO_INSTALL_REDIS);

const never = new AbortController().signal;
const fileOf = (name: string) => join(ROOT, "snippets", `${name}.ts`);
const withNamed = <Result>(
  name: string,
  work: (snippet: Playable) => Promise<Result>,
) => {
  const starting = startSnippet(fileOf(name), never, {}, FOR_HISTORIES);
  return withSnippet(starting, work);
};

describe("histories", () => {
  test("are the same from one seed, however many are made", () => {
    assert.deepEqual(makeHistories(5, 1), makeHistories(9, 1).slice(0, 5));
    assert.notDeepEqual(makeHistories(5, 1), makeHistories(5, 2));
  });

  test("are shrunk to the steps that matter", async () => {
    const [history] = makeHistories(1, 1) as [History];
    const ends = [history.steps.at(0), history.steps.at(-1)];
    const { steps } = await shrink(history, async (part) =>
      ends.every((end) =>
        part.steps.some(({ flight }) => flight === end?.flight),
      ),
    );
    assert.equal(steps.length, 2);
  });
});

/** How many histories of a snippet are played again. */
const REPLAYED = 50;

describe("what assets/histories.json says is seen again", () => {
  const all = readHistories(ROOT);
  const replay = async (name: string, count: number, snippet: Playable) => {
    const { seed, broken: seen } = all[name] as HistoriesReport;
    const { broken } = await tryHistories(snippet, {
      ...{ count, seed, isShrinking: false, cancel: never },
      progress: () => {},
    });
    const expected = Object.entries(seen).flatMap(([rule, places]) => {
      const some = places.filter((place) => place < count);
      return some.length > 0 ? [[rule, some] as const] : [];
    });
    assert.deepEqual(broken, Object.fromEntries(expected));
  };

  test("of fix-complete", () =>
    withNamed("fix-complete", (snippet) =>
      replay("fix-complete", REPLAYED, snippet),
    ));

  // One of them needs a Redis. The others are in one process.
  test("of all others", { skip }, async () => {
    const others = Object.keys(all).filter(
      (name) => !["fix-complete", "broken"].includes(name),
    );
    for (const name of others.filter((name) => needsRedis(name)))
      await withNamed(name, (snippet) => replay(name, REPLAYED, snippet));
    const alone = others.filter((name) => !needsRedis(name));
    const files = alone.map(fileOf);
    const starting = startTogether(files, never, {}, FOR_HISTORIES);
    await withTogether(starting, async (snippets) => {
      for (const snippet of snippets)
        await replay(snippet.name, REPLAYED, snippet);
    });
  });

  test("of broken, and one that is told", async () => {
    await withNamed("broken", async (snippet) => {
      await replay("broken", REPLAYED, snippet);
      const told = await playHistory(snippet, LATE_BASKET, {
        until: "ended is ended",
      });
      assert.deepEqual(historyLines(exampleOf(told, "ended is ended")), [
        "1 browser 1: alice logs in      session cookie set",
        "2 browser 1: POST /basket sent, received  with the session cookie",
        "3 browser 1: logout             session cookie cleared",
        "4 browser 2: 13 hours pass",
        "2 browser 1: POST /basket answered, stored  as alice with basket 2, session",
        "                                cookie set",
        "5 browser 1: GET /look sent, answered  with the session cookie, as alice with",
        "                                basket 2",
        "→ alice is in, whose session has ended",
      ]);
    });
  });
});

/** Alice fills her basket, and the answer comes after her logout and half a day. */
const LATE_BASKET: History = {
  flights: [
    { browser: 1, deed: "alice logs in" },
    { browser: 1, deed: "POST /basket" },
    { browser: 1, deed: "logout" },
    { browser: 2, deed: "13 hours pass" },
  ],
  steps: [
    { flight: 0, to: "stored" },
    { flight: 1, to: "received" },
    { flight: 2, to: "stored" },
    { flight: 3, to: "stored" },
    { flight: 1, to: "stored" },
  ],
};

test("what is told of histories fits 80 columns", () => {
  const rows = Object.entries(readHistories(ROOT)).map(([name, report]) => ({
    ...{ name, report },
    expected: undefined,
  }));
  for (const line of historiesText(rows).split("\n")) {
    assert.ok(line.length <= 80, line);
  }
});

describe("what a snippet's header expects", () => {
  const report = { seed: SEED, excused: {}, examples: {} };
  const row = (count: number, ...broken: string[]) => ({
    name: "mine",
    expected: readExpected("mine", "// Histories: breaks nobody else.\n"),
    report: {
      ...{ ...report, count },
      broken: Object.fromEntries(broken.map((rule) => [rule, [0]])),
    },
  });

  test("is held to what was seen, in both directions", () => {
    assert.deepEqual(unexpected(row(1000, "nobody else")), []);
    assert.deepEqual(unexpected(row(10)), []);
    assert.deepEqual(unexpected(row(1000)), [
      "mine was expected to break “nobody else”",
    ]);
    const ofAnother = row(1000);
    ofAnother.report.seed = SEED + 1;
    assert.deepEqual(unexpected(ofAnother), []);
    assert.deepEqual(unexpected(row(10, "as before")), [
      "mine breaks “as before” (10 histories of seed 5)",
    ]);
  });

  test("may be nothing, or not there, but no rule that there is not", () => {
    const read = (told: string) => readExpected("mine", `// ${told}\n`);
    assert.deepEqual(read("Histories: breaks nothing."), []);
    assert.equal(read("No more."), undefined);
    assert.throws(() => read("Histories: breaks it."), /no rule “it”/);
  });
});
