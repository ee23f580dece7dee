import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, resolve } from "node:path";
import GithubSlugger from "github-slugger";
import { marked } from "marked";
import type { Text } from "./markdown.ts";

/** How many words a post may have, without its code. */
const MOST_WORDS = 2000;

/** How many columns a table may have beside its names. */
const MOST_COLUMNS = 6;

/** An image in HTML, and where it is, in one theme or another. */
const IMAGE = /<(?:img|source) [^>]*?src(?:set)?="([^"]*)"/g;

/**
 * Looks for links and images that lead nowhere: to a file that is not there, to a heading that is
 * not in it, or to no address at all. Other sites are not asked. Looks, too, for text that GitHub or
 * a Jekyll blog would not show as it is written, for tables that are too wide, and for posts that are
 * too long.
 * @returns a line for each
 */
export function mistakes(source: string, { root, file }: Text): string[] {
  const found: string[] = [];
  const check = (href: string) => {
    if (/^(https?|mailto):/.test(href)) {
      if (!URL.canParse(href)) found.push(`${file}: ${href} is no address`);
      return;
    }
    const [path = "", anchor] = href.split("#");
    const target = path ? resolve(root, dirname(file), path) : join(root, file);
    if (!existsSync(target)) {
      found.push(`${file}: the link ${href} leads to no file`);
    } else if (anchor && !anchorsOf(target).has(anchor)) {
      found.push(`${file}: the link ${href} leads to no heading`);
    }
  };
  marked.walkTokens(tokensOf(source), (token) => {
    if (token.type === "link" || token.type === "image") check(token.href);
    if (token.type === "table" && token.header.length > MOST_COLUMNS + 1) {
      found.push(
        `${file}: a table has ${token.header.length} columns, and a phone cuts it`,
      );
    }
    if (token.type !== "html") return;
    for (const [, src = ""] of token.raw.matchAll(IMAGE)) check(src);
    // A comment that begins a line begins a block of HTML, and ends the paragraph before it.
    const rest = token.raw
      .replace(
        /<!--.*?-->|<(img|source) [^>]*>|<\/?(picture|logout-race)>/gs,
        "",
      )
      .trim();
    if (token.block && rest) {
      found.push(
        `${file}: the line “${rest}” begins with HTML: wrap it elsewhere`,
      );
    }
  });
  const words = wordsOf(source);
  if (file.startsWith("posts/") && words > MOST_WORDS) {
    found.push(`${file}: ${words} words are more than ${MOST_WORDS}`);
  }
  for (const [tag] of source.matchAll(/\{[{%].{0,20}/g)) {
    found.push(`${file}: a Jekyll blog takes “${tag}” for a tag of its own`);
  }
  return found;
}

/** Looks in the code for posts that it names, and that are not there: a line for each. */
export function mistakesInCode(root: string): string[] {
  // The laboratory names no post, and to look through its packages takes a second.
  const parts = readdirSync(join(root, "scripts"), { withFileTypes: true })
    .filter(({ name }) => name !== "lab")
    .map((one) => ({ path: `scripts/${one.name}`, isFile: one.isFile() }));
  const files = [{ path: "snippets", isFile: false }, ...parts]
    .flatMap(({ path, isFile }) =>
      isFile
        ? path
        : readdirSync(join(root, path), { recursive: true }).map((file) =>
            posix.join(path, String(file).replaceAll("\\", "/")),
          ),
    )
    .filter((file) => /^(?!.*\.test\.).*\.ts$/.test(file));
  return files.flatMap((file) => {
    const code = readFileSync(join(root, file), "utf8");
    return [...code.matchAll(/\bposts\/[\w.-]+\.md\b/g)]
      .filter(([post]) => !existsSync(join(root, post)))
      .map(([post]) => `${file}: there is no ${post}`);
  });
}

/** Counts the words that a reader reads: without code, comments and the front matter. */
const wordsOf = (source: string): number =>
  source
    .replace(/^---\n.*?\n---\n|^```.*?^```$|<!--.*?-->|<[^>]*>/gms, " ")
    .split(/\s+/)
    .filter((word) => /[\p{L}\d]/u.test(word)).length;

function anchorsOf(file: string): Set<string> {
  const slugger = new GithubSlugger();
  const anchors = new Set<string>();
  marked.walkTokens(tokensOf(readFileSync(file, "utf8")), (token) => {
    if (token.type === "heading") anchors.add(slugger.slug(token.text));
  });
  return anchors;
}

/** Reads markdown, without the front matter that Jekyll takes from its top. */
const tokensOf = (source: string) =>
  marked.lexer(source.replace(/^---\n.*?\n---\n/s, ""));
