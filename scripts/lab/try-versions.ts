import { spawn } from "node:child_process";
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../cli/root.ts";
import type { Progress } from "../cli/side-by-side.ts";
import type { Tried } from "../publish/versions-data.ts";
import { SnippetError } from "../servers/snippet.ts";
import { type Result, runSnippets } from "../verify/run-snippets.ts";
import { differences, readVerdicts } from "../verify/verdicts.ts";

/** A version of express-openid-connect, and the version of Express that it runs on. */
export type Combination = Pick<Tried, "library" | "express">;

/** The versions that are tried beside the installed one: the first with the bug's report, and others. */
const OLDER = ["2.12.0", "2.20.2", "3.0.0"];

/**
 * Finds the combinations: the older versions and the one that is installed, on Express 4 and 5.
 * @param only a version that is taken in the place of all others
 */
export function combinationsOf(only: Partial<Combination>): Combination[] {
  const installed = (name: string): string => {
    const file = join(ROOT, "node_modules", name, "package.json");
    return JSON.parse(readFileSync(file, "utf8")).version;
  };
  const libraries = [...OLDER, installed("express-openid-connect")];
  const expresses = [installed("express-4"), installed("express")];
  return (only.library ? [only.library] : libraries).flatMap((library) =>
    (only.express ? [only.express] : expresses).map((express) => ({
      ...{ library, express },
    })),
  );
}

/**
 * Installs a combination in a temporary folder, with a copy of the snippets, and asks some of them
 * all that the verifier asks. The folder is gone in the end.
 * @param options.cancel aborts to end everything at once
 * @throws {SnippetError} when it can't be installed
 */
export async function tryCombination(
  { library, express }: Combination,
  names: string[],
  options: { cancel: AbortSignal; progress: Progress },
): Promise<Result[]> {
  const top = readFileSync(join(ROOT, "package.json"), "utf8");
  const { type, dependencies } = JSON.parse(top);
  const combination = { "express-openid-connect": library, express };
  const folder = mkdtempSync(join(tmpdir(), "in-flight-"));
  try {
    const own = { type, dependencies: { ...dependencies, ...combination } };
    writeFileSync(join(folder, "package.json"), JSON.stringify(own));
    const snippets = join(folder, "snippets");
    cpSync(join(ROOT, "snippets"), snippets, { recursive: true });
    await install(folder, options.cancel);
    return await runSnippets(names, {
      ...options,
      folder: snippets,
      ...{ large: false, deep: false, processes: 1 },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Installs what a folder's package.json names. Resolves when npm has ended, so that it writes no more. */
async function install(cwd: string, signal: AbortSignal): Promise<void> {
  const child = spawn("npm", ["install", "--loglevel", "error"], {
    ...{ cwd, signal, killSignal: "SIGKILL" },
    stdio: ["ignore", "ignore", "inherit"],
  });
  // It is an error, too, when it ends because of the signal. How it ended says as much.
  child.on("error", () => {});
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new SnippetError(`npm install ended, with ${code}`);
}

/**
 * Says in a word what came of a snippet.
 * @returns the number of losing orders for one that is broken; whether a fix holds; or that it fails
 */
export function resultOf(result: Result): string {
  if ("failure" in result) return "does not run";
  const { observation } = result.report;
  if (result.name.startsWith("broken")) return String(observation.browser);
  const expected = readVerdicts()[result.name];
  const isAsExpected =
    expected && differences(expected, observation).length === 0;
  return isAsExpected ? "holds" : "differs";
}
