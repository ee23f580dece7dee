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

/** Some that only longer histories notice. */
const SAMPLE = [
  "drop-in/lasting-logout.ts: a dead cookie begins a session",
  "fix-store.ts: a cookie can be read by scripts",
];

test("a few of them are noticed", async (t) => {
  const chosen = MUTANTS.filter(({ file, what }) =>
    SAMPLE.includes(`${file}: ${what}`),
  );
  assert.equal(chosen.length, SAMPLE.length);
  const options = { cancel: t.signal, progress: () => {} };
  for (const { what, noticedBy } of await tryMutants(chosen, options)) {
    assert.ok(noticedBy, what);
  }
});
