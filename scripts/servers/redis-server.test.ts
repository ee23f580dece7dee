import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { skipSignals } from "../cli/testing.ts";
import { startRedis } from "./redis-server.ts";

test("nobody waits for a Redis whose process is killed before it is ready", {
  skip: skipSignals,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "in-flight-"));
  const { PATH, HIDE_OPTIONAL = "" } = process.env;
  t.after(() => {
    Object.assign(process.env, { PATH, HIDE_OPTIONAL });
    rmSync(folder, { recursive: true });
  });
  const file = join(folder, "redis-server");
  writeFileSync(file, "#!/bin/sh\nkill -KILL $PPID\n");
  chmodSync(file, 0o755);
  process.env.PATH = [folder, PATH].join(delimiter);
  // This one is no Redis.
  process.env.HIDE_OPTIONAL = "";
  await assert.rejects(startRedis(), /the process that runs Redis has ended/);
});
