import type { Progress } from "../../cli/side-by-side.ts";
import { type History, makeHistories, shrink } from "./history.ts";
import { type Example, exampleOf } from "./history-lines.ts";
import type { Excuse } from "./ledger.ts";
import { type Playable, type Played, playHistory } from "./play-history.ts";
import type { RuleName } from "./reference.ts";

/** Which histories to try. */
export interface HistoriesOptions {
  count: number;
  /** What they are made from: the same seed makes the same ones. */
  seed: number;
  /** Whether to look for a shortest one for each rule that is broken, which takes a while. */
  isShrinking: boolean;
  /** Aborts to try no more of them. */
  cancel: AbortSignal;
  progress: Progress;
}

/** What came of the histories of one snippet. */
export interface HistoriesReport {
  count: number;
  seed: number;
  /** Which histories break a rule, by their places from 0, for each that some do. */
  broken: Partial<Record<RuleName, number[]>>;
  /** How often something happened that no server can prevent. */
  excused: Partial<Record<Excuse, number>>;
  /** A shortest history that breaks each of those rules. */
  examples: Partial<Record<RuleName, Example>>;
}

/** Tries histories with a running snippet, one after the other. */
export async function tryHistories(
  snippet: Playable,
  options: HistoriesOptions,
): Promise<HistoriesReport> {
  const { count, seed, isShrinking, cancel, progress } = options;
  const report: HistoriesReport = {
    count,
    seed,
    broken: {},
    excused: {},
    examples: {},
  };
  const { broken, excused, examples } = report;
  /** The history that is the first to break a rule, of those with the fewest steps. */
  const found = new Map<RuleName, History>();
  const sizeOf = (history?: History) => history?.steps.length ?? Infinity;
  for (const [index, history] of makeHistories(count, seed).entries()) {
    if (cancel.aborted) break;
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
  if (!isShrinking) return report;
  for (const [rule, history] of found) {
    if (cancel.aborted) break;
    const played = await shortest(snippet, history, rule, cancel);
    examples[rule] = exampleOf(played, rule);
    const share = Object.keys(examples).length / found.size;
    progress(0.8 + 0.2 * share);
  }
  return report;
}

/** Finds a shortest part of a history that still breaks a rule, and plays it once more. */
async function shortest(
  snippet: Playable,
  { flights, steps }: History,
  rule: RuleName,
  cancel: AbortSignal,
): Promise<Played> {
  const play = (part: History) => playHistory(snippet, part, { until: rule });
  const isBroken = ({ breaks }: Played) =>
    breaks.some((one) => one.rule === rule);
  const { steps: played } = await play({ flights, steps });
  const part = { flights, steps: steps.slice(0, played) };
  const short = await shrink(
    part,
    async (one) => !cancel.aborted && isBroken(await play(one)),
  );
  return play(short);
}
