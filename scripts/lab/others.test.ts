import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { copyRepository, start } from "../cli/testing.ts";

test("npm run others names an app that behaves in another way, and no other", async (t) => {
  const { folder, edit } = copyRepository(t);
  const lab = join(folder, "scripts", "lab");
  symlinkSync(
    join(import.meta.dirname, "node_modules"),
    join(lab, "node_modules"),
    "junction",
  );
  edit(
    "scripts/lab/apps/express-session.ts",
    '"express-session-resave": { resave: true }',
    '"express-session-resave": { resave: false }',
  );
  // All of them take a minute. These are three of other kinds, and what the posts show.
  const { code, stdout, stderr } = await start(t, join(lab, "others.ts"), [
    ...["express-session-resave", "auth-js", "koa-session", "broken"],
  ]).ended;
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^express-session-resave is not as in assets.others\.json: npm run others -- --write\n$/,
  );
  for (const line of stdout.split("\n")) assert.ok(line.length <= 80, line);
});
