import { EXCUSES, RULE_NAMES, RULES } from "../base/meanings.ts";
import type { Excuse } from "../base/results.ts";
import { paint, plainTable, textOf, wrap } from "../base/terminal.ts";
import { historyLines } from "./example.ts";
import { ENOUGH, type HistoriesRow, isUnexpected } from "./run-histories.ts";

/** Makes the table of rules, at most 80 columns wide: each holds, or so many histories break it. */
function historiesTable(rows: HistoriesRow[]): string {
  const table = plainTable([
    "snippet",
    ...RULE_NAMES.map((name) => name.replaceAll(" ", "\n")),
  ]);
  for (const row of rows) {
    const cells = RULE_NAMES.map((rule) => {
      const count = row.report.broken[rule]?.length;
      const told = count ? `✗ ${count}` : "✓ holds";
      return isUnexpected(row, rule) ? paint("red", `${told}!`) : told;
    });
    table.push([row.name, ...cells]);
  }
  return textOf(table);
}

/** All that is to be told of some rows. */
export const historiesText = (rows: HistoriesRow[]): string =>
  [
    historiesTable(rows),
    rulesLegend(),
    excusesTable(rows),
    ...rows.map(examplesOf),
    ...rows.filter(({ expected }) => !expected).map(expectationToPaste),
  ]
    .filter(Boolean)
    .join("\n\n");

/** What the rules say, a line each. */
export const rulesLegend = (): string =>
  RULE_NAMES.map((name) => `${name.padEnd(21)} ${RULES[name]}`).join("\n");

/** Tells how often what no server can prevent has happened, with each snippet. */
function excusesTable(rows: HistoriesRow[]): string {
  const kinds = (Object.keys(EXCUSES) as Excuse[]).filter((kind) =>
    rows.some(({ report }) => report.excused[kind]),
  );
  if (kinds.length === 0) return "";
  const table = plainTable([
    "what no server\ncan prevent",
    ...kinds.map((kind) => kind.replaceAll(" ", "\n")),
  ]);
  for (const { name, report } of rows) {
    table.push([name, ...kinds.map((kind) => report.excused[kind] ?? 0)]);
  }
  const meanings = kinds.map((kind) => `${kind.padEnd(21)} ${EXCUSES[kind]}`);
  return `${textOf(table)}\n\n${meanings.join("\n")}`;
}

/** Tells a shortest history for each rule that does not hold. */
const examplesOf = ({ name, report }: HistoriesRow): string =>
  Object.entries(report.examples)
    .map(([rule, example]) => {
      const lines = historyLines(example).map((line) => `  ${line}`);
      return [`${name} breaks “${rule}”:`, ...lines].join("\n");
    })
    .join("\n\n");

/** Tells what a snippet's end has to say, if its row is right. */
function expectationToPaste({ name, report }: HistoriesRow): string {
  if (report.count < ENOUGH) {
    return `${name} has no line about histories.\nTry ${ENOUGH} of them, and this prints it.`;
  }
  const rules = RULE_NAMES.filter((rule) => report.broken[rule]);
  const broken = rules.join(", ") || "nothing";
  const lines = wrap(`// Histories: breaks ${broken}.`, 3);
  return [
    `${name} has no line about histories.`,
    "If its row is right, paste this at the end of the comment at its end:",
    "",
    ...lines.map((line) => line.replace(/^ {3}/, "// ")),
  ].join("\n");
}
