import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { UsageError } from "./command.ts";
import {
  type DeepReport,
  observe,
  observeTwo,
  type Progress,
  type Report,
} from "./observe.ts";
import { startPair } from "./pair.ts";
import { SnippetError, startSnippet, withSnippet } from "./snippet.ts";
import { IN_REDIS, VERDICTS } from "./verdicts.ts";

/** What came of a snippet: what was seen of it, or how it failed. */
export type Result =
  | { name: string; report: Report; deep?: DeepReport }
  | { name: string; failure: SnippetError };

/** How to run snippets. */
export interface RunOptions {
  /** The folder in which they are. */
  folder: string;
  /** Whether alice's session is so large that its cookie comes in chunks. */
  large: boolean;
  /** Whether to try two requests at once, too. */
  deep: boolean;
  /** How many processes of a snippet are the app. */
  processes: 1 | 2;
  /** Aborts to end all their processes at once. */
  cancel: AbortSignal;
  progress: Progress;
}

/** Fills more than one cookie, which holds 4096 bytes, and less than the headers that Node takes. */
const LARGE_CLAIM_BYTES = 5000;

/**
 * Runs snippets side by side, and asks each all questions.
 * @returns what came of each, in the order of the names
 */
export async function runSnippets(
  names: string[],
  options: RunOptions,
): Promise<Result[]> {
  return sideBySide(names, options, (name, progress) =>
    runSnippet(name, { ...options, progress }),
  );
}

/**
 * Does the same with each of some things, side by side: one more at a time than the machine has
 * cores, since each waits now and then.
 * @param options.cancel aborts to begin no more of them
 * @param options.progress is told how much of all is done
 * @param work what to do with one thing; its own progress is a part of all
 * @returns what came of each, in the order of the things
 */
export async function sideBySide<Thing, Result>(
  things: Thing[],
  options: Pick<RunOptions, "cancel" | "progress">,
  work: (thing: Thing, progress: Progress) => Promise<Result>,
): Promise<Result[]> {
  const shares = things.map(() => 0);
  const results: Result[] = [];
  const waiting = things.entries();
  const worker = async () => {
    for (const [index, thing] of waiting) {
      if (options.cancel.aborted) return;
      results[index] = await work(thing, (share) => {
        shares[index] = share;
        const sum = shares.reduce((one, other) => one + other);
        options.progress(sum / things.length);
      });
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() + 1 }, worker));
  return results;
}

async function runSnippet(name: string, options: RunOptions): Promise<Result> {
  const { folder, large, deep, processes, cancel, progress } = options;
  const file = join(folder, `${name}.ts`);
  const claimBytes = large ? LARGE_CLAIM_BYTES : 0;
  const withRedis = IN_REDIS.includes(name);
  const start =
    processes === 2
      ? startPair(file, cancel, { withRedis, claimBytes })
      : startSnippet(file, cancel, { CLAIM_BYTES: String(claimBytes) });
  try {
    return await withSnippet(
      start,
      // Two requests at once come first, since the other questions move the clock.
      async (snippet) => ({
        name,
        ...(deep && {
          deep: await observeTwo(snippet, (share) => progress(share * 0.8)),
        }),
        report: await observe(snippet, (share) =>
          progress(deep ? 0.8 + share * 0.2 : share),
        ),
      }),
    );
  } catch (error) {
    if (error instanceof SnippetError) return { name, failure: error };
    throw error;
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

/**
 * Reads the names of snippets from a command line.
 * @returns each once; without any, all that have a verdict
 * @throws {UsageError} when there is no such snippet
 */
export function namesFrom(words: string[]): string[] {
  const all = Object.keys(VERDICTS);
  const wrong = words.find((name) => !all.includes(name));
  if (wrong !== undefined) {
    throw new UsageError(
      `there is no snippet ${wrong}; there are ${all.join(", ")}`,
    );
  }
  return words.length > 0 ? [...new Set(words)] : all;
}

/** Looks whether a folder of snippets that a command line names is there. */
export function checkFolder(folder: string | undefined): void {
  if (folder && !existsSync(folder)) {
    throw new UsageError(`there is no folder ${folder}`);
  }
}
