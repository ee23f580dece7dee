import assert from "node:assert/strict";
import { test } from "node:test";
import { sideBySide } from "./side-by-side.ts";

const options = { cancel: new AbortController().signal, progress: () => {} };
const things = Array.from({ length: 50 }, (_, at) => at);

test("what comes of things is in their order, whichever is done first", async () => {
  const ends: (() => void)[] = [];
  const work = sideBySide(things.slice(0, 2), options, async (thing) => {
    await new Promise<void>((resolve) => ends.push(resolve));
    return thing * 2;
  });
  ends.at(1)?.();
  ends.at(0)?.();
  assert.deepEqual(await work, [0, 2]);
});

test("what fails ends the others, and no more of them begin", async () => {
  const begun: number[] = [];
  let ended = 0;
  const work = sideBySide(things, options, async (thing, _, cancel) => {
    begun.push(thing);
    if (thing === 1) throw new Error("no such luck");
    await new Promise((resolve) => cancel.addEventListener("abort", resolve));
    ended += 1;
  });
  await assert.rejects(work, { message: "no such luck" });
  // Those that wait are told at once, and then end.
  await new Promise(setImmediate);
  assert.equal(ended, begun.length - 1);
  assert.ok(begun.length < things.length);
});
