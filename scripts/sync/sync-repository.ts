import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readResult } from "../base/results.ts";
import { elementCode } from "../race/element-code.ts";
import { generate } from "./blocks.ts";
import { drawRace } from "./diagrams.ts";
import { javascriptOf } from "./javascript.ts";
import { mistakes, mistakesInCode } from "./mistakes.ts";
import { TextError } from "./tables.ts";

/** The texts besides the posts. */
const READMES = [
  ...["README.md", "CONTRIBUTING.md"],
  ...["snippets/README.md", "scripts/lab/README.md"],
];

/**
 * Copies code, diffs and verdicts into the README and the posts, and makes the diagrams, the
 * JavaScript of the drop-in and that of the element.
 * @param root the path of a repository's top folder
 * @param options.check only look, and change nothing
 * @param options.tell is told each file that is made or brought up to date, in a line
 * @returns a line for each problem
 */
export function syncRepository(
  root: string,
  { check, tell }: { check: boolean; tell: (line: string) => void },
): string[] {
  const problems = mistakesInCode(root);
  const made = wholeFiles(root);
  const posts = readdirSync(join(root, "posts")).map((name) => `posts/${name}`);
  for (const file of [...READMES, ...posts]) {
    try {
      made[file] = generate({ root, file, pictures: made });
    } catch (error) {
      if (!(error instanceof TextError)) throw error;
      problems.push(error.message);
    }
  }
  for (const [file, text] of Object.entries(made)) {
    const path = join(root, file);
    if (existsSync(path) && readFileSync(path, "utf8") === text) continue;
    if (check) {
      problems.push(`${file} is stale: run npm run sync`);
    } else {
      writeFileSync(path, text);
      tell(`${file}: brought up to date`);
    }
  }
  const texts = Object.entries(made).filter(([file]) => /\.md$/.test(file));
  return [
    ...problems,
    ...texts.flatMap(([file, text]) => mistakes(root, file, text)),
  ];
}

/** Makes the files of which all is generated, but for the pictures that a text asks for. */
function wholeFiles(root: string): Record<string, string> {
  const dropIn = join(root, "snippets", "drop-in", "lasting-logout.ts");
  const race = readResult(root, "race");
  const svgs = ["broken", "broken-plain-store"].map((name) => [
    `assets/${name}.svg`,
    drawRace(name, race[name]).svg,
  ]);
  return {
    ...Object.fromEntries(svgs),
    "assets/race.js": elementCode(root),
    "snippets/drop-in/lasting-logout.cjs": javascriptOf(
      readFileSync(dropIn, "utf8"),
    ),
  };
}
