import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { skipUnless } from "./testing.ts";

const { SKIP_NOTHING = "" } = process.env;
afterEach(() => {
  process.env.SKIP_NOTHING = SKIP_NOTHING;
});

const HOW = "apt-get install chromium";
const MISSING = "chromium is missing: apt-get install chromium";

test("tests that need a program which is missing are skipped by name", () => {
  process.env.SKIP_NOTHING = "";
  assert.equal(skipUnless("chromium", false, HOW), MISSING);
});

test("tests that need a program which is missing fail in .ci/run", () => {
  process.env.SKIP_NOTHING = "true";
  assert.throws(() => skipUnless("chromium", false, HOW), { message: MISSING });
});

test("nothing is skipped where the program is there", () => {
  assert.equal(skipUnless("chromium", true, HOW), false);
});
