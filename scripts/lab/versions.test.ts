import assert from "node:assert/strict";
import { test } from "node:test";
import { ROOT } from "../cli/root.ts";
import { SnippetError } from "../servers/snippet.ts";
import { readObserved } from "../verify/observed.ts";
import { combinationsOf, resultOf } from "./try-versions.ts";

test("what came of a snippet with a version is told in a word", () => {
  const observed = readObserved(ROOT);
  const seen = (name: string, other = name) => {
    const report = observed[other];
    assert.ok(report);
    return { name, report };
  };
  assert.equal(resultOf(seen("broken")), "19");
  assert.equal(resultOf(seen("fix-ordering")), "holds");
  assert.equal(resultOf(seen("fix-ordering", "fix-store")), "differs");
  const failure = new SnippetError("fix-store: it ended, with exit code 1");
  assert.equal(resultOf({ name: "fix-store", failure }), "does not run");
});

test("each version of the library comes with each of Express", () => {
  const all = combinationsOf({});
  assert.equal(all.length, 8);
  assert.equal(
    new Set(all.map((combination) => JSON.stringify(combination))).size,
    8,
  );
  assert.deepEqual(combinationsOf({ library: "2.12.0", express: "5.3.0" }), [
    { library: "2.12.0", express: "5.3.0" },
  ]);
});
