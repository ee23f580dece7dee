import { UsageError } from "../base/command.ts";
import { RULE_NAMES } from "../base/meanings.ts";
import type { HistoriesReport, RuleName } from "../base/results.ts";
import {
  inWorkers,
  type Progress,
  type Task,
  type TaskError,
} from "../bed/workers.ts";
import { type RunOptions, startTried } from "../verify/run-snippets.ts";
import { expectationOf } from "../verify/snippet-files.ts";
import { exampleOf } from "./example.ts";
import { type History, makeHistories, shrink } from "./history.ts";
import { type Played, playHistory } from "./play-history.ts";

/** The default seed of histories. */
export const SEED = 5;

/** Of this seed, each rule that a snippet can break is broken in so many. Of others, the rarest may not be. */
export const ENOUGH = 1000;

/** The clocks of two machines are never the same. */
const AHEAD_MS = 5 * 60 * 1000;

/** Which histories are tried. */
interface HistoriesOptions {
  count: number;
  /** What they are made from: the same seed makes the same ones. */
  seed: number;
  /** Whether to look for a shortest one for each rule that is broken, which takes a while. */
  isShrinking: boolean;
}

/** A snippet whose histories were tried, by its name. */
export interface HistoriesRow {
  name: string;
  report: HistoriesReport;
  /** The rules that it is expected to break, if it says so at its end. */
  expected: RuleName[] | undefined;
}

/**
 * Tries the same histories with snippets, in as many processes as there are cores. With two servers,
 * the clock of the second one is ahead.
 * @returns a row for each, or how it failed
 */
export async function runHistories(
  names: string[],
  options: Omit<RunOptions, "aheadMs"> & HistoriesOptions,
  how: { cancel: AbortSignal; progress: Progress },
): Promise<(HistoriesRow | TaskError)[]> {
  const { folder } = options;
  const expected = names.map((name) =>
    expectedIn(name, expectationOf(name, folder)),
  );
  const found = await inWorkers<HistoriesReport>(
    import.meta.url,
    names.map((name) => ({ ...options, name, aheadMs: AHEAD_MS })),
    how,
  );
  return found.map((report, at) =>
    report instanceof Error
      ? report
      : { name: names[at] as string, report, expected: expected[at] },
  );
}

/** Tries histories with one snippet, one after the other, in a worker. */
export async function work(
  task: Task & RunOptions & HistoriesOptions,
  progress: Progress,
): Promise<HistoriesReport> {
  const { name, count, seed, isShrinking } = task;
  const snippet = await startTried(name, task);
  const broken: HistoriesReport["broken"] = {};
  const excused: HistoriesReport["excused"] = {};
  const examples: HistoriesReport["examples"] = {};
  /** The history that is the first to break a rule, of those with the fewest steps. */
  const found = new Map<RuleName, History>();
  const sizeOf = (history?: History) => history?.steps.length ?? Infinity;
  for (const [index, history] of makeHistories(count, seed).entries()) {
    const played = await playHistory(snippet, history);
    for (const { rule } of played.breaks) {
      broken[rule] = [...(broken[rule] ?? []), index];
      if (sizeOf(history) < sizeOf(found.get(rule))) found.set(rule, history);
    }
    for (const kind of played.excused) {
      excused[kind] = (excused[kind] ?? 0) + 1;
    }
    progress(((index + 1) / count) * (isShrinking ? 0.8 : 1));
  }
  for (const [rule, history] of isShrinking ? found : []) {
    const share = Object.keys(examples).length / found.size;
    const play = (part: History) => {
      progress(0.8 + 0.2 * share);
      return playHistory(snippet, part, { until: rule });
    };
    examples[rule] = exampleOf(await shortest(history, rule, play), rule);
  }
  return { count, seed, broken, excused, examples };
}

/** Finds a shortest part of a history that still breaks a rule, and plays it once more. */
export async function shortest(
  { flights, steps }: History,
  rule: RuleName,
  play: (part: History) => Promise<Played>,
): Promise<Played> {
  const { steps: played } = await play({ flights, steps });
  const part = { flights, steps: steps.slice(0, played) };
  const short = await shrink(part, async (one) => {
    const { breaks } = await play(one);
    return breaks.some((each) => each.rule === rule);
  });
  return play(short);
}

/**
 * Reads which rules a snippet is expected to break, such as `Histories: breaks ended is ended, nobody
 * else.` or `Histories: breaks nothing.`
 * @param expectation what the snippet says at its end
 * @throws {UsageError} when it names something that is no rule
 */
export function expectedIn(
  snippet: string,
  expectation: string,
): RuleName[] | undefined {
  const [, told] = expectation.match(/Histories: breaks ([^.]*)\./) ?? [];
  if (told === undefined) return undefined;
  const phrases = told === "nothing" ? [] : told.split(/,\s+/);
  return phrases.map((phrase) => {
    const rule = RULE_NAMES.find((name) => name === phrase);
    if (rule) return rule;
    throw new UsageError(`${snippet}: there is no rule “${phrase}”`);
  });
}

/** Whether a rule is broken that was expected to hold, or holds in too many histories. */
export function isUnexpected(
  { report, expected }: HistoriesRow,
  rule: RuleName,
): boolean {
  if (!expected) return false;
  const isBroken = report.broken[rule] !== undefined;
  const isAll = report.count >= ENOUGH && report.seed === SEED;
  if (isBroken || isAll) return isBroken !== expected.includes(rule);
  return false;
}

/** Tells where what was seen is not as expected, in a line each. */
export function unexpected(row: HistoriesRow): string[] {
  const { name, report } = row;
  const { broken, count, seed } = report;
  const wrong = RULE_NAMES.filter((rule) => isUnexpected(row, rule));
  return wrong.map((rule) =>
    broken[rule]
      ? `${name} breaks “${rule}” (${count} histories of seed ${seed})`
      : `${name} was expected to break “${rule}”`,
  );
}
