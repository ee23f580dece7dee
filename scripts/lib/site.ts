import { execFile } from "node:child_process";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { promisify, stripVTControlCharacters } from "node:util";
import which from "which";
import { CONFIG, FIRST_PAGE, POST_LAYOUT } from "./blog.ts";
import { githubPage, readMarkdown } from "./github.ts";

/** The files of a folder: what is in them, by their paths with slashes. */
export type Files = Map<string, string | Buffer>;

/** How to get what a blog needs, for who lacks it. Elsewhere than in Debian these are Ruby gems. */
export const HOW_TO_INSTALL_JEKYLL =
  "apt-get install jekyll ruby-jekyll-relative-links";

/** What makes no part of the repository, as GitHub shows it. */
export const NOT_SHOWN = [".git", "node_modules"];

/** Finds Jekyll, and returns its path, or undefined. */
export const findJekyll = (): string | undefined =>
  which.sync("jekyll", { nothrow: true }) ?? undefined;

/**
 * Makes the source of a Jekyll blog with the posts, and with what they link to.
 * @param root the repository's top folder
 */
export function blogFiles(root: string): Files {
  const files: Files = new Map([
    ["_config.yml", CONFIG],
    ["_layouts/post.html", POST_LAYOUT],
    ["index.html", FIRST_PAGE],
  ]);
  for (const [path, content] of readFiles(root)) {
    const [folder] = path.split("/");
    if (folder === "posts") files.set(`_${path}`, content);
    if (folder === "assets" || folder === "snippets") files.set(path, content);
  }
  return files;
}

/**
 * Makes pages that show a repository as GitHub does: the markdown files, the lists of what is in
 * each folder, and all other files as they are.
 * @param root the repository's top folder
 * @returns a page `README.md.html` for `README.md`: whoever serves it has to leave out the `.html`, as
 * Jekyll does, so that links work
 * @throws {Error} when the front matter of a file is no YAML
 */
export function githubFiles(root: string): Files {
  const files: Files = new Map();
  const folders = new Map<string, Set<string>>();
  for (const [path, content] of readFiles(root)) {
    const isText = path.endsWith(".md");
    const shown = isText ? `${path}.html` : path;
    files.set(shown, isText ? page(path, String(content)) : content);
    for (let inner = shown; inner !== "."; inner = dirname(inner)) {
      const folder = dirname(inner);
      const names = folders.get(folder) ?? new Set();
      folders.set(folder, names.add(basename(inner)));
    }
  }
  for (const [folder, names] of folders) {
    const links = [...names].map((name) => `- [${name}](${name})`);
    const list = githubPage(folder, links.join("\n"));
    files.set(join(folder, "index.html").replaceAll("\\", "/"), list);
  }
  return files;
}

function page(path: string, text: string): string {
  try {
    return githubPage(path, text);
  } catch (error) {
    const [line] = String((error as Error).message).split("\n");
    throw new Error(`${path}: its front matter is no YAML: ${line}`);
  }
}

/**
 * Finds the address of a post on the blog.
 * @param name the file's name, such as `2023-03-11-a-better-idea.md`
 * @param text what is in it
 */
export function blogAddress(name: string, text: string): string {
  const title = basename(name, ".md").replace(/^\d+-\d+-\d+-/, "");
  return readMarkdown(text).frontMatter.permalink ?? `/posts/${title}.html`;
}

function readFiles(root: string, folder = ""): Files {
  const files: Files = new Map();
  for (const entry of readdirSync(join(root, folder), {
    withFileTypes: true,
  })) {
    if (NOT_SHOWN.includes(entry.name)) continue;
    const path = folder ? `${folder}/${entry.name}` : entry.name;
    if (entry.isFile()) files.set(path, readFileSync(join(root, path)));
    if (entry.isDirectory()) {
      for (const [inner, content] of readFiles(root, path)) {
        files.set(inner, content);
      }
    }
  }
  return files;
}

/**
 * Writes files into a folder.
 * @param before what has been written there already: only what is new is written, and what is
 * gone is removed
 */
export function writeFiles(
  folder: string,
  files: Files,
  before: Files = new Map(),
): void {
  for (const [path, content] of files) {
    const old = before.get(path);
    if (old !== undefined && Buffer.from(old).equals(Buffer.from(content))) {
      continue;
    }
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  for (const path of before.keys()) {
    if (!files.has(path)) rmSync(join(folder, path));
  }
}

/**
 * Builds a blog with the real Jekyll.
 * @param jekyll its path
 * @param source the folder with the blog's source
 * @returns the folder with the pages
 * @throws {Error} with what Jekyll complains about
 */
export async function buildBlog(
  jekyll: string,
  source: string,
): Promise<string> {
  try {
    // The plugin for relative links takes the working folder for the blog's.
    await promisify(execFile)(jekyll, ["build", "--quiet"], { cwd: source });
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    const lines = stderr?.split("\n").map((line) => complaint(line, source));
    throw new Error(lines?.find(Boolean) ?? String(error));
  }
  return join(source, "_site");
}

/**
 * Reads a line that Jekyll prints on standard error.
 * @param source the folder with the blog's source
 * @returns what it complains about, or undefined when that is not in this line
 */
export function complaint(line: string, source: string): string | undefined {
  const text = stripVTControlCharacters(line).replaceAll(`${source}/`, "");
  if (/don't have jekyll-relative-links/.test(text)) {
    return `jekyll-relative-links is missing: ${HOW_TO_INSTALL_JEKYLL}`;
  }
  return text.match(/^\s*\w* ?(?:Error|Exception|Warning): (.*?)\s*$/)?.[1];
}
