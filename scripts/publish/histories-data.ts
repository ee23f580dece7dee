import { EXCUSES, type Excuse } from "../verify/histories/ledger.ts";
import { RULES } from "../verify/histories/reference.ts";
import type { HistoriesReport } from "../verify/histories/try-histories.ts";

/** A snippet's name, as a text shows it, and what came of its histories. */
type Row = readonly [name: string, report: HistoriesReport];

/** The table of rules: each holds, or so many histories break it. */
export function historiesRows(rows: Row[]): string[][] {
  const counts = [...new Set(rows.map(([, { count }]) => count))];
  const head = [
    `breaks, of ${counts.join(" or ")} histories`,
    ...RULES.map(({ name }) => name),
  ];
  const cells = ({ broken }: HistoriesReport) =>
    RULES.map(({ name }) => {
      const places = broken[name];
      return places ? `✗ ${places.length}` : "✓";
    });
  return [head, ...rows.map(([name, report]) => [name, ...cells(report)])];
}

/** What the rules say, with their names. */
export const ruleRows = (): string[][] => [
  ["rule", "what it says"],
  ...RULES.map(({ name, meaning }) => [name, meaning]),
];

/** How often what no server can prevent has happened, of each kind. */
export const excuseRows = (rows: Row[]): string[][] => [
  ["what no server can prevent", ...rows.map(([name]) => name)],
  ...(Object.keys(EXCUSES) as Excuse[]).map((kind) => [
    EXCUSES[kind],
    ...rows.map(([, { excused }]) => String(excused[kind] ?? 0)),
  ]),
];
