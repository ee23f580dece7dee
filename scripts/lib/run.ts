import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import {
  type DeepReport,
  observe,
  observeTwo,
  type Progress,
  type Report,
} from "./observe.ts";
import { startPair } from "./pair.ts";
import { type SnippetError, startSnippet } from "./snippet.ts";
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
 * Runs snippets side by side, and asks each all questions. One more than the machine has cores run
 * at once, since each waits now and then.
 * @returns what came of each, in the order of the names
 */
export async function runSnippets(
  names: string[],
  options: RunOptions,
): Promise<Result[]> {
  const shares = names.map(() => 0);
  const results: Result[] = [];
  const waiting = names.entries();
  const worker = async () => {
    for (const [index, name] of waiting) {
      if (options.cancel.aborted) return;
      const progress = (share: number) => {
        shares[index] = share;
        const sum = shares.reduce((one, other) => one + other);
        options.progress(sum / names.length);
      };
      results[index] = await runSnippet(name, { ...options, progress });
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
  try {
    const snippet =
      processes === 2
        ? await startPair(file, cancel, { withRedis, claimBytes })
        : await startSnippet(file, cancel, { CLAIM_BYTES: String(claimBytes) });
    try {
      // Two requests at once come first, since the other questions move the clock.
      const found = {
        ...(deep && {
          deep: await observeTwo(snippet, (share) => progress(share * 0.8)),
        }),
        report: await observe(snippet, (share) =>
          progress(deep ? 0.8 + share * 0.2 : share),
        ),
      };
      await snippet.stop();
      return { name, ...found };
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
