import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, test } from "node:test";
import { ROOT } from "./root.ts";

/** The rooms of scripts/. Each may import those that stand above it. */
const ROOMS = [
  ...["base", "bed", "verify", "histories", "drop-in", "browsers", "probe"],
  ...["race", "sync", "lab"],
];

/** What the files under a folder import, from the top folder. */
function importsUnder(folder: string): [from: string, to: string][] {
  const files = readdirSync(join(ROOT, folder), { recursive: true })
    .map((file) => posix.join(folder, String(file).replaceAll("\\", "/")))
    .filter((file) => /\.[mc]?[jt]s$/.test(file))
    .filter((file) => !file.includes("node_modules"));
  return files.flatMap((file) => {
    const text = readFileSync(join(ROOT, file), "utf8");
    const found = text.matchAll(
      /\b(?:from|import|resolve)\s*\(?\s*"(\.{1,2}\/[\w./-]+)"/g,
    );
    return [...found].map(([, name = ""]): [string, string] => [
      file,
      posix.join(posix.dirname(file), name),
    ]);
  });
}

/** The room that a file is in; undefined for a command, and for what is not in scripts/. */
const roomOf = (file: string): string | undefined =>
  file.match(/^scripts\/([^/]+)\//)?.[1];

/** Whether one file of scripts/ may import another. */
function mayImport(from: string, to: string): boolean {
  const [room, other] = [roomOf(from), roomOf(to)];
  if (!existsSync(join(ROOT, to))) return false;
  if (to.startsWith("snippets/")) return room !== "base";
  if (!other) return false;
  return !room || ROOMS.indexOf(other) <= ROOMS.indexOf(room);
}

describe("the rooms of scripts/", () => {
  test("are all that is there, beside the commands", () => {
    const entries = readdirSync(join(ROOT, "scripts"), { withFileTypes: true });
    const folders = entries.filter((one) => one.isDirectory());
    assert.deepEqual(folders.map((one) => one.name).sort(), [...ROOMS].sort());
    const files = entries.filter((one) => !one.isDirectory());
    const scripts = readFileSync(join(ROOT, "package.json"), "utf8");
    for (const { name } of files)
      assert.ok(scripts.includes(`scripts/${name}`));
  });

  test("import what stands above them, and nothing else", () => {
    const all = importsUnder("scripts");
    assert.deepEqual(
      all.filter(([from, to]) => !mayImport(from, to)),
      [],
    );
    for (const [from, to] of [
      ["scripts/base/command.ts", "snippets/broken.ts"],
      ["scripts/bed/http.ts", "scripts/verify/orders.ts"],
      ["scripts/probe.ts", "scripts/verify.ts"],
      ["scripts/verify/orders.ts", "scripts/verify/gone.ts"],
    ] as const)
      assert.ok(!mayImport(from, to));
  });
});

test("a snippet imports packages, drop-in/ and support/", () => {
  for (const [file, to] of importsUnder("snippets")) {
    const isNear = posix.dirname(to) === posix.dirname(file);
    const isFine = /^snippets\/(?:support|drop-in)\//.test(to);
    assert.ok(isFine || (isNear && posix.dirname(to) !== "snippets"), file);
  }
});

for (const folder of ["", "scripts/lab"]) {
  test(`${folder || "."}/package-lock.json has the hash of each package, and no registry's address`, () => {
    const text = readFileSync(join(ROOT, folder, "package-lock.json"), "utf8");
    const packages: Record<string, Record<string, unknown>> = JSON.parse(
      text,
    ).packages;
    const wrong = Object.entries(packages).filter(
      ([path, { link, inBundle, integrity, resolved }]) =>
        path && !link && (resolved || !(inBundle || integrity)),
    );
    assert.deepEqual(wrong, []);
  });
}
