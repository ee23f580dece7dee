import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import GithubSlugger from "github-slugger";
import { marked } from "marked";

/** How many columns a table may have beside its names, so that no phone cuts it. */
const MOST_COLUMNS = 6;

/** An image in HTML, and where it is, in one theme or another. */
const IMAGE = /<(?:img|source) [^>]*?src(?:set)?="([^"]*)"/g;

/** What may begin a line: the comments and the tags that sync makes. */
const OUR_HTML = /<!--.*?-->|<(img|source) [^>]*>|<\/?(picture|logout-race)>/gs;

/**
 * Looks for links and images that lead to a file that is not there, or to a heading that is not in
 * it. Other sites are not asked. Looks, too, for text that GitHub or a Jekyll blog would not show as
 * it is written, and for tables that are too wide.
 * @returns a line for each
 */
export function mistakes(root: string, file: string, source: string): string[] {
  const found: string[] = [];
  const check = (href: string) => {
    if (/^(https?|mailto):/.test(href)) return;
    const [path = "", anchor] = href.split("#");
    const target = path ? resolve(root, dirname(file), path) : join(root, file);
    if (!existsSync(target)) found.push(`the link ${href} leads to no file`);
    else if (anchor && !anchorsOf(target).has(anchor))
      found.push(`the link ${href} leads to no heading`);
  };
  marked.walkTokens(tokensOf(source), (token) => {
    if (token.type === "link" || token.type === "image") check(token.href);
    if (token.type === "table" && token.header.length > MOST_COLUMNS + 1)
      found.push(`a table has ${token.header.length} columns`);
    if (token.type !== "html") return;
    for (const [, src = ""] of token.raw.matchAll(IMAGE)) check(src);
    // A comment that begins a line begins a block of HTML, and ends the paragraph before it.
    const rest = token.raw.replace(OUR_HTML, "").trim();
    if (token.block && rest)
      found.push(`the line “${rest}” begins with HTML: wrap it elsewhere`);
  });
  for (const [tag] of source.matchAll(/\{[{%].{0,20}/g))
    found.push(`a Jekyll blog takes “${tag}” for a tag of its own`);
  return found.map((mistake) => `${file}: ${mistake}`);
}

/** Looks in what readers see of the code for posts that it names, and that are not there: a line for each. */
export const mistakesInCode = (root: string): string[] =>
  ["snippets/support", "scripts/probe"].flatMap((folder) =>
    readdirSync(join(root, folder)).flatMap((name) => {
      const code = readFileSync(join(root, folder, name), "utf8");
      return [...code.matchAll(/\bposts\/[\w.-]+\.md\b/g)]
        .filter(([post]) => !existsSync(join(root, post)))
        .map(([post]) => `${folder}/${name}: there is no ${post}`);
    }),
  );

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
