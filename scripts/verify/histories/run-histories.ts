import { readFileSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../../cli/command.ts";
import { sideBySide } from "../../cli/side-by-side.ts";
import {
  FOR_HISTORIES,
  SnippetError,
  withSnippet,
} from "../../servers/snippet.ts";
import { type RunOptions, startTried } from "../run-snippets.ts";
import { headerOf } from "../verdicts.ts";
import { RULES, type RuleName } from "./reference.ts";
import {
  type HistoriesOptions,
  type HistoriesReport,
  tryHistories,
} from "./try-histories.ts";

/** What histories are made from, unless somebody says something else. */
export const SEED = 5;

/** Of this seed, each rule that a snippet can break is broken in so many. Of others, the rarest may not be. */
export const ENOUGH = 1000;

/** A snippet whose histories were tried, by its name. */
export interface HistoriesRow {
  name: string;
  report: HistoriesReport;
  /** The rules that it is expected to break, if its header says so. */
  expected: RuleName[] | undefined;
}

/** Tries the same histories with snippets, side by side. Returns a row for each, or how it failed. */
export async function runHistories(
  names: string[],
  options: Omit<RunOptions, "deep"> & HistoriesOptions,
): Promise<(HistoriesRow | SnippetError)[]> {
  return sideBySide(names, options, async (name, progress, cancel) => {
    const source = readFileSync(join(options.folder, `${name}.ts`), "utf8");
    const expected = readExpected(name, source);
    try {
      const start = startTried(name, { ...options, cancel }, FOR_HISTORIES);
      const report = await withSnippet(start, (snippet) =>
        tryHistories(snippet, { ...options, progress, cancel }),
      );
      return { name, report, expected };
    } catch (error) {
      if (error instanceof SnippetError) return error;
      throw error;
    }
  });
}

/**
 * Reads which rules a snippet's header expects it to break, such as `Histories: breaks ended is ended,
 * nobody else.` or `Histories: breaks nothing.`
 * @throws {UsageError} when it names something that is no rule
 */
export function readExpected(
  snippet: string,
  source: string,
): RuleName[] | undefined {
  const [, told] = headerOf(source).match(/Histories: breaks ([^.]*)\./) ?? [];
  if (told === undefined) return undefined;
  const phrases = told === "nothing" ? [] : told.split(/,\s+/);
  return phrases.map((phrase) => {
    const rule = RULES.find(({ name }) => name === phrase);
    if (rule) return rule.name;
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
  const wrong = RULES.filter((rule) => isUnexpected(row, rule.name));
  return wrong.map((rule) =>
    broken[rule.name]
      ? `${name} breaks “${rule.name}” (${count} histories of seed ${seed})`
      : `${name} was expected to break “${rule.name}”`,
  );
}
