import { marked, type Token } from "marked";
import type { Browser, Page } from "puppeteer-core";
import { readMarkdown } from "./github.ts";

/** What a markdown file says that a page made of it has to show. */
export interface Source {
  /** The text of each fence, without its last end of line. */
  blocks: string[];
  /** The text of each piece of code in a sentence, with one space for any white space. */
  words: string[];
  /** For each table, how many cells each of its rows has. */
  tables: number[][];
  /** How many pictures there are. */
  pictures: number;
}

/** Reads what a page made of this markdown file has to show. */
export function readSource(text: string): Source {
  const source: Source = { blocks: [], words: [], tables: [], pictures: 0 };
  const tokens = marked.lexer(readMarkdown(text).body);
  marked.walkTokens(tokens, (token: Token) => {
    if (token.type === "code") source.blocks.push(token.text);
    if (token.type === "codespan") source.words.push(oneLine(token.text));
    if (token.type === "image") source.pictures += 1;
    if (token.type === "html") {
      source.pictures += token.raw.match(/<img\b/g)?.length ?? 0;
    }
    if (token.type === "table") {
      const rows = [token.header, ...token.rows];
      source.tables.push(rows.map((row) => row.length));
    }
  });
  return source;
}

const oneLine = (text: string) => text.replace(/\s+/g, " ").trim();

/** Looks at one thing in a page, and returns a line for each problem. */
type Rule = (page: Page, source: Source) => Promise<string[]>;

/** The narrowest screen on which a post has to be whole, in CSS pixels. */
const NARROW = 360;

/** Text that a reader sees only when markdown, Liquid or a comment was not understood. */
const LEFTOVER = /.{0,20}(?:\{[{%:]|[}%]\}|<[!–]|[-–]>|\]\(|```|\*\*).{0,20}/g;

// The functions that run in the page have no names inside, since tsx would add to those what
// the page does not have. The types of the page's objects are not known here: the DOM's
// declarations would contradict Node's.

const RULES: Record<string, Rule> = {
  async "one title"(page) {
    // GitHub shows the title of a post in a table above it.
    const titles: string[] = await page.$$eval("h1, header th", (all) =>
      all
        .filter((one) => one.localName === "h1" || one.textContent === "title")
        .map((one) => one.textContent),
    );
    return differs("titles", titles.length, 1);
  },

  async "every picture is there"(page, source) {
    const pictures: { name: string; alt: string; broken: string[] }[] =
      await page.$$eval("article img", (all) =>
        Promise.all(
          all.map(async (img) => {
            const sets = [img, ...img.parentElement.children]
              .filter((one) => one === img || one.localName === "source")
              .flatMap((one) => one.srcset.split(","))
              .map((one) => one.trim().split(" ")[0])
              .filter(Boolean);
            const broken = [];
            for (const address of [img.getAttribute("src"), ...sets]) {
              const one = img.cloneNode();
              one.loading = "eager";
              one.srcset = "";
              one.src = address;
              await one.decode().catch(() => {});
              if (!one.naturalWidth) broken.push(address);
            }
            return { name: img.getAttribute("src"), alt: img.alt, broken };
          }),
        ),
      );
    return [
      ...differs("pictures", pictures.length, source.pictures),
      ...pictures.flatMap(({ broken }) =>
        broken.map((address) => `the picture ${address} is broken`),
      ),
      ...pictures
        .filter(({ alt }) => !alt)
        .map(({ name }) => `the picture ${name} has no alt text`),
    ];
  },

  async "every link inside is alive"(page) {
    return page.$$eval("a[href]", (all) =>
      Promise.all(
        all.map(async (link) => {
          const { location, defaultView } = link.ownerDocument;
          if (link.origin !== location.origin) return [];
          const name = link.getAttribute("href");
          const response = await fetch(link.href);
          if (response.status !== 200) {
            return [`the link ${name} is dead: ${response.status}`];
          }
          const parser = new defaultView.DOMParser();
          const there = parser.parseFromString(
            await response.text(),
            "text/html",
          );
          const id = decodeURIComponent(link.hash.slice(1));
          if (!id || there.getElementById(id)) return [];
          return [`the link ${name} leads to no heading`];
        }),
      ).then((problems) => problems.flat()),
    );
  },

  async "code is as in the source"(page, { blocks, words }) {
    const texts = (selector: string): Promise<string[]> =>
      page.$$eval(selector, (all) => all.map((one) => one.textContent));
    const shown = {
      blocks: await texts("article pre"),
      words: await texts("article :not(pre) > code"),
    };
    return [
      ...firstDifference(
        "code blocks",
        shown.blocks.map((text) => text.replace(/\n$/, "")),
        blocks,
      ),
      ...firstDifference("pieces of code", shown.words.map(oneLine), words),
    ];
  },

  async "tables have all their cells"(page, source) {
    const tables: number[][] = await page.$$eval("article table", (all) =>
      all.map((table) => [...table.rows].map((row) => row.cells.length)),
    );
    return firstDifference(
      "tables",
      tables.map((rows) => `cells ${rows}`),
      source.tables.map((rows) => `cells ${rows}`),
    );
  },

  async "nothing is left over"(page) {
    const text: string = await page.$eval("article", (article) => {
      const copy = article.cloneNode(true);
      for (const code of copy.querySelectorAll("pre, code")) code.remove();
      return copy.textContent;
    });
    return (text.match(LEFTOVER) ?? []).map((at) => `it shows “${at.trim()}”`);
  },

  async "all text is in a paragraph"(page) {
    const loose: string[] = await page.$eval("article", (article) =>
      [...article.childNodes]
        .filter((node) => node.nodeType === node.TEXT_NODE)
        .map((node) => node.textContent.trim())
        .filter(Boolean),
    );
    return loose.map((text) => `“${text}” is in no paragraph`);
  },

  async "the page does not scroll sideways"(page) {
    const width: number = await page.$eval("html", (html) => html.scrollWidth);
    if (width <= NARROW) return [];
    return [`it is ${width} pixels wide on a screen of ${NARROW}`];
  },

  async "nothing is cut off"(page) {
    const cut: string[] = await page.$$eval("td, th, pre code, img", (all) =>
      all.flatMap((element) => {
        // What an ancestor cuts off can be reached if the ancestor scrolls.
        let { left, right } = element.getBoundingClientRect();
        for (
          let outer = element.parentElement;
          outer;
          outer = outer.parentElement
        ) {
          const { overflowX } =
            outer.ownerDocument.defaultView.getComputedStyle(outer);
          if (overflowX === "visible") continue;
          const box = outer.getBoundingClientRect();
          const scrolls = overflowX === "auto" || overflowX === "scroll";
          const beyond = !scrolls && right > box.right + 1;
          if (beyond || left + outer.scrollLeft < box.left - 1) {
            const text = element.textContent || element.getAttribute("src");
            return [`${element.localName} “${text.trim().slice(0, 30)}”`];
          }
          left = box.left;
          right = box.right;
        }
        return [];
      }),
    );
    if (cut.length === 0) return [];
    return [`${cut.length} are cut off at ${NARROW} pixels, first ${cut[0]}`];
  },
};

const differs = (what: string, seen: number, expected: number) =>
  seen === expected
    ? []
    : [`it has ${seen} ${what}, and the source has ${expected}`];

/** Compares lists of texts, and tells the first line that differs. */
function firstDifference(
  what: string,
  seen: string[],
  expected: string[],
): string[] {
  if (seen.length !== expected.length) {
    return differs(what, seen.length, expected.length);
  }
  const at = seen.findIndex((text, index) => text !== expected[index]);
  if (at < 0) return [];
  const lines = seen[at]?.split("\n") ?? [];
  const wanted = expected[at]?.split("\n") ?? [];
  const line = wanted.findIndex((text, index) => text !== lines[index]);
  return [
    `of the ${what}, number ${at + 1} has “${lines[Math.max(line, 0)]}”, ` +
      `and in the source “${wanted[Math.max(line, 0)]}”`,
  ];
}

/**
 * Opens a page that was made of a markdown file, on a narrow screen, and looks for what is not as
 * in the file, or broken. No request gets out to another host.
 * @param address where the page is
 * @returns a line for each problem
 */
export async function problemsOf(
  browser: Browser,
  address: string,
  source: Source,
): Promise<string[]> {
  const page = await browser.newPage();
  try {
    const strange = new Set<string>();
    await page.setViewport({ width: NARROW, height: 800 });
    await page.setCacheEnabled(false);
    await page.setRequestInterception(true);
    page.on("request", (request) => {
      const isOurs = request.url().startsWith(new URL("/", address).href);
      if (isOurs || request.url().startsWith("data:")) {
        return void request.continue();
      }
      strange.add(request.url());
      void request.abort();
    });
    const response = await page.goto(address);
    if (response?.status() !== 200) {
      return [`there is no page: ${response?.status()}`];
    }
    const problems = [];
    for (const rule of Object.values(RULES)) {
      problems.push(...(await rule(page, source)));
    }
    for (const url of strange) problems.push(`it asks another host: ${url}`);
    return problems;
  } finally {
    await page.close();
  }
}
