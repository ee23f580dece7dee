import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BrowserName } from "./installed.ts";
import type { DeepReport, PairReport, Report } from "./observe.ts";
import type { Outcome } from "./scenarios.ts";

/** What was seen of each snippet, by its name. */
export type Observed = Record<
  string,
  Report & { deep?: DeepReport; pair?: PairReport }
>;

/** Where it is kept, from the top folder. The tables in the README and the posts are made of it. */
export const OBSERVED_FILE = join("assets", "verdicts.json");

/**
 * Reads what the last run with `--write` saw.
 * @param root the path of the repository's top folder
 */
export const readObserved = (root: string): Observed =>
  JSON.parse(readFileSync(join(root, OBSERVED_FILE), "utf8"));

/** Keeps what a run saw, for the tables. */
export const writeObserved = (root: string, observed: Observed): void =>
  writeFileSync(
    join(root, OBSERVED_FILE),
    `${JSON.stringify(observed, null, 2)}\n`,
  );

/** Who was logged in after each scenario in each browser, by the snippet's name. */
export type SeenInBrowsers = Partial<
  Record<BrowserName, { version: string; outcomes: Record<string, Outcome> }>
>;

const BROWSERS_FILE = join("assets", "browsers.json");

/** Reads what the last run of `verify:browsers` with `--write` saw. */
export const readSeenInBrowsers = (root: string): SeenInBrowsers =>
  JSON.parse(readFileSync(join(root, BROWSERS_FILE), "utf8"));

/** Keeps what such a run saw, for the tables. */
export const writeSeenInBrowsers = (root: string, seen: SeenInBrowsers): void =>
  writeFileSync(
    join(root, BROWSERS_FILE),
    `${JSON.stringify(seen, null, 2)}\n`,
  );
