import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Progress, sideBySide } from "../cli/side-by-side.ts";
import { copyRepository } from "../cli/testing.ts";
import type { Mutant } from "./mutants-data.ts";

/** What a mutant can be noticed by, each with the command lines that look, the quickest first. */
const CHECKS = {
  orders: ({ shownBy }: Mutant) => [["scripts/verify.ts", ...shownBy]],
  histories: ({ shownBy }: Mutant) => [
    ["scripts/verify.ts", "--histories", "100", "--seed", "1", ...shownBy],
  ],
  tests: ({ file }: Mutant) =>
    (file.startsWith("drop-in")
      ? ["drop-in", "drop-in-in-apps", "deployment"]
      : ["remedies", "contract"]
    ).map((name) => [
      "--test",
      // Some make a test wait, or work, for ever.
      "--test-timeout=300000",
      // This one breaks what is broken already.
      "--test-name-pattern=^(?!each of these tests can fail)",
      `scripts/servers/${name}.test.ts`,
    ]),
} satisfies Record<string, (mutant: Mutant) => string[][]>;

type CheckName = keyof typeof CHECKS;

/** A mutant, and the first check that has noticed it, if one has. */
export interface Tried extends Mutant {
  noticedBy?: CheckName;
}

/**
 * Tries mutants, each in a copy of the repository, until a check notices it.
 * @param mutants what to try
 * @param options.tell is told what came of each, as soon as that is known
 * @param checks the checks to take, for each mutant; all by default
 * @throws {Error} when the file of one does not have its text exactly once
 */
export const tryMutants = (
  mutants: Mutant[],
  options: {
    cancel: AbortSignal;
    progress: Progress;
    tell?: (tried: Tried) => void;
  },
  checks: (mutant: Mutant) => CheckName[] = () =>
    Object.keys(CHECKS) as CheckName[],
): Promise<Tried[]> =>
  sideBySide(mutants, options, async (mutant, _, cancel) => {
    const noticedBy = await noticing(mutant, checks(mutant), cancel);
    const tried = { ...mutant, ...(noticedBy && { noticedBy }) };
    options.tell?.(tried);
    return tried;
  });

/** Finds the first check that notices a mutant, in a copy of the repository. */
async function noticing(
  mutant: Mutant,
  checks: CheckName[],
  cancel: AbortSignal,
): Promise<CheckName | undefined> {
  const cleanUp: (() => void)[] = [];
  const copy = copyRepository({ after: (work) => cleanUp.push(work) });
  try {
    const path = join(copy.folder, "snippets", mutant.file);
    if (readFileSync(path, "utf8").split(mutant.from).length !== 2) {
      throw new Error(`${mutant.file} does not have once: ${mutant.from}`);
    }
    copy.edit(join("snippets", mutant.file), mutant.from, mutant.to);
    for (const name of checks) {
      for (const words of CHECKS[name](mutant)) {
        if (await fails(copy.folder, words, cancel)) return name;
      }
    }
    return undefined;
  } finally {
    for (const work of cleanUp) work();
  }
}

/**
 * Runs a command line of Node's in a folder.
 * @returns whether it has seen something that is not as it should be
 * @throws {Error} when it could not look
 */
async function fails(
  cwd: string,
  words: string[],
  signal: AbortSignal,
): Promise<boolean> {
  const tsx = import.meta.resolve("tsx");
  const child = spawn(process.execPath, ["--import", tsx, ...words], {
    ...{ cwd, signal, stdio: "ignore", killSignal: "SIGTERM" },
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, HIDE_OPTIONAL: "yes" },
  });
  const [code] = await once(child, "exit");
  if (code !== 0 && code !== 1) {
    throw new Error(`node ${words.join(" ")} ended with ${code}`);
  }
  return code === 1;
}
