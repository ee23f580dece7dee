import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, watch } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readResult } from "../base/results.ts";
import { ROOT } from "../base/root.ts";
import * as testing from "../base/testing.ts";
import { readVerdicts } from "../verify/verdicts.ts";
import {
  BROWSER_NAMES,
  findBrowser,
  HOW_TO_INSTALL,
} from "./installed-browsers.ts";
import { expectedOf } from "./scenarios.ts";

const { copyRepository, skipSignals, skipUnless, start } = testing;
const COMMAND = join(ROOT, "scripts", "verify-browsers.ts");
const skipWithout = (name: "chromium" | "firefox") =>
  skipUnless(name, Boolean(findBrowser(name)), HOW_TO_INSTALL[name]);

for (const browser of BROWSER_NAMES) {
  const skip = skipWithout(browser);

  test(`what was recorded of ${browser} is what is expected`, () => {
    const seen = readResult(ROOT, "browsers")[browser]?.outcomes;
    const verdicts = Object.entries(readVerdicts());
    const all = verdicts.map(([name, one]) => [name, expectedOf(one, browser)]);
    assert.deepEqual(seen, Object.fromEntries(all));
  });

  // One whose page does not wait, and one whose page does. All of them take minutes.
  test(`${browser} does what is expected`, { skip }, async (t) => {
    const name = browser === "firefox" ? "broken" : "fix-front-end";
    const words = ["--browser", browser, name];
    const { code, stdout, stderr } = await start(t, COMMAND, words).ended;
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, RegExp(`^${name} .*alice`, "m"));
  });

  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    const isSkipped = { skip: skip || skipSignals };
    test(`${browser} is gone after ${signal}`, isSkipped, async (t) => {
      const TMPDIR = mkdtempSync(join(tmpdir(), "in-flight-"));
      t.after(() => rmSync(TMPDIR, { recursive: true }));
      const profiles = () =>
        readdirSync(TMPDIR).filter((name) => name.startsWith("in-flight-"));
      const { folder, write } = copyRepository(t);
      const { called } = await testing.callBack(t, (code) =>
        write("snippets/broken-wait.ts", code),
      );
      const words = ["--browser", browser, "--from", join(folder, "snippets")];
      const command = start(t, COMMAND, [...words, "broken-wait"], { TMPDIR });
      const ends = command.ended.then(({ stderr }) => assert.fail(stderr));
      await Promise.race([called, ends]);
      assert.ok(profiles().length > 0);
      const watcher = watch(TMPDIR);
      t.after(() => watcher.close());
      const gone = new Promise<void>((resolve) => {
        watcher.on("change", () => profiles().length || resolve());
      });
      command.kill(signal);
      await gone;
      const { code } = await command.ended;
      assert.equal(code, signal === "SIGINT" ? 130 : null);
    });
  }
}

// One run, since it takes its time: one snippet dies at once, one has its route below auth() again, and
// the pages of both have mistakes.
const skip = skipWithout("chromium");
test("a snippet or page with a mistake fails", { skip }, async (t) => {
  const { folder, edit, change } = copyRepository(t);
  const update = 'app.post("/update", express.json(), record);\n';
  const draft = 'app.post("/draft"';
  const dies = 'app.post("/update", () => process.exit(3));\n';
  edit("snippets/broken-rolling-false.ts", update, dies);
  // One that is not among ours is judged by its own verdict.
  const edits: testing.Edit[] = [
    [update, ""],
    [draft, `${update}${draft}`],
  ];
  change("fix-ordering", 0, edits);
  for (const [from, to] of [
    ['<html lang="en">', "<html>"],
    ["#e6edf3", "#333"],
    ["h1, p { overflow-wrap: anywhere; }", "h1 { width: 20em }"],
    ['localStorage.getItem("ended login") !== login', "true"],
    ["<main>\n", '<main>\n<img alt="" src="http://127.0.0.2:9/">\n'],
  ] as const)
    edit("snippets/support/page.ts", from, to);
  const from = ["--from", join(folder, "snippets"), "--browser", "chromium"];
  const names = ["broken-rolling-false", "fix-ordering-0"];
  const { code, stderr } = await start(t, COMMAND, [...from, ...names]).ended;
  assert.equal(code, 1);
  for (const complaint of [
    /^broken-rolling-false in chromium, beacon: it ended, with exit code 3\./m,
    /^fix-ordering-0 in chromium, click: null was expected, and alice is logged in$/m,
    /click: "Nobody is logged in", 320 pixels wide: it needs /,
    /click: "Log in as", 320 pixels wide: .*\(color-contrast\)/,
    /click: "alice is logged in", 1000 pixels wide: .*\(html-has-lang\)/,
    /keepalive: .*127\.0\.0\.2:9.*Content Security Policy/,
    /otherTab: the page does not say why alice is logged in/,
  ])
    assert.match(stderr, complaint);
});

test("chromium that is missing or does not start is told in a line", async (t) => {
  for (const [CHROMIUM, problem] of [
    ["/nowhere/chromium", "is skipped: it is missing \\(apt-get .*"],
    [process.execPath, "does not start from .*"],
  ]) {
    const words = ["--browser", "chromium", "broken"];
    const { code, stderr } = await start(t, COMMAND, words, { CHROMIUM }).ended;
    assert.equal(code, 1);
    assert.match(stderr, RegExp(`^chromium ${problem}\n$`));
  }
});
