import { readFileSync } from "node:fs";
import { join } from "node:path";
import { transformSync } from "@swc/wasm-typescript";
import { readResult } from "../base/results.ts";

/** The files of the element, each before those that import it. */
const FILES = ["race-orders", "race-drawing", "race-page", "logout-race"];

/**
 * Makes the code of the element `<logout-race>`: one file, with all that was recorded in it.
 * @param root the path of the repository's top folder
 * @returns JavaScript for browsers, as a classic script or a module
 */
export function elementCode(root: string): string {
  const recorded = Object.entries(readResult(root, "race")).map(
    ([name, looks]) => {
      const snippet = readFileSync(join(root, `snippets/${name}.ts`), "utf8");
      return [name, { about: firstParagraph(snippet), looks }];
    },
  );
  const data = JSON.stringify(Object.fromEntries(recorded));
  // All is in one file, so that there are no imports and exports.
  const sources = FILES.map((name) =>
    readFileSync(join(root, "scripts/race", `${name}.ts`), "utf8")
      .replace(/^import [^;]*;\n/gm, "")
      .replace(/^export (declare )?/gm, "$1"),
  );
  const { code } = transformSync(sources.join("\n"), { mode: "strip-only" });
  const lines = code.replace(/[ \t]+$/gm, "").replace(/\n{3,}/g, "\n\n");
  // In a block, so that a page with scripts of its own keeps its names.
  return `// Made by npm run sync, of scripts/race and assets/race.json.
{
const RECORDED = ${data};

${lines.trim()}
}
`;
}

/** The first paragraph of the comment at a snippet's top, in one line. */
const firstParagraph = (source: string): string =>
  (source.match(/^(?:\/\/ .*\n)+/)?.[0] ?? "").replace(/\n?\/\/ /g, " ").trim();
