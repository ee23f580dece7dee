import { readAsset, writeLines } from "../cli/assets.ts";

/** What is measured of a server in each round, by the names that the file has. */
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

/** Reads what the last run with `--write` has measured. */
export const readBench = (root: string): Sample[] =>
  readAsset(root, "bench.json");

/** Keeps what a run has measured. */
export const writeBench = (root: string, samples: Sample[]): void =>
  writeLines(root, "bench.json", samples);

/** A server, and the median of its figures' ratios to those of the base. */
interface Compared extends Contestant {
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
