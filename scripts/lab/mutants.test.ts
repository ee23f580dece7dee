import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../cli/root.ts";
import { MUTANTS } from "./mutants-data.ts";
import { tryMutants } from "./try-mutants.ts";

test("each mistake can be made, in one place", () => {
  for (const { what, file, from } of MUTANTS) {
    const source = readFileSync(join(ROOT, "snippets", file), "utf8");
    assert.equal(source.split(from).length, 2, `${file}: ${what}`);
  }
});

/** One that the orders notice, which `npm run mutants` tries first. */
const ONE = "fix-store.ts: a dead id lives again";

test("one of them is noticed", async (t) => {
  const chosen = MUTANTS.filter(({ file, what }) => `${file}: ${what}` === ONE);
  const options = { cancel: t.signal, progress: () => {} };
  const tried = await tryMutants(chosen, options, () => ["orders"]);
  assert.deepEqual(
    tried.map(({ noticedBy }) => noticedBy),
    ["orders"],
  );
});
