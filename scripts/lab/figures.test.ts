import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { findBrowser, HOW_TO_INSTALL } from "../browsers/installed-browsers.ts";
import { copyRepository, run, skipUnless, start } from "../cli/testing.ts";
import { FIGURE_WIDTH, FIGURES } from "../publish/figures-list.ts";

const skip = skipUnless(
  "chromium",
  Boolean(findBrowser("chromium")),
  HOW_TO_INSTALL.chromium,
);

describe("npm run figures", { skip }, () => {
  test("makes each figure, twice as large as it is shown", async (t) => {
    const { folder } = copyRepository(t);
    const { code, stderr } = await run(t, "lab/figures", "--to", folder);
    assert.deepEqual([code, stderr], [0, ""]);
    for (const name of Object.keys(FIGURES)) {
      // The size of a picture in pixels (PNG specification, section 11.2.1).
      const png = readFileSync(join(folder, `${name}.png`));
      assert.equal(png.readUInt32BE(16), 2 * FIGURE_WIDTH);
      // As many lines as there are requests, at least, and no more than fit a window.
      const height = png.readUInt32BE(20);
      assert.ok(height > 2 * 5 * 16 && height < 2 * 400, `${name}: ${height}`);
    }
  });

  // It ends before the cookies are photographed, which takes most of the time.
  test("writes nothing when the list is not what it is to show", async (t) => {
    const { folder, edit } = copyRepository(t);
    edit(
      "snippets/broken.ts",
      "app.use(log);",
      `app.use(log);
      app.use((_req, res, next) => {
        res.cookie("theme", "dark");
        next();
      });`,
    );
    const to = join(folder, "to");
    const command = join(folder, "scripts", "lab", "figures.ts");
    const { code, stderr } = await start(t, command, ["--to", to]).ended;
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^figures: network-list: a row of the list is update POST 200 2, not /,
    );
    assert.ok(!existsSync(to));
  });
});
