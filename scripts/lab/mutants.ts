import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, symlinkSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { ROOT } from "../base/root.ts";
import { copyRepository } from "../base/testing.ts";
import { MUTANTS } from "./mutants-data.ts";

// Makes small mistakes in the drop-in and in other remedies, one in each copy of the repository, and
// tells which check notices it, or that none does. All of them take hours. It takes those in whose
// file and description a text stands that it is given.

const [text = ""] = process.argv.slice(2);

/** The command lines that look, the quickest first. */
function checksOf(file: string): string[][] {
  const isDropIn = file.startsWith("drop-in/");
  const names = isDropIn
    ? ["fix-complete", "fix-complete-cookie"]
    : [basename(file, ".ts")];
  const room = join("scripts", isDropIn ? "drop-in" : "verify");
  const wanted = isDropIn ? /\.test\.ts$/ : /^(remedies|contract)\.test\.ts$/;
  const tests = readdirSync(join(ROOT, room)).filter((one) => wanted.test(one));
  return [
    ["scripts/verify.ts", ...names],
    ["scripts/verify.ts", "--histories", "100", "--seed", "1", ...names],
    ["scripts/test.ts", ...tests.map((name) => join(room, name))],
  ];
}

/** Makes a mistake, or none, and returns the command line that notices it. */
async function noticedBy(file: string, from: string, to: string) {
  const cleanUp: (() => void)[] = [];
  const copy = copyRepository({ after: (work) => cleanUp.push(work) });
  const modules = join("scripts", "lab", "node_modules");
  symlinkSync(join(ROOT, modules), join(copy.folder, modules), "junction");
  try {
    if (from !== to) copy.edit(join("snippets", file), from, to);
    for (const words of checksOf(file)) {
      const child = spawn(process.execPath, ["--import", "tsx", ...words], {
        ...{ cwd: copy.folder, stdio: "ignore" },
        // Some make a test wait, or work, for ever.
        timeout: 900_000,
        env: { ...process.env, HIDE_OPTIONAL: "yes" },
      });
      const [code] = await once(child, "exit");
      if (code === 2) throw new Error(`${words.join(" ")} could not look`);
      if (code !== 0) return words.join(" ");
    }
    return undefined;
  } finally {
    for (const work of cleanUp) work();
  }
}

const chosen = Object.entries(MUTANTS)
  .flatMap(([file, mutants]) => mutants.map((one) => [file, ...one] as const))
  .filter(([file, what]) => `${file}: ${what}`.includes(text));
for (const file of new Set(chosen.map(([file]) => file))) {
  const wrong = await noticedBy(file, "", "");
  if (wrong) throw new Error(`${wrong} fails without a mistake in ${file}`);
}
const waiting = chosen.values();
const workers = Array.from({ length: availableParallelism() }, async () => {
  for (const [file, what, from, to] of waiting) {
    const noticed = await noticedBy(file, from, to);
    console.log(`${file}: ${what}: ${noticed ?? "NOT NOTICED"}`);
    process.exitCode ||= Number(!noticed);
  }
});
await Promise.all(workers);
