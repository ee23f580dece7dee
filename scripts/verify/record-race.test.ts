import assert from "node:assert/strict";
import { test } from "node:test";
import { readResult } from "../base/results.ts";
import { ROOT } from "../base/root.ts";
import { logoutAfter, ORDERS } from "./orders.ts";
import { beginningsOf, keyOf, lookAfter } from "./record-race.ts";
import { startTried } from "./run-snippets.ts";
import { SNIPPETS } from "./snippet-files.ts";

const RACE = readResult(ROOT, "race");

test("the orders have 125 beginnings, all different", () => {
  const keys = beginningsOf(ORDERS).map(keyOf);
  assert.equal(keys.length, 125);
  assert.equal(new Set(keys).size, 125);
  assert.deepEqual(keys.slice(0, 3), ["", "u", "uu"]);
});

test("the ends that were recorded are those of the verdicts", () => {
  const observed = readResult(ROOT, "verdicts");
  assert.deepEqual(Object.keys(RACE), Object.keys(observed));
  for (const [name, looks] of Object.entries(RACE)) {
    const { losing, impossible, observation } = observed[name] ?? {};
    const ends = ORDERS.map((order) => looks[keyOf(order)]);
    const where = (isSo: (look?: string) => boolean | undefined) =>
      [...ORDERS.keys()].filter((at) => isSo(ends[at]));
    assert.deepEqual(
      where((look) => look?.includes("a")),
      losing,
      name,
    );
    assert.deepEqual(
      where((look) => look === undefined),
      impossible,
      name,
    );
    const server = where((look) => look?.includes("c")).length;
    assert.equal(server, observation?.server, name);
  }
});

for (const name of ["broken", "fix-store"]) {
  test(`what was recorded with ${name} is seen again`, async () => {
    const snippet = await startTried(name, { folder: SNIPPETS, processes: 1 });
    // Once the logout has overtaken the answer.
    const order = ORDERS[logoutAfter("received")] ?? [];
    for (const events of beginningsOf([order]).slice(-4)) {
      const key = keyOf(events);
      assert.equal(await lookAfter(snippet, events), RACE[name]?.[key], key);
    }
  });
}
