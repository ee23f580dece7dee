import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../base/root.ts";
import { MUTANTS } from "./mutants-data.ts";

test("each mistake can be made, in one place", () => {
  for (const [file, mutants] of Object.entries(MUTANTS)) {
    const source = readFileSync(join(ROOT, "snippets", file), "utf8");
    for (const [what, from] of mutants) {
      assert.equal(source.split(from).length, 2, `${file}: ${what}`);
    }
  }
});
