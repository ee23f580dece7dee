import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";
import type { BrowserName } from "../browsers/installed-browsers.ts";
import type { Sending } from "../browsers/visit.ts";

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

export const SENDINGS: Sending[] = ["fetch", "keepalive", "beacon"];

/** How long `/update` takes, in milliseconds: 0 to 2 s, and closer around the logout hop. */
export const UPDATE_MS = [
  ...[0, 50, 100, 200, 400, 600, 700],
  ...[800, 900, 1000, 1200, 1600, 2000],
];

/** How long the provider's logout hop takes, in milliseconds: what a snippet has unless told. */
export const IDP_MS = 800;

/** One logout with `broken.ts`. */
export interface Run {
  setup: string;
  version: string;
  sending: Sending;
  updateMs: number;
  /** Who is logged in in the end; empty for nobody. */
  user: string;
}

/** Where all runs are kept, from the repository's top folder. */
export const BITES_FILE = join("assets", "bites.csv");

const COLUMNS = ["setup", "version", "sending", "updateMs", "user"];

/** Makes the text of a CSV file (RFC 4180), with a line for each run. */
export const formatBites = (runs: Run[]): string =>
  stringify(runs, { header: true, columns: COLUMNS });

/** Reads the runs that the last measurement has written. */
export const readBites = (root: string): Run[] =>
  parse(readFileSync(join(root, BITES_FILE), "utf8"), {
    columns: true,
    cast: (value, { column }) =>
      column === "updateMs" ? Number(value) : value,
  });

/** How often the user was logged in after all, of how many runs. */
export interface Share {
  updateMs: number;
  losing: number;
  runs: number;
}

/** Counts the runs of one setup and one way to send, for each time that `/update` takes. */
export function sharesOf(all: Run[], setup: string, sending: Sending): Share[] {
  const counts = new Map<number, Share>();
  for (const run of all) {
    if (run.setup !== setup || run.sending !== sending) continue;
    const { updateMs } = run;
    const share = counts.get(updateMs) ?? { updateMs, losing: 0, runs: 0 };
    share.runs += 1;
    if (run.user) share.losing += 1;
    counts.set(updateMs, share);
  }
  return [...counts.values()].sort(
    (one, other) => one.updateMs - other.updateMs,
  );
}

/**
 * The rows of a table, its head first: of how many logouts the user is logged in after, for each
 * browser and each way to send, and some of the times that `/update` takes, in milliseconds.
 */
export function bitesRows(all: Run[], times: number[]): string[][] {
  const rows = SETUPS.flatMap(({ name }) =>
    SENDINGS.map((sending) => ({
      title: `${name}, ${WORDS[sending]}`,
      shares: sharesOf(all, name, sending).filter(({ updateMs }) =>
        times.includes(updateMs),
      ),
    })),
  );
  const counts = new Set(
    rows.flatMap(({ shares }) => shares.map(({ runs }) => runs)),
  );
  return [
    [
      `✗ logged in again, of ${[...counts].join(" or ")} logouts`,
      ...times.map((time) => `${time / 1000} s`),
    ],
    ...rows.map(({ title, shares }) => [
      title,
      ...shares.map(({ losing }) => `${losing > 0 ? "✗" : "✓"} ${losing}`),
    ]),
  ];
}

/** What the page sends `/update` with. */
const WORDS = {
  fetch: "`fetch`",
  keepalive: "`keepalive`",
  beacon: "`sendBeacon`",
};
