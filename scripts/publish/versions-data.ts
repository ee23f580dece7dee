import { readAsset, writeLines } from "../cli/assets.ts";

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

/** Reads what the laboratory has seen. */
export const readVersions = (root: string): Tried[] =>
  readAsset(root, "versions.json");

/** Keeps what the laboratory has seen. */
export const writeVersions = (root: string, tried: Tried[]): void =>
  writeLines(root, "versions.json", tried);

/**
 * Makes the rows of a table for readers: how many orders lose the logout with a version, how many
 * fixes hold, and what it can't run.
 * @returns a row of headings, and one for each version; one for each Express where they differ
 */
export function versionsRows(tried: Tried[]): string[][] {
  const valuesOf = (name: keyof Tried) => [
    ...new Set(tried.map((one) => one[name])),
  ];
  const expresses = valuesOf("express");
  const rows = valuesOf("library").flatMap((library) => {
    const all = expresses.map((express) =>
      cellsOf(
        tried.filter(
          (one) => one.library === library && one.express === express,
        ),
      ),
    );
    const isSame = all.every((cells) => `${cells}` === `${all[0]}`);
    return isSame && all[0]
      ? [[library, ...all[0]]]
      : all.map((cells, at) => [`${library}, ${expresses[at]}`, ...cells]);
  });
  return [
    [
      `version, on Express ${expresses.join(" and ")}`,
      "✗ losing orders",
      "✓ holds",
      "does not run",
    ],
    ...rows,
  ];
}

function cellsOf(tried: Tried[]): string[] {
  const fixes = tried.filter(({ snippet }) => snippet.startsWith("fix-"));
  const holding = fixes.filter(({ result }) => result === "holds");
  const idle = tried.filter(({ result }) => result === "does not run");
  const losing = tried.filter(({ result }) => /^\d+$/.test(result));
  const names = (some: Tried[]) =>
    some.map(({ snippet }) => snippet).join(", ") || "none";
  return [
    losing.map(({ snippet, result }) => `${snippet} ${result}`).join(", "),
    `${holding.length} of ${fixes.length} fixes`,
    names(idle),
  ];
}
