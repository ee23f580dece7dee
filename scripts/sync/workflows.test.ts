import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../base/root.ts";

const FOLDER = join(ROOT, ".github", "workflows");
const ENGINES = readFileSync(join(ROOT, "package.json"), "utf8");

for (const name of readdirSync(FOLDER)) {
  test(`${name} may only read, pins its actions, and ends some time`, () => {
    const text = readFileSync(join(FOLDER, name), "utf8");
    const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0;
    assert.match(text, /^permissions:\n {2}contents: read$/m);
    assert.equal(count(/permissions:/g), 1);
    assert.doesNotMatch(text, /secrets|github\.token/);
    const pinned = /uses: actions\/[\w-]+@[\da-f]{40} # v\d+\.\d+\.\d+$/gm;
    assert.equal(count(pinned), count(/\buses:/g));
    const checkouts = count(/actions\/checkout@/g);
    assert.equal(count(/persist-credentials: false$/gm), checkouts);
    assert.equal(count(/timeout-minutes: [1-6]?\d$/gm), checkouts);
    // The versions of Node that package.json has, and the newest.
    assert.match(ENGINES, /"node": "\^20\.\d+\.0 \|\| >=22\./);
    assert.equal(count(/node: \[20, 22, 24\]$/gm), count(/\bnode: \[/g));
  });
}
