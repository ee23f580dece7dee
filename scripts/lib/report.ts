import { styleText } from "node:util";
import Table from "cli-table3";
import type { Report } from "./observe.ts";
import { ORDERS } from "./orders.ts";
import { QUESTIONS, stepLines } from "./questions.ts";
import { differences, VERDICTS } from "./verdicts.ts";

type Style = Parameters<typeof styleText>[0];

/** A snippet that ran, by its name. */
export interface Row {
  name: string;
  report: Report;
}

/**
 * Paints text for a terminal that wants colours.
 * @see https://no-color.org
 */
export function paint(style: Style, text: string): string {
  const wanted = process.stdout.isTTY && !process.env.NO_COLOR;
  return wanted ? styleText(style, text) : text;
}

/**
 * Makes the table of answers, at most 80 columns wide. What differs from the expected verdict is
 * marked with an exclamation mark, and told below.
 */
export function answersTable(rows: Row[]): string {
  // The answer about /logout is the same for all, and has a line of its own below the table.
  const questions = QUESTIONS.filter(({ name }) => name !== "logoutCookie");
  const table = new Table({
    head: ["\nsnippet", ...questions.map(({ heading }) => headLines(heading))],
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
    chars: NO_BORDERS,
  });
  for (const { name, report } of rows) {
    const wrong = differing(name, report).map(({ question }) => question);
    const cells = questions.map((question) => {
      const answer = question.answer(report.observation);
      return wrong.includes(question.name)
        ? paint("red", `${answer}!`)
        : answer;
    });
    table.push([name, ...cells]);
  }
  const lines = table.toString().split("\n");
  return lines.map((line) => line.trimEnd()).join("\n");
}

const NO_BORDERS = Object.fromEntries([
  ...[
    ...["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid"],
    ...["bottom-left", "bottom-right", "left", "left-mid", "mid", "mid-mid"],
    ...["right", "right-mid"],
  ].map((part) => [part, ""]),
  ["middle", " "],
]);

/** Puts a heading on two lines, the last word on the second. */
const headLines = (heading: string): string =>
  heading.includes(" ") ? heading.replace(" ", "\n") : `\n${heading}`;

/** Tells what `/logout` did to the session cookie, which should be the same for all. */
export function logoutLine(rows: Row[]): string {
  const effects = new Map<string, string[]>();
  for (const { name, report } of rows) {
    const { effect } = report.observation.logoutCookie;
    effects.set(effect, [...(effects.get(effect) ?? []), name]);
  }
  return [...effects]
    .map(([effect, names]) => {
      const where = effects.size === 1 ? "" : ` (${names.join(", ")})`;
      return `The response to /logout: session cookie ${effect}${where}.`;
    })
    .join("\n");
}

/** What the columns mean, a line each. */
export const legend = (): string =>
  QUESTIONS.map(
    ({ heading, meaning }) => `${heading.padEnd(14)} ${meaning}`,
  ).join("\n");

/** Tells, in a line each, where a snippet differs from its expected verdict. */
export const differenceLines = ({ name, report }: Row): string[] =>
  differing(name, report).map(
    ({ question, expected, seen }) =>
      `${name}: ${question} was expected to be ${expected}, and is ${seen}`,
  );

const differing = (name: string, report: Report) => {
  const verdict = VERDICTS[name];
  return verdict ? differences(verdict, report.observation) : [];
};

/** Tells how many orders leave the browser logged in, and one of them, event by event. */
export function losingOrder({ name, report }: Row): string {
  const { losing, example } = report;
  const count = `${name}: ${losing.length} of ${ORDERS.length} orders`;
  if (losing.length === 0) return `${count} leave the browser logged in.`;
  const lines = stepLines(example).map((line) => `  ${line}`);
  return [
    `${count} leave the browser logged in. A shortest one:`,
    ...lines,
  ].join("\n");
}
