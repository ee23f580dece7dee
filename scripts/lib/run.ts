import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { observe, type Report, STEPS } from "./observe.ts";
import { type SnippetError, startSnippet } from "./snippet.ts";
import { VERDICTS } from "./verdicts.ts";

/** What came of a snippet: what was seen of it, or how it failed. */
export type Result =
  | { name: string; report: Report }
  | { name: string; failure: SnippetError };

/**
 * Runs snippets side by side, and asks each all questions. One more than the machine has cores run
 * at once, since each waits now and then.
 * @param folder where the snippets are
 * @param cancel aborts to end all their processes at once
 * @param progress is called with how far the whole is, from 0 to 1
 * @returns what came of each, in the order of the names
 */
export async function runSnippets(
  names: string[],
  folder: string,
  cancel: AbortSignal,
  progress: (share: number) => void,
): Promise<Result[]> {
  let steps = 0;
  const results: Result[] = [];
  const waiting = names.entries();
  const worker = async () => {
    for (const [index, name] of waiting) {
      results[index] = await runSnippet(
        join(folder, `${name}.ts`),
        cancel,
        () => progress(++steps / (names.length * STEPS)),
      );
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() + 1 }, worker));
  return results;
}

async function runSnippet(
  file: string,
  cancel: AbortSignal,
  progress: () => void,
): Promise<Result> {
  const name = basename(file, ".ts");
  try {
    const snippet = await startSnippet(file, cancel);
    try {
      const report = await observe(snippet, progress);
      await snippet.stop();
      return { name, report };
    } catch (error) {
      // A process that dies hangs up first. How it died says more.
      const end = await snippet.stop();
      const reason = end ? `it ended, with ${end}` : error;
      return { name, failure: snippet.blame(reason) };
    }
  } catch (error) {
    return { name, failure: error as SnippetError };
  }
}

/**
 * Compares a folder of snippets with the verdict table, so that neither has what the other lacks.
 * @returns a line for each difference, with what to do about it
 */
export function strangers(folder: string): string[] {
  const files = readdirSync(folder).filter((file) => file.endsWith(".ts"));
  const unknown = files.filter((file) => !(basename(file, ".ts") in VERDICTS));
  const missing = Object.keys(VERDICTS).filter(
    (name) => !existsSync(join(folder, `${name}.ts`)),
  );
  return [
    ...unknown.map(
      (file) => `${file} has no verdict: add one to scripts/lib/verdicts.ts`,
    ),
    ...missing.map(
      (name) =>
        `${name} has a verdict, but there is no ${join(folder, name)}.ts`,
    ),
  ];
}
