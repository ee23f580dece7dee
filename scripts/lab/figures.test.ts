import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { inflateSync } from "node:zlib";
import { findBrowser, HOW_TO_INSTALL } from "../browsers/installed-browsers.ts";
import { skipUnless, start } from "../cli/testing.ts";
import {
  FIGURE_WIDTH,
  FIGURES,
  figureFile,
  THEMES,
} from "../publish/figures-list.ts";
import { STORIES, type Story, withFigures } from "./take-figures.ts";

const chromium = findBrowser("chromium") ?? "";

const skip = skipUnless("chromium", Boolean(chromium), HOW_TO_INSTALL.chromium);

/** Reads a picture's size, and how bright its first pixel is (PNG specification, sections 5 and 9). */
function readPng(file: string) {
  const png = readFileSync(file);
  const data: Buffer[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.toString("latin1", at + 4, at + 8) !== "IDAT") continue;
    data.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  // After the byte that names the filter. No filter changes the first pixel.
  const [, ...[red, green, blue]] = inflateSync(Buffer.concat(data));
  return {
    width: png.readUInt32BE(16),
    height: png.readUInt32BE(20),
    brightness: Math.max(red ?? 0, green ?? 0, blue ?? 0),
  };
}

describe("npm run figures", { skip, concurrency: true }, () => {
  // The browser and the snippets are started once, for both.
  test("photographs the stories", async (t) => {
    const folder = temporaryFolder(t);
    await withFigures(chromium, t.signal, async (write) => {
      await t.test(
        "makes each figure in each theme, twice as large as it is shown",
        async () => {
          await write(STORIES, folder);
          for (const name of Object.keys(FIGURES)) {
            const [light, dark] = THEMES.map((theme) =>
              readPng(join(folder, figureFile(name, theme))),
            );
            assert.ok(light && dark);
            assert.equal(light.width, 2 * FIGURE_WIDTH);
            // As many lines as there are requests, at least, and no more than fit a window.
            const { height } = light;
            assert.ok(
              height > 2 * 5 * 16 && height < 2 * 400,
              `${name}: ${height}`,
            );
            assert.deepEqual([dark.width, dark.height], [light.width, height]);
            assert.ok(light.brightness > 2 * dark.brightness, name);
          }
        },
      );

      await t.test(
        "writes nothing when the list is not what it is to show",
        async () => {
          const [broken, fixed] = STORIES as [Story, Story];
          const to = join(folder, "to");
          await assert.rejects(write([{ ...broken, file: fixed.file }], to), {
            message:
              "network-list: a row of the list is update POST 200 0, not update POST 200 1",
          });
          assert.ok(!existsSync(to));
        },
      );
    });
  });

  test("says why it writes nothing", async (t) => {
    const to = join(temporaryFolder(t), "to");
    const command = join(import.meta.dirname, "figures.ts");
    // It does not do what a browser does.
    const environment = { CHROMIUM: process.execPath };
    const { code, stderr } = await start(t, command, ["--to", to], environment)
      .ended;
    assert.equal(code, 1);
    assert.match(stderr, /^chromium does not start from .*\n$/);
    assert.ok(!existsSync(to));
  });
});

/** Makes a folder that is gone after the test. */
function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "in-flight-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}
