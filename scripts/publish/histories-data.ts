import { EXCUSES, type Excuse } from "../verify/histories/ledger.ts";
import { RULES } from "../verify/histories/reference.ts";
import type { HistoriesReport } from "../verify/histories/try-histories.ts";

/** A snippet's name, as a text shows it, and what came of its histories. */
type Row = readonly [name: string, report: HistoriesReport];

/** The table of rules, by their numbers: each holds, or some history breaks it. */
export function historiesRows(rows: Row[]): string[][] {
  const counts = [...new Set(rows.map(([, { count }]) => count))];
  const head = [
    `✗ broken by some of ${counts.join(" or ")} histories`,
    ...RULES.map((_, at) => String(at + 1)),
  ];
  const cells = ({ broken }: HistoriesReport) =>
    RULES.map(({ name }) => (broken[name] ? "✗" : "✓"));
  return [head, ...rows.map(([name, report]) => [name, ...cells(report)])];
}

/** What the rules say, with their numbers and names. */
export const ruleRows = (): string[][] => [
  ["rule", "what it says"],
  ...RULES.map(({ name, meaning }, at) => [`${at + 1} ${name}`, meaning]),
];

/** How often what no server can prevent has happened, of each kind. */
export const excuseRows = (rows: Row[]): string[][] => [
  [
    `how often, in ${rows[0]?.[1].count} histories`,
    ...rows.map(([name]) => name),
  ],
  ...(Object.keys(EXCUSES) as Excuse[]).map((kind) => [
    EXCUSES[kind],
    ...rows.map(([, { excused }]) => String(excused[kind] ?? 0)),
  ]),
];
