import { styleText } from "node:util";
import Table from "cli-table3";

type Style = Parameters<typeof styleText>[0];

/**
 * Paints text for a terminal that wants colours.
 * @see https://no-color.org
 */
export function paint(style: Style, text: string): string {
  const wanted = process.stdout.isTTY && !process.env.NO_COLOR;
  return wanted ? styleText(style, text) : text;
}

/** Makes an empty table without borders. */
export const plainTable = (head: string[]) =>
  new Table({ head, style: NO_STYLE, chars: NO_BORDERS });

/** Prints a table without the spaces at the ends of its lines. */
export const textOf = (table: { toString(): string }): string =>
  table.toString().replace(/ +$/gm, "");

const NO_STYLE = {
  "padding-left": 0,
  "padding-right": 0,
  head: [],
  border: [],
};

const NO_BORDERS = Object.fromEntries([
  ...[
    ...["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid"],
    ...["bottom-left", "bottom-right", "left", "left-mid", "mid", "mid-mid"],
    ...["right", "right-mid"],
  ].map((part) => [part, ""]),
  ["middle", " "],
]);

/**
 * Breaks a line at spaces so that it fits 80 columns, or others, and indents what comes after. A word
 * that is longer has a line of its own.
 */
export function wrap(line: string, indent: number, columns = 80): string[] {
  if (line.length <= columns) return [line];
  const last = line.lastIndexOf(" ", columns);
  const isIndent = line.slice(0, last + 1).trim() === "";
  const end = isIndent ? line.indexOf(" ", columns) : last;
  if (end < 0) return [line];
  const rest = " ".repeat(indent) + line.slice(end + 1);
  return [line.slice(0, end), ...wrap(rest, indent, columns)];
}
