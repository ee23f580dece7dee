import { readAsset, writeAsset } from "../cli/assets.ts";
import type { BrowserName } from "./installed-browsers.ts";
import { type Outcome, SCENARIOS } from "./scenarios.ts";

/** Who was logged in after each scenario in each browser, by the snippet's name. */
type SeenInBrowsers = Partial<
  Record<BrowserName, { version: string; outcomes: Record<string, Outcome> }>
>;

/** Reads what the last run of `verify:browsers` with `--write` saw. */
export const readSeenInBrowsers = (root: string): SeenInBrowsers =>
  readAsset(root, "browsers.json");

/** Keeps what such a run saw, for the tables. */
export const writeSeenInBrowsers = (root: string, seen: SeenInBrowsers): void =>
  writeAsset(root, "browsers.json", seen);

/** The rows of a table, its head first: after which scenario alice is back, with which snippets. */
export function browsersRows(seen: SeenInBrowsers): string[][] {
  const browsers = Object.values(seen);
  return [
    ["✗ alice is back when", ...browsers.map(({ version }) => nameOf(version))],
    ...SCENARIOS.map(({ name, meaning }) => [
      meaning,
      ...browsers.map(({ outcomes }) => {
        const lost = Object.keys(outcomes).filter(
          (snippet) => outcomes[snippet]?.[name],
        );
        return lost.length > 0 ? `✗ ${lost.join(", ")}` : "✓ never";
      }),
    ]),
  ];
}

/** Names a browser with the first number of its version. */
export const nameOf = (version: string): string =>
  version.replace(/^f/, "F").replace(/\/(\d+).*/, " $1");
