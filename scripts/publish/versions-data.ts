import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What came of one snippet with a version of the library, on a version of Express. */
export interface Tried {
  library: string;
  express: string;
  snippet: string;
  /**
   * `holds` or `differs` for a fix, the number of losing orders for one that is broken, and `does not run`
   * where it fails.
   */
  result: string;
}

/** Where it is kept, from the top folder. The README's table is made of it. */
const VERSIONS_FILE = join("assets", "versions.json");

/** Reads what the laboratory has seen. */
export const readVersions = (root: string): Tried[] =>
  JSON.parse(readFileSync(join(root, VERSIONS_FILE), "utf8"));

/** Keeps what the laboratory has seen. */
export const writeVersions = (root: string, tried: Tried[]): void =>
  writeFileSync(
    join(root, VERSIONS_FILE),
    `[\n${tried.map((one) => JSON.stringify(one)).join(",\n")}\n]\n`,
  );

/**
 * Makes the rows of a table for readers. What is the same on each Express is told once.
 * @returns a row of headings, and one for each snippet
 */
export function versionsRows(tried: Tried[]): string[][] {
  const valuesOf = (name: keyof Tried) => [
    ...new Set(tried.map((one) => one[name])),
  ];
  const [libraries, expresses] = [valuesOf("library"), valuesOf("express")];
  const resultsOf = (library: string, express: string) =>
    valuesOf("snippet").map(
      (snippet) =>
        tried.find(
          (one) =>
            one.snippet === snippet &&
            one.library === library &&
            one.express === express,
        )?.result ?? "",
    );
  const columns = libraries.flatMap((library) => {
    const all = expresses.map((express) => ({
      heading: `${library} on Express ${express}`,
      results: resultsOf(library, express),
    }));
    const [first] = all;
    const isSame = all.every(
      ({ results }) => `${results}` === `${first?.results}`,
    );
    return isSame && first ? [{ ...first, heading: library }] : all;
  });
  return [
    [
      `express-openid-connect, on Express ${expresses.join(" and ")}`,
      ...columns.map(({ heading }) => heading),
    ],
    ...valuesOf("snippet").map((snippet, row) => [
      snippet,
      ...columns.map(({ results }) => results[row] ?? ""),
    ]),
  ];
}
