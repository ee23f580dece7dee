import { paint, plainTable, textOf, wrap } from "../base/terminal.ts";
import { ORDERS } from "./orders.ts";
import { cellFor, QUESTIONS } from "./questions.ts";
import type { Seen } from "./run-snippets.ts";
import { differences, type Verdict, verdictFor } from "./verdicts.ts";

/** A snippet that ran. */
export interface Row extends Seen {
  /** What is expected of it, if it says so. */
  verdict: Verdict | undefined;
  /** How many processes were the app. */
  processes: 1 | 2;
  /** Whether what differs counts. */
  isJudged: boolean;
}

/**
 * Makes the table of answers, at most 80 columns wide, with what has no column below it, and what
 * all of it means. What differs from the expected verdict is marked with an exclamation mark.
 */
export function answersText(rows: Row[]): string {
  const processes = rows.some((row) => row.processes === 2) ? 2 : 1;
  const questions = QUESTIONS.filter(({ column }) => column);
  const table = plainTable([
    "\nsnippet",
    ...questions.map(({ column }) => column as string),
  ]);
  for (const row of rows) {
    const wrong = differing(row).map(({ name }) => name);
    const cells = questions.map((question) => {
      const cell = cellFor(question, row.report);
      return wrong.includes(question.name) ? paint("red", `${cell}!`) : cell;
    });
    table.push([row.name, ...cells]);
  }
  const below = questionsIn(processes).filter(({ column }) => !column);
  const lines = below.flatMap((question) => {
    const names = new Map<string, string[]>();
    for (const { name, report } of rows) {
      const cell = cellFor(question, report);
      names.set(cell, [...(names.get(cell) ?? []), name]);
    }
    return [...names].flatMap(([cell, all]) => {
      const whose = all.length === rows.length ? "all" : all.join(" ");
      const answer = `${question.heading.padEnd(13)} ${cell.padEnd(6)}`;
      return wrap(`${answer} ${whose}`, 21);
    });
  });
  return [textOf(table), lines.join("\n"), legend(processes)].join("\n\n");
}

const questionsIn = (processes: 1 | 2) =>
  QUESTIONS.filter(
    ({ name, meaning }) => meaning && (processes === 2 || name !== "lateWrite"),
  );

/** What the columns mean, a line each. */
export const legend = (processes: 1 | 2): string =>
  questionsIn(processes)
    .map(({ heading, meaning }) => `${heading.padEnd(14)} ${meaning}`)
    .join("\n");

/** Tells what two requests at once have come to, in a line for each snippet. */
export function deepTable(rows: Row[]): string {
  const table = plainTable([
    "\ntwo requests at once",
    ...["\ntried", "of\norders", "\nbrowser", "\nserver"],
  ]);
  for (const { name, deep } of rows) {
    if (!deep) continue;
    const { tried, possible, browser, server } = deep;
    table.push([name, tried, possible, browser, server]);
  }
  return textOf(table);
}

const differing = ({ verdict, report, processes }: Row) =>
  verdict ? differences(verdict, report, processes) : [];

/** Tells, in a line each, where a snippet differs from its expected verdict. */
export function differenceLines(row: Row): string[] {
  const { name, report, deep, verdict, processes, isJudged } = row;
  if (!isJudged) return [];
  const found = differing(row).map(({ told }) => told);
  const { browser, draft, server } = report.observation;
  if (processes === 1 && browser > 0 && name.startsWith("fix-")) {
    found.push(
      `what is called fix- keeps the logout, and ${browser} orders lose it`,
    );
  }
  if (processes === 2 && found.length > 0 && verdict?.oneProcess) {
    found.push("it says “One process only.”");
  }
  // A remedy that holds for one request holds for two, and a bug that bites one bites both.
  const two = "two requests at once leave";
  if (deep && deep.browser > 0 !== browser + draft > 0) {
    found.push(`${two} the browser logged in after ${deep.browser} orders`);
  }
  if (deep && deep.server > 0 !== server > 0) {
    found.push(`${two} the old cookie working after ${deep.server} orders`);
  }
  return found.map((line) => `${name}: ${line}`);
}

/** Tells of one that does not claim to hold with two processes, and does. */
export const holdsAfterAll = (row: Row): string[] =>
  row.processes === 2 && row.verdict?.oneProcess && differing(row).length === 0
    ? [`${row.name} holds with two processes: it says “One process only.”`]
    : [];

/**
 * Tells of a snippet that has no verdict what it has to say at its end, if its row is right.
 * @param broken the verdict of `broken` in its folder, if there is one
 */
export function verdictToPaste(
  { name, report }: Row,
  broken: Verdict | undefined,
): string {
  const lines = wrap(`// ${verdictFor(report, broken)}`, 3);
  return [
    `Nothing is expected of ${name} yet.`,
    "If its row is right, paste this below its last line, and verify holds it to",
    "that from then on:",
    "",
    "// What npm run verify expects:",
    ...lines.map((line) => line.replace(/^ {3}/, "// ")),
  ].join("\n");
}

/** Tells how many orders leave the browser logged in, and one of them, event by event. */
export function losingOrder({ name, report }: Row): string {
  const { losing, impossible, example, lateWrite } = report;
  if (lateWrite?.user) {
    const lines = lateWrite.commands.map((line) => `  /${line}`);
    return [`${name}: Redis is asked this, and she is in:`, ...lines].join(
      "\n",
    );
  }
  const possible = ORDERS.length - impossible.length;
  const count = `${losing.length} of ${possible} orders`;
  const sentence = `${name}: ${count} leave the browser logged in.`;
  if (losing.length === 0) return sentence;
  const lines = example.map(({ event, withCookie, cookie }) => {
    const size = cookie?.bytes ? `, ${cookie.bytes} bytes` : "";
    const stored = cookie && `session cookie ${cookie.effect}${size}`;
    const seen = withCookie ? "with the session cookie" : (stored ?? "");
    return `  /${event.padEnd(16)} ${seen}`.trimEnd();
  });
  return [sentence, "A shortest one:", ...lines].join("\n");
}
