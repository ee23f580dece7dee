import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, posix } from "node:path";
import { describe, test } from "node:test";
import { ROOT } from "./root.ts";

/** The rooms of scripts/. Each may import those that stand above it, but the first two import none. */
const ROOMS = [
  "cli",
  "client",
  "servers",
  "verify",
  "browsers",
  "probe",
  "publish",
  "lab",
];

/** All source files under a folder, with the files that each of them imports, from the top folder. */
function importsUnder(folder: string): Map<string, string[]> {
  const files = readdirSync(join(ROOT, folder), { recursive: true })
    .map((file) => posix.join(folder, String(file).replaceAll("\\", "/")))
    .filter((file) => /\.[mc]?[jt]s$/.test(file))
    .filter((file) => !file.includes("node_modules"));
  return new Map(files.map((file) => [file, importsOf(file)]));
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  const found = text.matchAll(
    /\b(?:from|import|resolve)\s*\(?\s*"(\.{1,2}\/[\w./-]+)"/g,
  );
  return [...found].map(([, name = ""]) =>
    posix.join(posix.dirname(file), name),
  );
}

/** The room that a file is in; undefined for a command, and for what is not in scripts/. */
const roomOf = (file: string): string | undefined =>
  file.match(/^scripts\/([^/]+)\//)?.[1];

/** Says what is wrong with an import, or nothing. */
function mistakeOf(from: string, to: string): string | undefined {
  const [room, other] = [roomOf(from), roomOf(to)];
  const told = `${from} imports ${to}`;
  if (!existsSync(join(ROOT, to))) return `${told}, which is not there`;
  if (to.startsWith("snippets/")) {
    return room === "cli" || room === "client" ? told : undefined;
  }
  if (!other) return `${told}: nothing imports a command`;
  if (!room || room === other) return undefined;
  const isAbove = ROOMS.indexOf(other) < ROOMS.indexOf(room);
  // The tests of each room may use what starts a command and copies the repository.
  const isTool = from.includes(".test.") && to === "scripts/cli/testing.ts";
  if (isTool) return undefined;
  return isAbove && room !== "client" ? undefined : told;
}

/** Finds the circles that imports make, each as a line. */
function circles(imports: Map<string, string[]>): string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, path: string[]) => {
    const at = path.indexOf(file);
    if (at >= 0) found.push([...path.slice(at), file].join(" → "));
    if (at >= 0 || done.has(file)) return;
    for (const next of imports.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  return found;
}

describe("the rooms of scripts/", () => {
  const imports = importsUnder("scripts");
  const all = [...imports].flatMap(([from, files]) =>
    files.map((to) => [from, to] as const),
  );

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
    const wrong = all.flatMap(([from, to]) => mistakeOf(from, to) ?? []);
    assert.deepEqual(wrong, []);
  });

  test("have no circles", () => {
    assert.deepEqual(circles(imports), []);
  });

  test("have no two files of one name", () => {
    const names = [...imports.keys(), ...importsUnder("snippets").keys()].map(
      (file) => basename(file).replace(/\.[mc]?[jt]s$/, ""),
    );
    const twice = names.filter((name, at) => names.indexOf(name) < at);
    // The drop-in is there as TypeScript and as JavaScript.
    assert.deepEqual(twice, ["lasting-logout"]);
  });

  test("would not pass with a wrong import, or with a circle", () => {
    const wrong = [
      ["scripts/client/http.ts", "scripts/cli/command.ts"],
      ["scripts/client/http.ts", "snippets/broken.ts"],
      ["scripts/servers/snippet.ts", "scripts/verify/orders.ts"],
      ["scripts/probe.ts", "scripts/verify.ts"],
      ["scripts/verify/orders.ts", "scripts/verify/gone.ts"],
    ] as const;
    for (const [from, to] of wrong)
      assert.match(mistakeOf(from, to) ?? "", /imports/);
    const circle = new Map([
      ["one", ["two"]],
      ["two", ["three"]],
      ["three", ["two"]],
    ]);
    assert.deepEqual(circles(circle), ["two → three → two"]);
  });
});

test("a snippet imports packages, drop-in/ and support/", () => {
  for (const [file, imported] of importsUnder("snippets")) {
    for (const one of imported) {
      const isNear =
        dirname(one) === dirname(file) && dirname(file) !== "snippets";
      assert.match(
        isNear ? "snippets/support/" : one,
        /^snippets\/(?:support|drop-in)\//,
        file,
      );
    }
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
