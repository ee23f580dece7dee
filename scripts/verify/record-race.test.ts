import assert from "node:assert/strict";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { ROOT } from "../cli/root.ts";
import { startTogether } from "../servers/snippet.ts";
import { readObserved } from "./observed.ts";
import { logoutAfter, ORDERS } from "./orders.ts";
import { beginningsOf, keyOf, lookAfter, readRace } from "./record-race.ts";

const RACE = readRace(ROOT);

test("the orders have 125 beginnings, all different", () => {
  const keys = beginningsOf(ORDERS).map(keyOf);
  assert.equal(keys.length, 125);
  assert.equal(new Set(keys).size, 125);
  assert.deepEqual(keys.slice(0, 3), ["", "u", "uu"]);
});

test("the ends that were recorded are those of the verdicts", () => {
  const observed = readObserved(ROOT);
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

describe("what was recorded is seen again", () => {
  const names = ["broken", "fix-store"];
  const files = names.map((name) => join(ROOT, "snippets", `${name}.ts`));
  const { signal } = new AbortController();
  const starting = startTogether(files, signal);
  after(async () => (await starting)[0]?.stop());

  for (const [at, name] of names.entries()) {
    test(`with ${name}, once the logout has overtaken the answer`, async () => {
      const snippet = (await starting)[at];
      assert.ok(snippet);
      const order = ORDERS[logoutAfter("received")] ?? [];
      for (const events of beginningsOf([order]).slice(-4)) {
        const key = keyOf(events);
        assert.equal(await lookAfter(snippet, events), RACE[name]?.[key], key);
      }
    });
  }
});
