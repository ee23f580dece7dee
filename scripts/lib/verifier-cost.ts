import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spread } from "./spread.ts";

/** How long an order of one snippet takes, beside its own HTTP requests with nothing between. */
export interface ReplayCost {
  /** How many HTTP requests an order has. */
  requests: number;
  /** The order's time, as so many times that of its requests: the median of all orders. */
  ratio: number;
}

/** How long a run of the verifier takes, beside a run over one snippet. */
export interface RunCost {
  /** What it is a run of. */
  what: string;
  orders: number;
  /** How many HTTP requests it sends, in the orders and for the other questions. */
  requests: number;
  /** Its time by the clock, as so many times that of one snippet: the median of some rounds. */
  ratio: number;
  /** The least and the most of them. */
  range: [number, number];
}

/** How long an order takes in a real browser. */
export interface BrowserCost {
  /** The browser's own name, with its version. */
  version: string;
  /** Its time, as so many times that of the verifier: the median of some rounds. */
  ratio: number;
  range: [number, number];
}

/** What the verifier itself costs. Parts that could not be measured are missing. */
export interface VerifierCost {
  replays?: Record<string, ReplayCost>;
  runs?: RunCost[];
  browser?: BrowserCost;
}

/** The parts, in the order in which they are measured. */
export const COST_PARTS = ["replays", "runs", "browser"] as const;

/** An order may take this many times as long as its own requests. */
export const MOST_TIMES = 2;

/** Where it is kept, from the top folder. */
export const VERIFIER_COST_FILE = "assets/timings.json";

/**
 * Reads what the last run of `npm run timings` with `--write` has measured.
 * @param root the path of the repository's top folder
 */
export const readVerifierCost = (root: string): Required<VerifierCost> =>
  JSON.parse(readFileSync(join(root, VERIFIER_COST_FILE), "utf8"));

/** Keeps what such a run has measured, for the tables. */
export const writeVerifierCost = (root: string, cost: VerifierCost): void =>
  writeFileSync(
    join(root, VERIFIER_COST_FILE),
    `${JSON.stringify(cost, null, 2)}\n`,
  );

const times = (ratio: number): string =>
  ratio.toFixed(ratio < 10 ? (ratio === 1 ? 0 : 2) : 0);

const rangeOf = ([least, most]: [number, number]): string =>
  least === most ? "" : `${times(least)} to ${times(most)}`;

/** Each snippet's orders beside their own requests, for a table. */
const replayRows = (costs: Record<string, ReplayCost>): string[][] => [
  ["an order", "HTTP requests", "times its own requests"],
  ...Object.entries(costs).map(([name, { requests, ratio }]) => [
    name,
    String(requests),
    times(ratio),
  ]),
];

/** What makes a run longer, for a table. */
export const runRows = (costs: RunCost[]): string[][] => [
  ["a run of", "orders", "HTTP requests", "times as long", "range"],
  ...costs.map(({ what, orders, requests, ratio, range }) => [
    ...[what, String(orders), String(requests)],
    ...[times(ratio), rangeOf(range)],
  ]),
];

/** An order in a real browser, for a table. */
const browserRows = ({ version, ratio, range }: BrowserCost): string[][] => [
  ["the same order in", "times as long", "range"],
  [version.replace("/", " "), times(ratio), rangeOf(range)],
];

/** An order beside its requests, of all snippets, and in a browser beside the verifier. */
export const orderRows = ({
  replays,
  browser,
}: Required<VerifierCost>): string[][] => {
  const ratios = Object.values(replays).map(({ ratio }) => ratio);
  const { median, least, most } = spread(ratios);
  const name = browser.version.replace("/", " ");
  return [
    ["an order in", "takes, times as long as", "ratio", "range"],
    [
      ...["the verifier", "its own HTTP requests, nothing between"],
      ...[times(median), rangeOf([least, most])],
    ],
    [name, "the verifier", times(browser.ratio), rangeOf(browser.range)],
  ];
};

/** What was measured, as tables with their headings: one for each part that was. */
export const costTables = ({
  replays,
  runs,
  browser,
}: VerifierCost): Partial<Record<keyof VerifierCost, string[][]>> => ({
  ...(replays && { replays: replayRows(replays) }),
  ...(runs && { runs: runRows(runs) }),
  ...(browser && { browser: browserRows(browser) }),
});
