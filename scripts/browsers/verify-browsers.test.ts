import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ROOT } from "../cli/root.ts";
import {
  callBack,
  copyRepository,
  run,
  skipSignals,
  skipUnless,
  start,
} from "../cli/testing.ts";
import {
  BROWSER_NAMES,
  BrowserError,
  type BrowserName,
  findBrowser,
  HOW_TO_INSTALL,
  launchBrowser,
} from "./installed-browsers.ts";
import { readSeenInBrowsers } from "./seen-in-browsers.ts";

const COMMAND = "verify-browsers";

const needs = (name: BrowserName) => ({
  skip: skipUnless(name, Boolean(findBrowser(name)), HOW_TO_INSTALL[name]),
});

describe("npm run verify:browsers", { concurrency: 2 }, () => {
  for (const browser of BROWSER_NAMES) {
    test(`sees in ${browser} what is expected, and what the tables say`, {
      ...needs(browser),
    }, async (t) => {
      // One whose page does not wait, and one whose page does. All of them take minutes.
      const names = [browser === "firefox" ? "broken" : "fix-front-end"];
      const words = ["--json", "--browser", browser, ...names];
      const { code, stdout, stderr } = await run(t, COMMAND, ...words);
      assert.equal(code, 0, stderr);
      const { outcomes } = JSON.parse(stdout)[browser];
      const seen = readSeenInBrowsers(ROOT)[browser]?.outcomes;
      assert.deepEqual(Object.keys(outcomes), names);
      for (const name of names) assert.deepEqual(outcomes[name], seen?.[name]);
    });
  }

  const PAGE = "snippets/support/page.ts";
  const UPDATE = 'app.post("/update", express.json(), record);\n';

  // One run, since it takes its time: one snippet dies at once, one has its route below auth() again,
  // and the pages of both have mistakes.
  test("fails when a snippet or a page has a mistake", {
    ...needs("chromium"),
  }, async (t) => {
    const { folder, edit, change } = copyRepository(t);
    edit(
      "snippets/broken-rolling-false.ts",
      UPDATE,
      'app.post("/update", () => process.exit(3));\n',
    );
    // One that is not among ours is judged by its own verdict.
    change("fix-ordering", 0, [
      [UPDATE, ""],
      ['app.post("/draft"', `${UPDATE}app.post("/draft"`],
    ]);
    edit(PAGE, '<html lang="en">', "<html>");
    edit(PAGE, "#e6edf3", "#333");
    edit(PAGE, "h1, p { overflow-wrap: anywhere; }", "h1 { width: 20em }");
    edit(PAGE, 'localStorage.getItem("ended login") !== login', "true");
    const image = '<img alt="" src="http://127.0.0.2:9/">';
    edit(PAGE, "<main>\n", `<main>\n${image}\n`);

    const from = ["--from", join(folder, "snippets"), "--browser", "chromium"];
    const names = ["broken-rolling-false", "fix-ordering-0"];
    const { code, stderr } = await run(t, COMMAND, ...from, ...names);
    assert.equal(code, 1);
    for (const complaint of [
      "^chromium: broken-rolling-false: it ended, with exit code 3\\.",
      '^fix-ordering-0 in chromium: "click" was expected to end with nobody, and ends with alice$',
      '"click": "Nobody is logged in", 320 pixels wide: it needs ',
      '"click": "Log in as", 320 pixels wide: .*\\(color-contrast\\)',
      '"click": "alice is logged in", 1000 pixels wide: .*\\(html-has-lang\\)',
      '"keepalive": a page breaks its policy: .*127.0.0.2:9',
      '"keepalive": a page asks for http://127.0.0.2:9',
      '"other tab": the page does not say why alice is back',
    ]) {
      assert.match(stderr, new RegExp(complaint, "m"));
    }
  });

  test("says in a line that there is no browser", async (t) => {
    const words = ["--browser", "chromium", "broken"];
    const file = join(ROOT, "scripts", `${COMMAND}.ts`);
    const { ended } = start(t, file, words, { CHROMIUM: "/nowhere/chromium" });
    const { code, stderr } = await ended;
    assert.equal(code, 1);
    assert.match(stderr, /^chromium is missing: apt-get install chromium$/m);
    assert.doesNotMatch(stderr, /^ +at /m);
  });

  test("says in a line that a program is no browser", () =>
    assert.rejects(launchBrowser("chromium", process.execPath), (error) => {
      assert.ok(error instanceof BrowserError);
      assert.match(error.message, /^chromium does not start from .*$/);
      return true;
    }));

  for (const browser of BROWSER_NAMES) {
    test(`leaves nothing of ${browser} behind on Ctrl-C`, {
      skip: skipSignals || needs(browser).skip,
    }, async (t) => {
      const profiles = mkdtempSync(join(tmpdir(), "in-flight-"));
      t.after(() => rmSync(profiles, { recursive: true }));
      const { folder, write } = copyRepository(t);
      const { called } = await callBack(t, (code) =>
        write("snippets/broken-forever.ts", code),
      );
      const words = ["--from", join(folder, "snippets"), "--browser", browser];
      const command = start(
        t,
        join(ROOT, "scripts", `${COMMAND}.ts`),
        [...words, "broken-forever"],
        { TMPDIR: profiles, TEMP: profiles },
      );
      const gone = await called;
      const ofBrowser = () =>
        readdirSync(profiles).filter((name) => name.includes("puppeteer"));
      assert.equal(ofBrowser().length, 1);
      command.kill("SIGINT");
      await gone();
      assert.equal((await command.ended).code, 130);
      assert.deepEqual(ofBrowser(), []);
    });
  }
});
