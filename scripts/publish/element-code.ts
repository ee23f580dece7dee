import { readFileSync } from "node:fs";
import { join } from "node:path";
import { transformSync } from "@swc/wasm-typescript";
import { readRace } from "../verify/record-race.ts";

/**
 * Makes the code of the element `<logout-race>`: one file, with all that was recorded in it.
 * @param root the path of the repository's top folder
 * @returns JavaScript for browsers, as a classic script or a module
 */
export function elementCode(root: string): string {
  const source = join(root, "scripts/publish/element/logout-race.ts");
  const recorded = Object.entries(readRace(root)).map(([name, looks]) => {
    const snippet = readFileSync(join(root, `snippets/${name}.ts`), "utf8");
    return [name, { about: firstParagraph(snippet), looks }];
  });
  const data = JSON.stringify(Object.fromEntries(recorded));
  const { code } = transformSync(readFileSync(source, "utf8"), {
    mode: "strip-only",
  });
  const lines = code.replace(/[ \t]+$/gm, "").replace(/\n{3,}/g, "\n\n");
  // In a block, so that a page with scripts of its own keeps its names.
  return `// Made by npm run sync, of scripts/publish/element and assets/race.json.
{
const RECORDED = ${data};

${lines.trim()}
}
`;
}

/** The first paragraph of the comment at a snippet's top, in one line. */
const firstParagraph = (source: string): string =>
  (source.match(/^(?:\/\/ .*\n)+/)?.[0] ?? "").replace(/\n?\/\/ /g, " ").trim();
