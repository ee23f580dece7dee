import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { HOW_TO_INSTALL_JEKYLL } from "./lib/site.ts";
import { ROOT, skipUnless, start } from "./lib/testing.ts";

// With an empty PATH nothing is installed, as far as the tests can see.
for (const SKIP_NOTHING of [undefined, "true"]) {
  const outcome = SKIP_NOTHING ? "fail in .ci/run" : "are skipped by name";
  test(`tests that need a program which is missing ${outcome}`, async (t) => {
    const file = join(ROOT, "scripts", "render.test.ts");
    const environment = { PATH: "", CHROMIUM: "gone", SKIP_NOTHING };
    const { code, stdout, stderr } = await start(t, file, [], environment)
      .ended;
    assert.equal(code, SKIP_NOTHING ? 1 : 0);
    const line = SKIP_NOTHING
      ? "Error: chromium is missing: apt-get install chromium"
      : "# SKIP chromium is missing: apt-get install chromium";
    assert.ok((stdout + stderr).includes(line), stdout + stderr);
  });
}

test("nothing is skipped where the program is there", () => {
  assert.equal(skipUnless("jekyll", true, HOW_TO_INSTALL_JEKYLL), false);
});
