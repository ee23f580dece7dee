import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { UsageError } from "../cli/command.ts";
import { atOnce, type Progress, sideBySide } from "../cli/side-by-side.ts";
import {
  type Inside,
  SnippetError,
  startSnippet,
  startTogether,
  withSnippet,
  withTogether,
} from "../servers/snippet.ts";
import {
  needsRedis,
  snippetNames,
  usesRedis,
} from "../servers/snippet-files.ts";
import {
  startTwoProcesses,
  type TwoProcesses,
} from "../servers/two-processes.ts";
import {
  type DeepReport,
  observe,
  observeTwo,
  type Report,
} from "./observe.ts";
import type { Tried } from "./race.ts";
import { isTriedLate, readVerdicts } from "./verdicts.ts";

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
 * @param options.areShared whether some have one process, one after the other: to start one, and to
 * compile what all of them load, takes longer than the questions
 * @returns what came of each, in the order of the names
 */
export async function runSnippets(
  names: string[],
  { areShared = false, ...options }: RunOptions & { areShared?: boolean },
): Promise<Result[]> {
  const { folder } = options;
  const alone = names.filter((name) => !areShared || needsRedis(name, folder));
  const shared = names.filter((name) => !alone.includes(name));
  const count = atOnce();
  const groups = Array.from({ length: count }, (_, at) =>
    shared.filter((_, index) => index % count === at),
  ).filter(({ length }) => length > 0);
  const all = [...groups, ...alone.map((name) => [name])];
  const found = await sideBySide(all, options, (group, progress, cancel) =>
    runGroup(group, { ...options, progress, cancel }),
  );
  const results = found.flat();
  return names.flatMap(
    (name) => results.find((result) => result.name === name) ?? [],
  );
}

/** Runs snippets one after the other, in one process if that works. */
export async function runGroup(
  names: string[],
  options: RunOptions,
): Promise<Result[]> {
  const together =
    names.length > 1 ? await runTogether(names, options) : undefined;
  if (together && !(together instanceof SnippetError)) return together;
  const results: Result[] = [];
  for (const [at, name] of names.entries()) {
    if (options.cancel.aborted) break;
    const progress = (share: number) =>
      options.progress((at + share) / names.length);
    results.push(await runSnippet(name, { ...options, progress }));
  }
  const [first] = results;
  // What fails only beside others is not to be hidden.
  if (first && together && !results.some((one) => "failure" in one)) {
    results[0] = { name: first.name, failure: together };
  }
  return results;
}

/** Returns how one fails. Which one, is seen when each has a process of its own. */
async function runTogether(
  names: string[],
  { folder, large, cancel, progress }: RunOptions,
): Promise<Result[] | SnippetError> {
  const files = names.map((name) => join(folder, `${name}.ts`));
  const starting = startTogether(files, cancel, settingsFor(large));
  try {
    return await withTogether(starting, async (snippets) => {
      const results: Result[] = [];
      for (const [at, snippet] of snippets.entries()) {
        const { name } = snippet;
        const told = (share: number) => progress((at + share) / names.length);
        const tried = { ...snippet, ...howToTry(name, folder) };
        results.push({ name, report: await observe(tried, told) });
      }
      return results;
    });
  } catch (error) {
    if (error instanceof SnippetError) return error;
    throw error;
  }
}

/** Says how a snippet wants to be tried. */
const howToTry = (name: string, folder: string) => ({
  isTriedLate: isTriedLate(readFileSync(join(folder, `${name}.ts`), "utf8")),
});

const claimBytesOf = (large: boolean) => (large ? LARGE_CLAIM_BYTES : 0);

const settingsFor = (large: boolean) => ({
  CLAIM_BYTES: String(claimBytesOf(large)),
});

/** The clocks of two machines are never the same. */
const aheadMs = 5 * 60 * 1000;

/** Starts a snippet, or two processes of it that are one app. */
export function startTried(
  name: string,
  options: Omit<RunOptions, "deep" | "progress">,
  inside?: Inside[],
): Promise<Tried & Partial<Pick<TwoProcesses, "both">>> {
  const { folder, large, processes, cancel } = options;
  const file = join(folder, `${name}.ts`);
  if (processes === 1) {
    return startSnippet(file, cancel, settingsFor(large), inside);
  }
  const claimBytes = claimBytesOf(large);
  const withRedis = usesRedis(name, folder);
  const more = { withRedis, claimBytes, ...(inside && { inside, aheadMs }) };
  return startTwoProcesses(file, cancel, more);
}

async function runSnippet(name: string, options: RunOptions): Promise<Result> {
  const { folder, deep, progress } = options;
  const how = howToTry(name, folder);
  const start = startTried(name, options);
  try {
    return await withSnippet(
      start,
      // Two requests at once come first, since the other questions move the clock.
      async (snippet) => ({
        name,
        ...(deep && {
          deep: await observeTwo({ ...snippet, ...how }, (share) =>
            progress(share * 0.8),
          ),
        }),
        report: await observe({ ...snippet, ...how }, (share) =>
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
 * Reads the names of snippets from a command line.
 * @param folder where they are
 * @returns each once; without any, all that are there, in the order of tables
 * @throws {UsageError} when there is no such snippet
 */
export function namesFrom(words: string[], folder: string): string[] {
  const judged = Object.keys(readVerdicts(folder));
  const others = snippetNames(folder).filter((name) => !judged.includes(name));
  const names = [...judged, ...others];
  // Whoever lets the shell complete a name has the file's path.
  const asked = words.map((word) => basename(word, ".ts"));
  const wrong = asked.find((name) => !names.includes(name));
  if (wrong !== undefined) {
    throw new UsageError(
      `there is no snippet ${wrong}; there are ${names.join(", ")}`,
    );
  }
  return asked.length > 0 ? [...new Set(asked)] : names;
}

/** Looks whether a folder of snippets that a command line names is there. */
export function checkFolder(folder: string): void {
  if (!existsSync(folder)) {
    throw new UsageError(`there is no folder ${folder}`);
  }
}
