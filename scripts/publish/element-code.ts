import { readFileSync } from "node:fs";
import { join } from "node:path";
import { transformSync } from "@swc/wasm-typescript";
import escapeHtml from "escape-html";
import { readRace } from "../verify/record-race.ts";
import { drawRace, WIDTH } from "./diagrams.ts";

/** The files of the element, each before those that import it. */
const FILES = ["race-orders", "race-words", "race-drawing", "race-page"];

/**
 * Makes the code of the element `<logout-race>`: one file, with all that was recorded in it.
 * @param root the path of the repository's top folder
 * @returns JavaScript for browsers, as a classic script or a module
 */
export function elementCode(root: string): string {
  const recorded = Object.entries(readRace(root)).map(([name, looks]) => {
    const snippet = readFileSync(join(root, `snippets/${name}.ts`), "utf8");
    return [name, { about: firstParagraph(snippet), looks }];
  });
  const data = JSON.stringify(Object.fromEntries(recorded));
  const sources = [...FILES, "logout-race"].map((name) => {
    const file = join(root, "scripts/publish/element", `${name}.ts`);
    return withoutModules(readFileSync(file, "utf8"));
  });
  const { code } = transformSync(sources.join("\n"), { mode: "strip-only" });
  const lines = code.replace(/[ \t]+$/gm, "").replace(/\n{3,}/g, "\n\n");
  // In a block, so that a page with scripts of its own keeps its names.
  return `// Made by npm run sync, of scripts/publish/element and assets/race.json.
{
const RECORDED = ${data};

${lines.trim()}
}
`;
}

/** Takes the imports and the exports away, since all is in one file. */
const withoutModules = (source: string): string =>
  source
    .replace(/^import [^;]*;\n/gm, "")
    .replace(/^export (declare )?/gm, "$1");

/** The first paragraph of the comment at a snippet's top, in one line. */
const firstParagraph = (source: string): string =>
  (source.match(/^(?:\/\/ .*\n)+/)?.[0] ?? "").replace(/\n?\/\/ /g, " ").trim();

/**
 * Makes the element's tag, with a picture in it. GitHub leaves out tags that it does not know, and
 * attributes that run something, so that it shows the picture. It would show a script's tag as text.
 * @param root the path of the repository's top folder
 * @param assets where that folder is, from the page
 */
export function elementTag(root: string, assets: string): string {
  const { told } = drawRace("broken", readRace(root).broken ?? {});
  const alt = escapeHtml(`Sequence diagram. ${told}`);
  return `<logout-race>
<img src="${assets}broken.svg" width="${WIDTH}" alt="${alt}" onload="import('${assets}race.js')">
</logout-race>`;
}

/** Makes a page that has the element and nothing else, which can be opened from a disk. */
export const elementPage = (root: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>The late request and the logout</title>
<style>
  :root { color-scheme: light dark; color: light-dark(#1f2328, #e6edf3); background: light-dark(#f6f8fa, #010409); }
  body { max-width: 60rem; margin: 1rem auto; padding: 0 1rem; font-family: system-ui, sans-serif; }
  img { max-width: 100%; }
</style>
<main>
<h1>The late request and the logout</h1>
${elementTag(root, "").replace(/ onload=".*?"/, "")}
</main>
<script src="race.js"></script>
</html>
`;
