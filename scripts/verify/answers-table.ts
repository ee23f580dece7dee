import { paint, plainTable, textOf, wrap } from "../cli/terminal.ts";
import type { DeepReport, Report } from "./observe.ts";
import { ORDERS } from "./orders.ts";
import { commandLines, LATE_WRITE, QUESTIONS, stepLines } from "./questions.ts";
import {
  type Difference,
  differenceInWords,
  differences,
  type Verdict,
  verdictFor,
} from "./verdicts.ts";

/** A snippet that ran, by its name. */
export interface Row {
  name: string;
  report: Report;
  deep?: DeepReport;
  /** What is expected of it, if its header says so. */
  verdict?: Verdict | undefined;
  /** How many processes were the app. */
  processes: 1 | 2;
}

/**
 * Makes the table of answers, at most 80 columns wide. What differs from the expected verdict is
 * marked with an exclamation mark, and told below.
 */
export function answersTable(rows: Row[]): string {
  const questions = QUESTIONS.filter(({ column }) => column);
  const table = plainTable([
    "\nsnippet",
    ...questions.map(({ column }) => column as string),
  ]);
  for (const row of rows) {
    const { name, report } = row;
    const wrong = differing(row).map(({ question }) => question);
    const cells = questions.map((question) => {
      const answer = question.answer(report.observation);
      return wrong.includes(question.name)
        ? paint("red", `${answer}!`)
        : answer;
    });
    table.push([name, ...cells]);
  }
  return textOf(table);
}

/** Tells the answers that have no column: each once, with the snippets that gave it. */
export function answersBelow(rows: Row[]): string {
  const questions: { heading: string; answer: (report: Report) => string }[] =
    QUESTIONS.filter(({ column }) => !column).map(({ heading, answer }) => ({
      heading,
      answer: ({ observation }) => answer(observation),
    }));
  if (rows.some(({ processes }) => processes === 2)) questions.push(LATE_WRITE);
  const lines = questions.flatMap(({ heading, answer }) => {
    const names = new Map<string, string[]>();
    for (const { name, report } of rows) {
      const told = answer(report);
      names.set(told, [...(names.get(told) ?? []), name]);
    }
    return [...names].map(([told, all]) => {
      const whose = all.length === rows.length ? "all" : all.join(" ");
      return `${heading.padEnd(13)} ${told.padEnd(6)} ${whose}`;
    });
  });
  return lines.flatMap((line) => wrap(line, 21)).join("\n");
}

/** What the columns mean, a line each. */
export const legend = (processes: 1 | 2): string =>
  [...QUESTIONS, ...(processes === 2 ? [LATE_WRITE] : [])]
    .map(({ heading, meaning }) => `${heading.padEnd(14)} ${meaning}`)
    .join("\n");

/** Tells what two requests at once have come to, in a line for each snippet. */
export function deepTable(rows: Row[]): string {
  const heading = "\ntwo requests at once";
  const table = plainTable([
    heading,
    "\ntried",
    "of\norders",
    "\nbrowser",
    "\nserver",
  ]);
  for (const { name, deep } of rows) {
    if (!deep) continue;
    const { tried, possible, browser, server } = deep;
    table.push([name, tried, possible, browser, server]);
  }
  return textOf(table);
}

/** Tells, in a line each, where a snippet differs from its expected verdict. */
export const differenceLines = (row: Row): string[] => {
  const { name, report, deep, verdict, processes } = row;
  const found = differing(row).map(differenceInWords);
  const { browser } = report.observation;
  if (processes === 1 && browser > 0 && name.startsWith("fix-")) {
    found.push(
      `what is called fix- keeps the logout, and ${browser} orders lose it`,
    );
  }
  if (processes === 2 && found.length > 0 && verdict?.oneProcess) {
    found.push("its header says “One process only.”");
  }
  return [
    ...found.map((line) => `${name}: ${line}`),
    ...(deep ? deepDifferences(name, report, deep) : []),
  ];
};

/** A remedy that holds for one request holds for two, and a bug that bites one bites both. */
function deepDifferences(
  name: string,
  { observation }: Report,
  deep: DeepReport,
): string[] {
  const lines: string[] = [];
  const bites = observation.browser + observation.draft > 0;
  if (deep.browser > 0 !== bites) {
    lines.push(`the browser logged in after ${deep.browser} orders`);
  }
  if (deep.server > 0 !== observation.server > 0) {
    lines.push(`the old cookie working after ${deep.server} orders`);
  }
  return lines.map((line) => `${name}: two requests at once leave ${line}`);
}

function differing({ verdict, report, processes }: Row): Difference[] {
  if (!verdict) return [];
  const found = differences(verdict, report.observation);
  const [expected, seen] = [verdict.lateWrite, report.lateWrite?.user];
  if (processes === 2 && expected !== seen) {
    found.push({ question: "lateWrite", expected, seen });
  }
  return found;
}

/**
 * Tells of a snippet that has no verdict what its header has to say, if its row is right.
 * @param broken the verdict of `broken` in its folder, if there is one
 */
export function verdictToPaste(
  { name, report }: Row,
  broken: Verdict | undefined,
): string {
  const lines = wrap(`// ${verdictFor(report.observation, broken)}`, 3);
  return [
    `${name} has no verdict. If its row is right, paste this at the end of the`,
    "comment at its top, and verify holds it to that from then on:",
    "",
    ...lines.map((line) => line.replace(/^ {3}/, "// ")),
  ].join("\n");
}

/**
 * Looks at those that don't claim to hold with two processes.
 * @returns a line for each, and the problems: a remedy that holds after all can say so
 */
export function aloneLines(rows: Row[]): {
  lines: string[];
  problems: string[];
} {
  const found = { lines: [] as string[], problems: [] as string[] };
  for (const row of rows) {
    const { name, processes, verdict } = row;
    if (processes === 1 || !verdict?.oneProcess) continue;
    if (differing(row).length > 0) {
      found.lines.push(
        `${name} keeps its list or its sessions in one process.`,
      );
    } else {
      found.problems.push(
        `${name} holds with two processes: its header says “One process only.”`,
      );
    }
  }
  return found;
}

/** Tells how many orders leave the browser logged in, and one of them, event by event. */
export function losingOrder({ name, report }: Row): string {
  if (report.lateWrite?.user) {
    const lines = commandLines(report.lateWrite).map((line) => `  ${line}`);
    return [`${name}: Redis is asked this, and she is in:`, ...lines].join(
      "\n",
    );
  }
  const { losing, impossible, example } = report;
  const possible = ORDERS.length - impossible.length;
  const count = `${losing.length} of ${possible} orders`;
  const sentence = `${name}: ${count} leave the browser logged in.`;
  if (losing.length === 0) return sentence;
  const lines = stepLines(example).map((line) => `  ${line}`);
  return [sentence, "A shortest one:", ...lines].join("\n");
}
