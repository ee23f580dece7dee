import type { BrowserName } from "../browsers/installed-browsers.ts";
import { readAsset, writeLines } from "../cli/assets.ts";

/** A browser in one of the ways in which it can be set up. */
export interface Setup {
  name: string;
  browserName: BrowserName;
  /** More options for its command line. */
  args: string[];
}

/** All setups. The back/forward cache is on unless told. See https://web.dev/articles/bfcache */
export const SETUPS: Setup[] = [
  { name: "Chromium", browserName: "chromium", args: [] },
  {
    name: "Chromium without back/forward cache",
    browserName: "chromium",
    args: ["--disable-features=BackForwardCache"],
  },
  { name: "Firefox", browserName: "firefox", args: [] },
];

/** How the page sends `/update`, with its own button or in place of its `fetch`. */
export const SENDINGS = ["fetch", "keepalive", "beacon"] as const;
type Sending = (typeof SENDINGS)[number];

/** How long `/update` takes, in milliseconds: 0 to 2 s, and closer around the logout hop. */
export const UPDATE_MS = [
  ...[0, 50, 100, 200, 400, 600, 700],
  ...[800, 900, 1000, 1200, 1600, 2000],
];

/** How long the provider's logout hop takes, in milliseconds: what a snippet has unless told. */
export const IDP_MS = 800;

/** What came of some logouts with `broken.ts`. */
export interface Logouts {
  setup: string;
  version: string;
  sending: Sending;
  updateMs: number;
  /** How many there were, and after how many of them the user was logged in. */
  runs: number;
  losing: number;
}

/** Reads what the last measurement has written. */
export const readBites = (root: string): Logouts[] =>
  readAsset(root, "bites.json");

/** Keeps what was measured. */
export const writeBites = (root: string, all: Logouts[]): void =>
  writeLines(root, "bites.json", all);

/** Finds those of one setup and one way to send, from the shortest `/update` to the longest. */
export const logoutsOf = (
  all: Logouts[],
  setup: string,
  sending: Sending,
): Logouts[] =>
  all
    .filter((one) => one.setup === setup && one.sending === sending)
    .sort((one, other) => one.updateMs - other.updateMs);

/**
 * The rows of a table, its head first: of how many logouts the user is logged in after, for each
 * browser and each way to send, and some of the times that `/update` takes, in milliseconds.
 */
export function bitesRows(all: Logouts[], times: number[]): string[][] {
  const rows = SETUPS.flatMap(({ name }) =>
    SENDINGS.map((sending) => ({
      title: `${name}, ${WORDS[sending]}`,
      points: logoutsOf(all, name, sending).filter(({ updateMs }) =>
        times.includes(updateMs),
      ),
    })),
  );
  const counts = new Set(
    rows.flatMap(({ points }) => points.map(({ runs }) => runs)),
  );
  return [
    [
      `✗ logged in again, of ${[...counts].join(" or ")} logouts`,
      ...times.map((time) => `${time / 1000} s`),
    ],
    ...rows.map(({ title, points }) => [
      title,
      ...points.map(({ losing }) => `${losing > 0 ? "✗" : "✓"} ${losing}`),
    ]),
  ];
}

/** What the page sends `/update` with. */
const WORDS = {
  fetch: "`fetch`",
  keepalive: "`keepalive`",
  beacon: "`sendBeacon`",
};
