import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BrowserName } from "./installed-browsers.ts";
import type { Outcome } from "./scenarios.ts";

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
