import assert from "node:assert/strict";
import { test } from "node:test";
import { findBrowser, HOW_TO_INSTALL } from "../browsers/installed-browsers.ts";
import { ROOT } from "../cli/root.ts";
import { run, skipUnless } from "../cli/testing.ts";
import {
  IDP_MS,
  logoutsOf,
  readBites,
  SENDINGS,
  SETUPS,
  UPDATE_MS,
} from "../publish/bites-data.ts";

const skip = skipUnless(
  "firefox",
  Boolean(findBrowser("firefox")),
  HOW_TO_INSTALL.firefox,
);

// Only what does not depend on how fast a machine is: Firefox gives up a plain fetch with its page, and
// four seconds are more than a browser needs to send a logout, on a machine that is busy, too. A beacon
// of Firefox may leave only after the logout, and then has no session with it.
test("npm run bites counts who is logged in after all", { skip }, async (t) => {
  const words = ["--browser", "firefox", "--runs", "1", "--times", "4000"];
  const { code, stdout, stderr } = await run(t, "lab/bites", ...words);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(
    stdout,
    /^logged in, by ms +4000\nFirefox\n +fetch +0\n +keepalive +1\n +beacon +[01]\n$/,
  );
});

// The sentences are in the post “The late response in real browsers”.
test("the measurement in assets/bites.json is as the post says", () => {
  const bites = readBites(ROOT);
  for (const { name } of SETUPS) {
    for (const sending of SENDINGS) {
      const points = logoutsOf(bites, name, sending);
      const times = points.map(({ updateMs }) => updateMs);
      assert.deepEqual(times, UPDATE_MS);
      for (const { updateMs, losing, runs } of points) {
        assert.ok(runs >= 10);
        const isCut = name !== "Chromium" && sending === "fetch";
        if (name === "Firefox") {
          assert.ok(isCut ? losing === 0 : losing > runs / 2);
        } else if (updateMs === 0) assert.ok(losing > 0 && losing < runs);
        else if (updateMs < 100) assert.ok(losing > runs / 2);
        else if (updateMs < IDP_MS || !isCut) assert.equal(losing, runs);
        else if (updateMs > IDP_MS + 300) assert.equal(losing, 0);
      }
    }
  }
});
