import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { markdownTable } from "markdown-table";
import rehypeRaw from "rehype-raw";
import rehypeSanitize from "rehype-sanitize";
import rehypeSlug from "rehype-slug";
import rehypeStringify from "rehype-stringify";
import remarkGfm from "remark-gfm";
import remarkParse from "remark-parse";
import remarkRehype from "remark-rehype";
import { unified } from "unified";
import { parse } from "yaml";

/** A markdown file, taken apart. */
export interface Markdown {
  /** The keys and values between the two `---` at its top. */
  frontMatter: Record<string, string>;
  body: string;
}

/**
 * Takes a markdown file apart.
 * @throws {Error} when its front matter is no YAML
 */
export function readMarkdown(text: string): Markdown {
  const found = text.match(/^---\n(.*?)\n---\n(.*)$/s);
  if (!found) return { frontMatter: {}, body: text };
  const [, yaml = "", body = ""] = found;
  return { frontMatter: parse(yaml), body };
}

/**
 * Renders as GitHub does. GitHub's own parser, cmark-gfm, is a program in C. This one follows the
 * same specification, and needs nothing installed. The sanitizer's default is the list of what
 * GitHub lets through, and the slugger is GitHub's.
 */
const PIPELINE = unified()
  .use(remarkParse)
  .use(remarkGfm)
  .use(remarkRehype, { allowDangerousHtml: true })
  .use(rehypeRaw)
  .use(rehypeSanitize)
  .use(rehypeSlug)
  .use(rehypeStringify);

const render = (markdown: string) => String(PIPELINE.processSync(markdown));

const STYLE = readFileSync(
  createRequire(import.meta.url).resolve("github-markdown-css"),
  "utf8",
);

/**
 * Makes a page that shows a markdown file as GitHub does, with the front matter as a table.
 * @param name the file's name, for the page's title
 * @throws {Error} when its front matter is no YAML
 */
export function githubPage(name: string, text: string): string {
  const { frontMatter, body } = readMarkdown(text);
  const rows = [Object.keys(frontMatter), Object.values(frontMatter)];
  const table = rows[0]?.length ? render(markdownTable(rows)) : "";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${name}</title>
<style>${STYLE}
body { margin: 0; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { body { background: #0d1117; } }
main { max-width: 830px; margin: auto; padding: 16px; }
</style>
</head>
<body>
<main class="markdown-body">
<header>${table}</header>
<article>
${render(body)}
</article>
</main>
</body>
</html>
`;
}
