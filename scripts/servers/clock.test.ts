import assert from "node:assert/strict";
import { test } from "node:test";
import { LRUCache } from "lru-cache";
import "./inside/clock.ts";

test("what lives for a second is gone when two have passed, also from lru-cache", async () => {
  const cache = new LRUCache<string, true>({ max: 1, ttl: 1000 });
  cache.set("a", true);
  const moved = new Promise((resolve) => {
    process.send = (reply: unknown) => Boolean(resolve(reply));
  });
  assert.ok(cache.has("a"));
  process.emit("message", { id: 1, name: "travel", given: [2000] }, undefined);
  assert.deepEqual(await moved, { id: 1, result: 2000 });
  assert.ok(!cache.has("a"));
});
