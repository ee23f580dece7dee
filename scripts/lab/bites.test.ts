import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  BROWSER_NAMES,
  findBrowser,
  HOW_TO_INSTALL,
} from "../browsers/installed-browsers.ts";
import { ROOT } from "../cli/root.ts";
import { run, skipUnless, start } from "../cli/testing.ts";
import { bitesChart } from "../publish/bites-chart.ts";
import {
  IDP_MS,
  readBites,
  SENDINGS,
  SETUPS,
  sharesOf,
  UPDATE_MS,
} from "../publish/bites-data.ts";

const skip = BROWSER_NAMES.map((name) =>
  skipUnless(name, Boolean(findBrowser(name)), HOW_TO_INSTALL[name]),
).find(Boolean);

describe("npm run bites", () => {
  // Only what does not depend on how fast a machine is: how a browser treats what is later than
  // the logout, and what outlives its page.
  test("measures all browsers and all ways to send", {
    skip: skip ?? false,
  }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "in-flight-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "bites.csv");
    const words = ["--runs", "1", "--times", "500", "--to", file];
    const { code, stdout, stderr } = await run(t, "bites", ...words);
    assert.equal(code, 0, stderr);
    const lines = readFileSync(file, "utf8").trim().split("\n");
    assert.equal(lines[0], "setup,version,sending,updateMs,user");
    assert.equal(lines.length, 1 + SETUPS.length * SENDINGS.length);
    for (const line of lines.slice(1)) {
      assert.match(
        line,
        /^Firefox,firefox.*,fetch,500,$|,(keepalive|beacon),500,alice$|^Chromium.*,fetch,/,
      );
    }
    assert.match(stdout, /^logged in, by ms +500$/m);
  });

  test("explains itself, and what it does not understand", async (t) => {
    const help = await run(t, "bites", "--help");
    assert.equal(help.code, 0);
    assert.match(help.stdout, /^Usage: npm run bites/);
    for (const line of help.stdout.split("\n")) assert.ok(line.length <= 80);
    const times = await run(t, "bites", "--times", "soon");
    assert.equal(times.code, 2);
    assert.match(times.stderr, /--times takes whole numbers, and soon is none/);
  });

  test("says in a line that a browser is missing", async (t) => {
    const file = join(ROOT, "scripts", "bites.ts");
    const { ended } = start(t, file, [], { FIREFOX: "/nowhere/firefox" });
    const { code, stderr } = await ended;
    assert.equal(code, 1);
    assert.equal(stderr, "firefox is missing: apt-get install firefox-esr\n");
  });
});

describe("the measurement in assets/bites.csv", () => {
  const bites = readBites(ROOT);
  const shares = (setup: string, sending: (typeof SENDINGS)[number]) =>
    sharesOf(bites, setup, sending);

  test("has ten runs or more of each point", () => {
    for (const { name } of SETUPS) {
      for (const sending of SENDINGS) {
        const points = shares(name, sending);
        assert.deepEqual(
          points.map(({ updateMs }) => updateMs),
          UPDATE_MS,
        );
        for (const { runs } of points) assert.ok(runs >= 10);
      }
    }
  });

  // The sentences are in the second post, under "When does it bite?".
  test("is as the post says", () => {
    const [chromium, uncached, firefox] = SETUPS.map(({ name }) => name) as [
      string,
      string,
      string,
    ];
    for (const { losing } of shares(firefox, "fetch")) assert.equal(losing, 0);
    for (const sending of SENDINGS) {
      for (const setup of [chromium, uncached]) {
        for (const { updateMs, losing, runs } of shares(setup, sending)) {
          const isCut = setup === uncached && sending === "fetch";
          if (updateMs === 0) assert.ok(losing > 0 && losing < runs);
          else if (updateMs < 100) assert.ok(losing > runs / 2);
          else if (updateMs < IDP_MS || !isCut) assert.equal(losing, runs);
          else if (updateMs > IDP_MS + 300) assert.equal(losing, 0);
        }
      }
      if (sending === "fetch") continue;
      for (const { losing, runs } of shares(firefox, sending)) {
        assert.ok(losing > runs / 2);
      }
    }
  });

  test("is drawn in full, and told in words", () => {
    const chart = bitesChart(bites);
    assert.match(chart, /^<svg role="img" width="\d+" height="\d+" /);
    const drawn = chart.match(/<desc>(.*)<\/desc>/)?.[1] ?? "";
    for (const { name } of SETUPS) assert.ok(drawn.includes(`${name}, fetch:`));
    assert.equal(drawn.match(/ of \d+ at /g)?.length, 9 * UPDATE_MS.length);
    // The same measurement makes the same picture, so that a stale one can be told.
    assert.equal(bitesChart(bites), chart);
    const other = bites.map((run, at) =>
      at === 0 ? { ...run, user: "" } : run,
    );
    assert.notEqual(bitesChart(bites[0]?.user ? other : bites.slice(1)), chart);
  });
});
