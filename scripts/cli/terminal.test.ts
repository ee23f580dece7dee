import assert from "node:assert/strict";
import { test } from "node:test";
import { wrap } from "./terminal.ts";

test("a line is broken at spaces, and a word that is longer than a line is not", () => {
  const long = "x".repeat(12);
  for (const [line, indent, lines] of [
    ["one two three four", 0, ["one two", "three four"]],
    ["one two three four", 2, ["one two", "  three", "  four"]],
    [long, 0, [long]],
    [`one ${long} two`, 2, ["one", `  ${long}`, "  two"]],
    [`${long} ${long}`, 4, [long, `    ${long}`]],
  ] as const) {
    assert.deepEqual(wrap(line, indent, 10), lines);
  }
});
