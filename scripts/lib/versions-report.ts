import { ORDERS } from "./orders.ts";
import { paint, plainTable, textOf } from "./report.ts";
import { type News, wordsFor } from "./upstream.ts";
import { differing, isTooOld, LIBRARY, NEEDS, type Tried } from "./versions.ts";

/** A column of the table: what came of each snippet with one pair of versions. */
interface Column {
  library: string;
  express: string;
  tried: Tried[];
}

/** Sorts what was tried into the columns of a table, in the order in which it was tried. */
export function columnsOf(tried: Tried[]): Column[] {
  const columns = new Map<string, Column>();
  for (const one of tried) {
    const { library, express } = one;
    const column = columns.get(wordsFor(one)) ?? {
      library,
      express,
      tried: [],
    };
    column.tried.push(one);
    columns.set(wordsFor(one), column);
  }
  return [...columns.values()];
}

/**
 * Tells what came of a snippet, in a word: how many orders lose, where it is there to lose some, and
 * otherwise whether it does all that is expected of it.
 */
export function wordOf(one: Tried): string {
  if (one.needs) return `needs ${minor(one.needs)}`;
  if (!one.observation) return "fails";
  if (one.snippet.startsWith("broken")) return String(one.observation.browser);
  return differing(one).length > 0 ? "differs" : "holds";
}

/**
 * Makes the rows of a table for readers. What is the same on each Express is told once.
 * @returns a row of headings, and one for each snippet
 */
export function versionsRows(tried: Tried[]): string[][] {
  const columns = columnsOf(tried).map((column) => ({
    ...column,
    words: column.tried.map(wordOf),
  }));
  const expresses = [...new Set(columns.map(({ express }) => express))];
  const shown = columns.flatMap(({ library, express, words }) => {
    const same = columns.filter(
      (other) => other.library === library && `${other.words}` === `${words}`,
    );
    if (same.length < expresses.length) {
      return { heading: `${library} on Express ${express}`, words };
    }
    return same[0]?.express === express ? { heading: library, words } : [];
  });
  return [
    [
      `${LIBRARY}, on Express ${expresses.join(" and ")}`,
      ...shown.map(({ heading }) => heading),
    ],
    ...(columns[0]?.tried ?? []).map(({ snippet }, row) => [
      snippet,
      ...shown.map(({ words }) => words[row] ?? ""),
    ]),
  ];
}

/** A version without its last number, where that is 0. */
const minor = (version: string): string => version.replace(/\.0$/, "");

/** The same, as narrow as a terminal needs it. */
function narrowWordOf(one: Tried, { isFixed }: News): string {
  if (one.needs) return `${minor(one.needs)}+`;
  if (isFixed(one)) return paint("green", "fixed");
  const word = wordOf(one);
  if (word === "fails") return paint("red", "fails!");
  if (word === "differs") return paint("red", "other!");
  return differing(one).length > 0 ? paint("red", `${word}!`) : word;
}

/** Makes the table of versions for a terminal, at most 80 columns wide. */
export function versionsTable(tried: Tried[], news: News): string {
  const columns = columnsOf(tried);
  const table = plainTable([
    `${LIBRARY}\nExpress`,
    ...columns.map(({ library, express }) => `${library}\n${express}`),
  ]);
  for (const { snippet } of columns[0]?.tried ?? []) {
    const cells = columns.map(({ tried }) => {
      const one = tried.find((other) => other.snippet === snippet);
      return one ? narrowWordOf(one, news) : "";
    });
    table.push([snippet, ...cells]);
  }
  return textOf(table);
}

/** What the words in that table mean, a line each. */
export function versionsLegend(tried: Tried[]): string {
  const needs = new Set(
    tried.flatMap(({ snippet, needs }) =>
      needs ? (NEEDS[snippet] ?? []) : [],
    ),
  );
  return [
    `19      after so many orders, of ${ORDERS.length}, the browser is logged in`,
    "holds   does all that npm run verify says of it",
    ...[...needs].map(
      ({ since, what }) => `${`${minor(since)}+`.padEnd(7)} needs ${what}`,
    ),
  ].join("\n");
}

/** Tells, in a line each, what is not as expected, and not because it is fixed. */
export const versionsProblems = (tried: Tried[], { isFixed }: News): string[] =>
  tried
    .filter((one) => !isFixed(one))
    .flatMap((one) => {
      const where = `with ${wordsFor(one)}`;
      if (one.failure) return `${where}, ${one.failure}`;
      return [
        ...(one.observation && isTooOld(one)
          ? [`${where}, ${one.snippet} can run: say so in versions.ts`]
          : []),
        ...differing(one).map(
          ({ question, expected, seen }) =>
            `${where}, ${one.snippet}: ${question} was expected to be ` +
            `${expected}, and is ${seen}`,
        ),
      ];
    });
