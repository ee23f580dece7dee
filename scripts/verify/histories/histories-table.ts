import { paint, plainTable, textOf, wrap } from "../../cli/terminal.ts";
import { historyLines } from "./history-lines.ts";
import { EXCUSES, type Excuse } from "./ledger.ts";
import { RULES, type RuleName } from "./reference.ts";
import { ENOUGH, type HistoriesRow, isUnexpected } from "./run-histories.ts";

/** How the table's columns are called: a rule's name in two or three lines. */
const HEADINGS: Record<RuleName, string> = {
  "ended is ended": "ended is\nended",
  "nobody else": "nobody\nelse",
  "nobody is thrown out": "nobody\nthrown\nout",
  "nothing is inherited": "nothing\ninher-\nited",
  "nothing is lost": "nothing\nlost",
  "as before": "as\nbefore",
};

/** Makes the table of rules, at most 80 columns wide: each holds, or so many histories break it. */
function historiesTable(rows: HistoriesRow[]): string {
  const names = RULES.map(({ name }) => name);
  const table = plainTable(["snippet", ...names.map((name) => HEADINGS[name])]);
  for (const row of rows) {
    const cells = names.map((rule) => {
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
  RULES.map(({ name, meaning }) => `${name.padEnd(21)} ${meaning}`).join("\n");

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

/** Tells what a snippet's header has to say, if its row is right. */
function expectationToPaste({ name, report }: HistoriesRow): string {
  if (report.count < ENOUGH) {
    return `${name} has no line about histories. ${ENOUGH} of them tell which one is right.`;
  }
  const rules = RULES.filter((rule) => report.broken[rule.name]);
  const broken = rules.map((rule) => rule.name).join(", ") || "nothing";
  const lines = wrap(`// Histories: breaks ${broken}.`, 3);
  return [
    `${name} has no line about histories.`,
    "If its row is right, paste this at the end of the comment at its top:",
    "",
    ...lines.map((line) => line.replace(/^ {3}/, "// ")),
  ].join("\n");
}
