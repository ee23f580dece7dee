import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { skipUnless } from "./testing.ts";

const { HIDE_OPTIONAL = "", SKIP_NOTHING = "" } = process.env;
beforeEach(() =>
  Object.assign(process.env, { HIDE_OPTIONAL: "", SKIP_NOTHING: "" }),
);
afterEach(() => Object.assign(process.env, { HIDE_OPTIONAL, SKIP_NOTHING }));

const HOW = "apt-get install chromium";
const MISSING = "chromium is missing: apt-get install chromium";

test("tests that need a program which is missing are skipped by name", () => {
  assert.equal(skipUnless("chromium", false, HOW), MISSING);
});

test("tests that need a program which is missing fail in .ci/run", () => {
  process.env.SKIP_NOTHING = "true";
  assert.throws(() => skipUnless("chromium", false, HOW), { message: MISSING });
});

test("nothing is skipped where the program is there", () => {
  assert.equal(skipUnless("chromium", true, HOW), false);
});

test("npm test hides what is there", () => {
  process.env.HIDE_OPTIONAL = "true";
  const reason = "npm run check tries it, with chromium";
  assert.equal(skipUnless("chromium", true, HOW), reason);
});
