import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";

/** What is measured of a server in each round, by the names that the CSV file has. */
export interface Figures {
  /** The processor's time that the server's process took for a request, in microseconds. */
  cpuMicroseconds: number;
  bytesPerResponse: number;
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
}

/** The server without `auth()`: no snippet can take less. */
export const NO_AUTH = "no auth()";

/** The server that all others are compared with. */
export const BASE = "broken";

/** What is measured, each with a heading of a table and what it means. */
export const MEASURES: {
  name: keyof Figures;
  heading: string;
  meaning: string;
}[] = [
  {
    name: "cpuMicroseconds",
    heading: "CPU",
    meaning: "the processor's time for a request, in the server's process",
  },
  {
    name: "bytesPerResponse",
    heading: "bytes",
    meaning: "the size of a response, headers included",
  },
];

/** Where all rounds are kept, from the top folder. */
export const BENCH_FILE = join("assets", "bench.csv");

const COLUMNS = [
  "server",
  "store",
  "round",
  ...MEASURES.map(({ name }) => name),
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

/** A server, and the median of its figures' ratios to those of the base. */
export interface Compared extends Contestant {
  ratios: Figures;
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
      medianOf(
        rounds.map((sample) => {
          const beside = base.get(sample.round);
          if (!beside) throw new Error(`round ${sample.round} has no ${BASE}`);
          return sample[name] / beside[name];
        }),
      );
    const ratios = {
      cpuMicroseconds: ratioOf("cpuMicroseconds"),
      bytesPerResponse: ratioOf("bytesPerResponse"),
    };
    return { server, store, ratios };
  });
}

/** Names a server in a row of a table. */
export const titleOf = ({ server, store }: Contestant): string =>
  store === "Redis" ? `${server}, Redis` : server;

/** The rows of the table in the post, with the headings above. */
export const benchRows = (samples: Sample[]): string[][] => [
  ["compared with broken", ...MEASURES.map(({ heading }) => heading)],
  ...compare(samples).map((compared) => [
    titleOf(compared),
    ...MEASURES.map(({ name }) => compared.ratios[name].toFixed(2)),
  ]),
];

/** Finds the median of some numbers. */
export function medianOf(numbers: number[]): number {
  const sorted = [...numbers].sort((one, other) => one - other);
  const middle = (sorted.length - 1) / 2;
  const at = (index: number) => sorted[index] as number;
  return (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2;
}
