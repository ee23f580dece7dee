import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../cli/root.ts";
import { copyRepository, run } from "../cli/testing.ts";
import { readOthers, USES } from "../publish/others-data.ts";

test("the probe says of all apps, and in the README, what is kept", async (t) => {
  const { code, stdout, stderr } = await run(t, "others");
  assert.equal(code, 0, stderr);
  for (const line of stdout.split("\n")) assert.ok(line.length <= 80, line);
});

test("an app that behaves in another way is told by its name", async (t) => {
  const { folder, edit } = copyRepository(t);
  const apps = join("scripts", "apps");
  const name = "express-session-resave";
  edit(join(apps, `${name}.ts`), "resave: true", "resave: false");
  const words = ["--from", join(folder, apps)];
  const { code, stderr } = await run(t, "others", ...words);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`^${name} is not as in assets`));
  assert.equal(stderr.trim().split("\n").length, 1);
});

test("each app is told in the table, with how it uses its library", () => {
  const files = readdirSync(join(ROOT, "scripts", "apps"));
  const names = files.map((file) => basename(file, extname(file)));
  const apps = names.filter((name) => name !== "support").sort();
  assert.deepEqual(Object.keys(USES).sort(), apps);
  const told = readOthers(ROOT).apps.map((app) => app.name);
  assert.deepEqual(told.sort(), apps);
});

test("others knows a folder that is not there", async (t) => {
  const { code, stderr } = await run(t, "others", "--from", "nowhere");
  assert.equal(code, 2);
  assert.match(stderr, /there is no folder nowhere/);
});
