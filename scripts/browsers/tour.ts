import { join } from "node:path";
import { progressLine } from "../cli/command.ts";
import { sideBySide } from "../cli/side-by-side.ts";
import { SnippetError, startSnippet, withSnippet } from "../servers/snippet.ts";
import type { Verdict } from "../verify/verdicts.ts";
import { type BrowserName, launchBrowser } from "./installed-browsers.ts";
import {
  expectedIn,
  type Outcome,
  SCENARIOS,
  type Scenario,
  type Visit,
  visit,
} from "./scenarios.ts";

/** What was seen of some snippets in one browser. */
export interface Tour {
  browserName: BrowserName;
  /** The browser's own name, with its version. */
  version: string;
  visits: Record<string, Visit>;
  /** What is not as expected, a line each. */
  problems: string[];
}

/**
 * Plays all scenarios with some snippets, side by side, each in a window of a process of its own:
 * of all windows of one Firefox, only one takes keys.
 * @param path where the browser is
 * @param options.cancel aborts to end the browser and the snippets at once
 */
export async function tour(
  browserName: BrowserName,
  path: string,
  options: {
    folder: string;
    names: string[];
    /** What is expected of the snippets in the folder. */
    verdicts: Record<string, Verdict>;
    cancel: AbortSignal;
  },
): Promise<Tour> {
  const { folder, names, verdicts, cancel } = options;
  const first = await launchBrowser(browserName, path);
  const browsers = [first];
  const idle = [first];
  const close = () => Promise.all(browsers.map((browser) => browser.close()));
  cancel.addEventListener("abort", close);
  try {
    const version = await first.version();
    const progress = progressLine(`Clicking in ${version}`);
    const problems: string[] = [];
    const visits = await sideBySide(
      names,
      { cancel, progress },
      async (name, progress, cancel) => {
        const browser = idle.pop() ?? (await launchBrowser(browserName, path));
        if (!browsers.includes(browser)) browsers.push(browser);
        try {
          const seen = await withSnippet(
            startSnippet(join(folder, `${name}.ts`), cancel),
            (snippet) => visit(browser, browserName, snippet, progress),
          );
          problems.push(...problemsOf(browserName, name, verdicts[name], seen));
          return [[name, seen] as const];
        } catch (error) {
          if (!(error instanceof SnippetError)) throw error;
          problems.push(`${browserName}: ${error.message}`);
          return [];
        } finally {
          idle.push(browser);
        }
      },
    );
    return {
      browserName,
      version,
      visits: Object.fromEntries(visits.flat()),
      problems,
    };
  } finally {
    cancel.removeEventListener("abort", close);
    await close();
  }
}

/**
 * Compares what was seen of a snippet in a browser with what is expected.
 * @returns the scenarios that ended otherwise, with both ends
 */
export function differencesIn(
  browserName: BrowserName,
  verdict: Verdict | undefined,
  outcome: Outcome,
): { scenario: Scenario; expected: string | null; seen: string | null }[] {
  if (!verdict) return [];
  const expected = expectedIn(browserName, verdict);
  return SCENARIOS.map((scenario) => ({
    scenario,
    expected: expected[scenario.name],
    seen: outcome[scenario.name],
  })).filter(({ expected, seen }) => expected !== seen);
}

const problemsOf = (
  browserName: BrowserName,
  name: string,
  verdict: Verdict | undefined,
  { outcome, complaints }: Visit,
): string[] =>
  [
    ...differencesIn(browserName, verdict, outcome).map(
      ({ scenario, expected, seen }) =>
        `"${scenario.heading}" was expected to end with ` +
        `${expected ?? "nobody"}, and ends with ${seen ?? "nobody"}`,
    ),
    ...complaints,
  ].map((problem) => `${name} in ${browserName}: ${problem}`);
