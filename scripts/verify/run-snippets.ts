import type { DeepReport, Report } from "../base/results.ts";
import { type Snippet, startSnippet } from "../bed/snippet.ts";
import {
  inWorkers,
  type Progress,
  type Task,
  type TaskError,
} from "../bed/workers.ts";
import { observe, observeTwo } from "./observe.ts";
import type { Tried } from "./race.ts";
import { lookAfterEachStep } from "./record-race.ts";
import { fileOf, isTriedLate, needsRedis, usesRedis } from "./snippet-files.ts";

/** How snippets are run. */
export interface RunOptions {
  /** The folder in which they are. */
  folder: string;
  /** Whether alice's session is so large that its cookie comes in chunks. */
  large?: boolean;
  /** How many servers of a snippet are the app. */
  processes: 1 | 2;
  /** How far the clock of the second one is ahead, in milliseconds. */
  aheadMs?: number;
}

/** Fills more than one cookie, which holds 4096 bytes, and less than the headers that Node takes. */
const LARGE_CLAIM_BYTES = 5000;

/** Starts a snippet in this process, as it wants to be tried. */
export async function startTried(
  name: string,
  { folder, large, processes, aheadMs = 0 }: RunOptions,
): Promise<Tried> {
  const needs = processes === 2 ? usesRedis : needsRedis;
  const snippet: Snippet = await startSnippet(fileOf(name, folder), {
    ...{ processes, aheadMs, redis: needs(name, folder) },
    settings: { CLAIM_BYTES: String(large ? LARGE_CLAIM_BYTES : 0) },
  });
  return { ...snippet, isTriedLate: isTriedLate(name, folder) };
}

/** What is asked of a snippet: all questions, also of two requests at once, or after each step. */
type Asked = "questions" | "two requests" | "each step";

interface SnippetTask extends Task, RunOptions {
  asked: Asked;
}

/** What was seen of a snippet, as {@link Asked} says. */
export interface Seen {
  name: string;
  report: Report;
  deep?: DeepReport;
}

/** Asks one snippet, in a worker. */
export async function work(task: SnippetTask, progress: Progress) {
  const { name, asked } = task;
  const snippet = await startTried(name, task);
  if (asked === "each step") return lookAfterEachStep(snippet, progress);
  const share = asked === "two requests" ? 0.8 : 0;
  // Two requests at once come first, since the other questions move the clock.
  const deep =
    share > 0
      ? await observeTwo(snippet, (part) => progress(part * share))
      : undefined;
  const report = await observe(snippet, (part) =>
    progress(share + part * (1 - share)),
  );
  return { name, report, ...(deep && { deep }) };
}

/** Asks snippets, in as many processes as there are cores. */
export const runSnippets = <Result = Seen>(
  names: string[],
  asked: Asked,
  options: RunOptions,
  how: { cancel: AbortSignal; progress: Progress },
): Promise<(Result | TaskError)[]> =>
  inWorkers<Result>(
    import.meta.url,
    names.map((name) => ({ ...options, name, asked })),
    how,
  );
