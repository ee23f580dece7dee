import { readAsset, writeAsset } from "../cli/assets.ts";
import { DOUBTS, type Doubt } from "../verify/histories/ledger.ts";

/** What is counted, by the names that tables have. */
const COUNTS = [
  "requests",
  "histories",
  "logouts confirmed",
  "answered with 503",
] as const;

/** What came of one run. */
export interface Soak {
  seed: number;
  /** By the snippet's name. */
  snippets: Record<string, SoakOf>;
}

interface SoakOf {
  figures: Record<(typeof COUNTS)[number], number>;
  /** How often each kind of fault came. */
  faults: Record<string, number>;
  /** How often each kind of thing happened that no server can prevent. */
  excused: Record<string, number>;
  /** How often a rule was broken. */
  violations: number;
}

/** Reads what the last run with `--write` saw. */
export const readSoak = (root: string): Soak => readAsset(root, "soak.json");

/** Keeps what a run saw. */
export const writeSoak = (root: string, soak: Soak): void =>
  writeAsset(root, "soak.json", soak);

/** The rows of the table of a run, its head first. */
export function soakRows({ seed, snippets }: Soak): string[][] {
  const row = (what: string, count: (one: SoakOf) => number): string[] => [
    what,
    ...Object.values(snippets).map((one) => count(one).toLocaleString("en")),
  ];
  const sum = (counts: object): number =>
    Object.values(counts).reduce((one, other) => one + other, 0);
  return [
    [`one run, seed ${seed}`, ...Object.keys(snippets)],
    ...COUNTS.map((name) => row(name, ({ figures }) => figures[name])),
    row("faults of Redis", ({ faults }) => sum(faults)),
    ...(Object.keys(DOUBTS) as Doubt[]).map((kind) =>
      row(DOUBTS[kind], ({ excused }) => excused[kind] ?? 0),
    ),
    row("rules broken", ({ violations }) => violations),
  ];
}
