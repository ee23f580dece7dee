import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";
import { plainTable, textOf } from "../cli/terminal.ts";
import { type Spread, spread } from "./quantile.ts";

/** What is measured of a server in each round, by the names that the CSV file has. */
export interface Figures {
  requestsPerSecond: number;
  /** Half of the answers came within this time, in milliseconds. */
  p50Ms: number;
  /** And 99 of 100 within this. */
  p99Ms: number;
  bytesPerResponse: number;
  /** The processor's time that the server's process took for a request, in microseconds. */
  cpuMicroseconds: number;
  /** The memory of the server's process, in megabytes, with its sessions. */
  residentMegabytes: number;
}

/** A server that is measured: a snippet, or the one without `auth()`. */
export interface Contestant {
  server: string;
  /** Where it keeps what it keeps. */
  store: "process" | "Redis";
}

/** One round of one server. */
export interface Sample extends Contestant, Figures {
  /** From 1. */
  round: number;
  /** How many cores had other work meanwhile: that of other programs, and Redis. */
  coresElsewhere: number;
}

/** The server without `auth()`: nothing that has it can be faster. */
export const BARE = "no auth()";

/** The server that all others are compared with. */
export const BASE = "broken";

/** What is measured, each with a heading of a table and what it means. */
export const MEASURES: {
  name: keyof Figures;
  heading: string;
  meaning: string;
}[] = [
  {
    name: "requestsPerSecond",
    heading: "requests",
    meaning: "how many requests are answered in a second",
  },
  {
    name: "p50Ms",
    heading: "p50",
    meaning: "the time in which half of them are answered",
  },
  {
    name: "p99Ms",
    heading: "p99",
    meaning: "the time in which 99 of 100 are answered",
  },
  {
    name: "bytesPerResponse",
    heading: "bytes",
    meaning: "the size of a response, headers included",
  },
  {
    name: "cpuMicroseconds",
    heading: "CPU",
    meaning: "the processor's time for a request, in the server's process",
  },
  {
    name: "residentMegabytes",
    heading: "memory",
    meaning: "what the server's process has, with all sessions that it stores",
  },
];

/** Where all rounds are kept, from the top folder. */
export const BENCH_FILE = join("assets", "bench.csv");

const COLUMNS = [
  "server",
  "store",
  "round",
  ...MEASURES.map(({ name }) => name),
  "coresElsewhere",
];

/** Makes the text of a CSV file (RFC 4180), with a line for each round of each server. */
export const formatSamples = (samples: Sample[]): string =>
  stringify(samples, { header: true, columns: COLUMNS });

/** Reads the text of such a file. */
export const parseSamples = (text: string): Sample[] =>
  parse(text, {
    columns: true,
    cast: (value, { column, header }) =>
      header || column === "server" || column === "store"
        ? value
        : Number(value),
  });

/**
 * Reads what the last run with `--write` has measured.
 * @param root the path of the repository's top folder
 */
export const readBench = (root: string): Sample[] =>
  parseSamples(readFileSync(join(root, BENCH_FILE), "utf8"));

/** A server, and the ratio of each figure to that of the base. */
export interface Compared extends Contestant {
  ratios: Record<keyof Figures, Spread>;
}

/**
 * Compares each server with the base, round by round: what makes a machine slow for a while makes
 * both slow.
 * @returns the servers, in the order in which they come
 */
export function compare(samples: Sample[]): Compared[] {
  const base = new Map(
    samples
      .filter(({ server, store }) => server === BASE && store === "process")
      .map((sample) => [sample.round, sample]),
  );
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const key = titleOf(sample);
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  return [...groups.values()].map((rounds) => {
    const { server, store } = rounds[0] as Sample;
    const ratioOf = (name: keyof Figures) =>
      spread(
        rounds.map((sample) => {
          const beside = base.get(sample.round);
          if (!beside) throw new Error(`round ${sample.round} has no ${BASE}`);
          return sample[name] / beside[name];
        }),
      );
    const ratios = Object.fromEntries(
      MEASURES.map(({ name }) => [name, ratioOf(name)]),
    ) as Compared["ratios"];
    return { server, store, ratios };
  });
}

/** Names a server in a row of a table. */
export const titleOf = ({ server, store }: Contestant): string =>
  store === "Redis" ? `${server}, Redis` : server;

/** Writes a ratio with two digits after the point, and its range where it has one. */
export const ratioText = ({ median, least, most }: Spread) => {
  const [from, to] = [least.toFixed(2), most.toFixed(2)];
  return {
    median: median.toFixed(2),
    range: from === to ? "" : `${from}-${to}`,
  };
};

/** The rows of the table in the post, with the headings above. */
export const benchRows = (samples: Sample[]): string[][] => [
  ["compared with broken", ...MEASURES.map(({ heading }) => heading)],
  ...compare(samples).map((compared) => [
    titleOf(compared),
    ...MEASURES.map(({ name }) => {
      const { median, range } = ratioText(compared.ratios[name]);
      return range ? `${median} (${range})` : median;
    }),
  ]),
];

/** Makes the table for a terminal, at most 80 columns wide, and tells the base in its own units. */
export function benchReport(samples: Sample[]): string {
  const table = plainTable(["", ...MEASURES.map(({ heading }) => heading)]);
  for (const { server, store, ratios } of compare(samples)) {
    const texts = MEASURES.map(({ name }) => ratioText(ratios[name]));
    table.push([server, ...texts.map(({ median }) => median)]);
    const place = store === "Redis" ? "  on Redis" : "";
    table.push([place, ...texts.map(({ range }) => range)]);
  }
  const base = samples.filter(({ server }) => server === BASE);
  const median = (name: keyof Figures) =>
    spread(base.map((sample) => sample[name])).median;
  const own = [
    `${median("requestsPerSecond").toFixed(0)} requests/s`,
    `p50 ${median("p50Ms").toFixed(1)} ms`,
    `p99 ${median("p99Ms").toFixed(1)} ms`,
    `${median("bytesPerResponse").toFixed(0)} bytes`,
    `CPU ${median("cpuMicroseconds").toFixed(0)} µs`,
    `${median("residentMegabytes").toFixed(0)} MB`,
  ];
  return `${textOf(table)}

Each is the median of the rounds, as a ratio to ${BASE}, and its range. There:
${own.join(", ")}.
Other programs took ${coresElsewhere(samples).toFixed(2)} of a core.`;
}

/** With more than this, who else was there was measured, too: in cores. */
export const QUIET = 0.15;

/**
 * Tells what other programs had of the processors, which makes the servers wait. The time that a
 * server's process takes for a request, and the size of a response, can be compared all the same.
 * @returns the median of the rounds, in cores
 */
export const coresElsewhere = (samples: Sample[]): number =>
  spread(
    samples
      .filter(({ store }) => store === "process")
      .map((sample) => sample.coresElsewhere),
  ).median;
