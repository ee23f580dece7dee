import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import escapeHtml from "escape-html";
import GithubSlugger from "github-slugger";
import { markdownTable } from "markdown-table";
import { marked } from "marked";
import type { BrowserName } from "../browsers/installed-browsers.ts";
import { SCENARIOS } from "../browsers/scenarios.ts";
import { readSeenInBrowsers } from "../browsers/seen-in-browsers.ts";
import { deploymentRows, readDeployment } from "../servers/deployment-data.ts";
import type { RuleName } from "../verify/histories/reference.ts";
import { type Observed, readHistories } from "../verify/observed.ts";
import { logoutAfter } from "../verify/orders.ts";
import { QUESTIONS, TWO_PROCESS_QUESTIONS } from "../verify/questions.ts";
import { benchRows, compare, MEASURES, readBench } from "./bench-data.ts";
import { elementTag } from "./element-code.ts";
import {
  FIGURE_WIDTH,
  FIGURES,
  FIGURES_FOLDER,
  type FigureName,
} from "./figures-list.ts";
import { excuseRows, historiesRows, ruleRows } from "./histories-data.ts";
import { othersRows, readOthers } from "./others-data.ts";
import { codeDiff, region } from "./regions.ts";
import { readVersions, versionsRows } from "./versions-data.ts";

/** A text in the repository, and what its generated parts are made from. */
export interface Text {
  /** The top folder, from which the paths in the text's comments go. */
  root: string;
  /** The text's own path, from there. */
  file: string;
  observed: Observed;
}

/** A mistake in a text, in a line that names the file and the place. */
export class TextError extends Error {}

/** Makes a block of a text, from the words in the comment that asks for it. */
type Maker = (text: Text, words: string[]) => string;

const MAKERS: Record<string, Maker> = {
  snippet({ root }, [word = ""]) {
    const [path = "", name = ""] = word.split("#");
    const code = region(read(root, path), name);
    if (code === undefined)
      throw new TextError(`${path} has no region ${name}`);
    return `\`\`\`ts\n${code}\n\`\`\``;
  },

  diff({ root }, [one = "", other = ""]) {
    const source = (name: string) => ({ name, text: read(root, name) });
    return `\`\`\`diff\n${codeDiff(source(one), source(other))}\n\`\`\``;
  },

  histories: ({ root, file }, words) =>
    markdownTable(
      historiesRows(
        reportsOf(readHistories(root), words).map(([name, report]) => [
          linkTo(name, file),
          report,
        ]),
      ),
    ),

  rules: () => markdownTable(ruleRows()),

  excused: ({ root }, words) =>
    markdownTable(excuseRows(reportsOf(readHistories(root), words))),

  history({ root }, [name = "", ...words]) {
    const rule = words.join(" ");
    const lines = reportsOf(readHistories(root), [name]).flatMap(
      ([, { examples }]) => examples[rule as RuleName] ?? [],
    );
    if (lines.length === 0)
      throw new TextError(`${name} was not seen to break “${rule}”`);
    return `\`\`\`text\n${lines.join("\n")}\n\`\`\``;
  },

  verdicts({ file, observed }, words) {
    const rows = reportsOf(observed, words).map(([name, seen]) => {
      return [
        linkTo(name, file),
        ...QUESTIONS.map(({ answer }) => answer(seen.observation)),
        ...TWO_PROCESS_QUESTIONS.map(({ answer }) =>
          seen.twoProcesses ? answer(seen.twoProcesses) : "",
        ),
      ];
    });
    const headings = [...QUESTIONS, ...TWO_PROCESS_QUESTIONS].map(
      ({ heading }) => heading,
    );
    return markdownTable([["snippet", ...headings], ...rows]);
  },

  race({ file, observed }) {
    const assets = relative(dirname(file), "assets").replaceAll("\\", "/");
    return elementTag(observed, `${assets}/`);
  },

  places({ observed }, words) {
    const places = ["sent", "received", "answered"] as const;
    const rows = reportsOf(observed, words).map(([name, seen]) => {
      const outcome = (order: number) => {
        if (seen.impossible.includes(order)) return "does not happen";
        return seen.losing.includes(order) ? "logged in" : "logged out";
      };
      return [name, ...places.map((place) => outcome(logoutAfter(place)))];
    });
    const head = [
      "overtaken",
      "on its way",
      "in the handler",
      "on its way back",
    ];
    return markdownTable([head, ...rows]);
  },

  deep({ observed }, words) {
    const rows = reportsOf(observed, words).map(([name, { deep }]) => {
      if (!deep) throw new TextError(`no two requests were seen with ${name}`);
      const { tried, possible, browser, server } = deep;
      return [name, ...[tried, possible, browser, server].map(String)];
    });
    const head = ["two requests at once", "tried", "of", "browser", "server"];
    return markdownTable([head, ...rows]);
  },

  figure({ root, file }, [word = ""]) {
    const figure = FIGURES[word as FigureName];
    if (!figure) throw new TextError(`there is no figure ${word}`);
    const picture = join(FIGURES_FOLDER, `${word}.png`);
    if (!existsSync(join(root, picture))) {
      throw new TextError(
        `there is no ${word}.png: run npm run figures in scripts/lab`,
      );
    }
    const src = relative(dirname(file), picture).replaceAll("\\", "/");
    const alt = escapeHtml(figure.alt);
    // Markdown has no width, and without one the picture would be twice as large as what it shows.
    return `<img src="${src}" width="${FIGURE_WIDTH}" alt="${alt}">`;
  },

  browsers({ root }, [word]) {
    const seen = readSeenInBrowsers(root)[word as BrowserName];
    if (!seen) throw new TextError(`nothing was seen in a browser ${word}`);
    const rows = Object.entries(seen.outcomes).map(([name, outcome]) => [
      name,
      ...SCENARIOS.map((scenario) => outcome[scenario.name] ?? "none"),
    ]);
    const headings = SCENARIOS.map(({ heading }) => heading);
    const version = seen.version.replace("/", " ");
    return markdownTable([[version, ...headings], ...rows]);
  },

  scenarios() {
    const rows = SCENARIOS.map(({ heading, meaning }) => [heading, meaning]);
    return markdownTable([["column", "what happens"], ...rows]);
  },

  late({ observed }, words) {
    const rows = reportsOf(observed, words).map(([name, { twoProcesses }]) => {
      if (!twoProcesses?.lateWrite)
        throw new TextError(`${name} has no late write`);
      const { commands, user } = twoProcesses.lateWrite;
      return [name, commands.join(", "), user ?? "none"];
    });
    return markdownTable([["late write", "Redis gets", "who is in"], ...rows]);
  },

  others: ({ root }) => markdownTable(othersRows(readOthers(root))),

  deployment: ({ root }) => markdownTable(deploymentRows(readDeployment(root))),

  probe({ root }, [name = ""]) {
    const output = readOthers(root).printed[name];
    if (!output) throw new TextError(`the probe was not pointed at ${name}`);
    const words = "--post /update --as alice --as bob";
    const command = `npm run probe -- http://localhost:3000 ${words}`;
    return `\`\`\`console\n$ ${command}\n\n${output.trimEnd()}\n\`\`\``;
  },

  versions: ({ root }) => markdownTable(versionsRows(readVersions(root))),

  bench: ({ root }) => markdownTable(benchRows(readBench(root))),

  measures: () =>
    markdownTable([
      ["column", "what it tells"],
      ...MEASURES.map(({ heading, meaning }) => [heading, meaning]),
    ]),

  questions() {
    const rows = [...QUESTIONS, ...TWO_PROCESS_QUESTIONS].map(
      ({ heading, meaning }) => [heading, meaning],
    );
    return markdownTable([["column", "what it tells"], ...rows]);
  },
};

/** Finds what was seen of the snippets with these names, or of all of them. */
const reportsOf = <Seen>(
  observed: Record<string, Seen>,
  names: string[],
): (readonly [string, Seen])[] =>
  names[0] === "all"
    ? Object.entries(observed)
    : names.map((name) => {
        const seen = observed[name];
        if (seen) return [name, seen] as const;
        throw new TextError(`nothing was seen of a snippet ${name}`);
      });

/** Links a snippet's name to its file, from another file. */
function linkTo(name: string, file: string): string {
  const path = relative(dirname(file), join("snippets", `${name}.ts`));
  return `[${name}](${path.replaceAll("\\", "/")})`;
}

/** A comment that asks for a block, and the fence, table, image or element after it, if there is one. */
const BLOCK =
  /^(<!-- (\w+): (.*?) ?-->)(?:\n+(?:```[\s\S]*?\n```|\|.*(?:\n\|.*)*|<img .*>|<logout-race>[\s\S]*?<\/logout-race>))?$/gm;

/** An image in HTML, and where it is. */
const IMAGE = /<img [^>]*?src="([^"]*)"/g;

/** An answer in running text, between two comments. */
const ANSWER = /(<!-- seen: (\S+)\.(\w+) -->).*?(<!-- \/seen -->)/g;

/** A measured ratio in running text, likewise. */
const RATIO = /(<!-- ratio: (\S+)\.(\w+) -->).*?(<!-- \/ratio -->)/g;

/**
 * Makes the generated parts of a text anew. They are the fence, the table or the image after a
 * comment such as `<!-- snippet: snippets/broken.ts#app -->`, the answer in
 * `<!-- seen: broken.browser -->19<!-- /seen -->`, and the ratio in
 * `<!-- ratio: fix-ordering.cpuMicroseconds -->0.4<!-- /ratio -->`.
 * @param old the whole text
 * @returns the text with those parts replaced, and the comments of those that were stale
 * @throws {TextError} when a comment asks for something that is not there
 */
export function generate(
  old: string,
  text: Text,
): { made: string; stale: string[] } {
  const stale: string[] = [];
  const replace = (all: string, comment: string, make: () => string) => {
    try {
      const made = make();
      if (made !== all) stale.push(comment);
      return made;
    } catch (error) {
      if (!(error instanceof TextError)) throw error;
      throw new TextError(`${text.file}: ${comment}: ${error.message}`);
    }
  };
  const made = old
    .replace(BLOCK, (all, comment, name: string, words: string) =>
      replace(all, comment, () => {
        const make = MAKERS[name];
        if (!make) throw new TextError(`nothing is made by ${name}`);
        const block = make(text, words.split(" ").filter(Boolean));
        return `${comment}\n\n${block}`;
      }),
    )
    .replace(ANSWER, (all, comment, name: string, question: string, end) =>
      replace(all, comment, () => {
        const seen = text.observed[name];
        const asked = QUESTIONS.find((one) => one.name === question);
        if (!seen || !asked) throw new TextError("that was not seen");
        return `${comment}${asked.answer(seen.observation)}${end}`;
      }),
    )
    .replace(RATIO, (all, comment, name: string, measure: string, end) =>
      replace(all, comment, () => {
        const one = compare(readBench(text.root)).find(
          ({ server, store }) => server === name && store === "process",
        );
        const asked = MEASURES.find((one) => one.name === measure);
        if (!one || !asked) throw new TextError("that was not measured");
        return `${comment}${one.ratios[asked.name].toFixed(1)}${end}`;
      }),
    );
  return { made, stale };
}

/**
 * Looks for links and images that lead nowhere: to a file that is not there, to a heading that is
 * not in it, or to no address at all. Other sites are not asked. Looks, too, for text that GitHub or
 * a Jekyll blog would not show as it is written.
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
    if (token.type !== "html") return;
    for (const [, src = ""] of token.raw.matchAll(IMAGE)) check(src);
    // A comment that begins a line begins a block of HTML, and ends the paragraph before it.
    const rest = token.raw
      .replace(/<!--.*?-->|<img [^>]*>|<\/?logout-race>/gs, "")
      .trim();
    if (token.block && rest) {
      found.push(
        `${file}: the line “${rest}” begins with HTML: wrap it elsewhere`,
      );
    }
  });
  for (const [tag] of source.matchAll(/\{[{%].{0,20}/g)) {
    found.push(`${file}: a Jekyll blog takes “${tag}” for a tag of its own`);
  }
  return found;
}

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

function read(root: string, path: string): string {
  const file = join(root, path);
  if (!existsSync(file)) throw new TextError(`there is no file ${path}`);
  return readFileSync(file, "utf8");
}
