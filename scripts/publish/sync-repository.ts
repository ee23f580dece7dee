import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readObserved } from "../verify/observed.ts";
import { readRace } from "../verify/record-race.ts";
import { drawRace } from "./diagrams.ts";
import { elementCode, elementPage } from "./element-code.ts";
import { javascriptOf } from "./javascript.ts";
import { generate, type Text, TextError } from "./markdown.ts";
import { mistakes, mistakesInCode } from "./mistakes.ts";

interface Options {
  /** Only look, and change nothing. */
  check: boolean;
  /** Is told each file that is made or brought up to date, in a line. */
  tell: (line: string) => void;
}

/**
 * Copies code, diffs and verdicts into the README and the posts, and makes the diagrams and the
 * JavaScript of the drop-in.
 * @param root the path of a repository's top folder
 * @returns a line for each problem
 */
export function syncRepository(root: string, options: Options): string[] {
  const posts = readdirSync(join(root, "posts")).map((name) => `posts/${name}`);
  const observed = readObserved(root);
  const problems = [...READMES, ...posts].flatMap((file) =>
    syncFile({ root, file, observed, pictures: {} }, options),
  );
  problems.push(...mistakesInCode(root));
  const made = { ...racePictures(root), ...javascript(root) };
  for (const [file, text] of Object.entries(made)) {
    problems.push(...syncWhole(root, file, text, options));
  }
  return problems;
}

/** The texts besides the posts. */
const READMES = ["README.md", "snippets/README.md", "scripts/lab/README.md"];

/** Brings one file up to date, or only looks whether it is; returns a line for each problem. */
function syncFile(text: Text, options: Options): string[] {
  const { check, tell } = options;
  const path = join(text.root, text.file);
  const old = readFileSync(path, "utf8");
  try {
    const { made, stale } = generate(old, text);
    const drawn = Object.entries(text.pictures).flatMap(([file, svg]) =>
      syncWhole(text.root, file, svg, options),
    );
    const wrong = [...drawn, ...mistakes(made, text)];
    if (check) {
      const advice = "is stale: run npm run sync";
      return [...stale.map((at) => `${text.file}: ${at} ${advice}`), ...wrong];
    }
    if (made !== old) {
      writeFileSync(path, made);
      tell(`${text.file}: brought up to date`);
    }
    return wrong;
  } catch (error) {
    if (error instanceof TextError) return [error.message];
    throw error;
  }
}

/** The snippets of which an order is drawn, for the texts. */
const DRAWN = ["broken", "broken-plain-store"];

/** Draws an order that goes wrong of each, and makes the page of the element. */
function racePictures(root: string): Record<string, string> {
  const race = readRace(root);
  return Object.fromEntries([
    ["assets/race.html", elementPage(root)],
    ...DRAWN.map((name) => [
      `assets/${name}.svg`,
      drawRace(name, race[name] ?? {}).svg,
    ]),
  ]);
}

/** Makes the JavaScript of the file that people take, and of the element in the first post. */
function javascript(root: string): Record<string, string> {
  const source = join(root, "snippets", "drop-in", "lasting-logout.ts");
  return {
    "assets/race.js": elementCode(root),
    "snippets/drop-in/lasting-logout.cjs": javascriptOf(
      readFileSync(source, "utf8"),
    ),
  };
}

/** Writes one file, or only looks whether it is up to date; returns a line for a problem. */
function syncWhole(
  root: string,
  file: string,
  made: string,
  { check, tell }: Options,
): string[] {
  const path = join(root, file);
  const old = existsSync(path) ? readFileSync(path, "utf8") : undefined;
  if (old === made) return [];
  if (check) return [`${file} is stale: run npm run sync`];
  writeFileSync(path, made);
  tell(`${file}: made`);
  return [];
}
