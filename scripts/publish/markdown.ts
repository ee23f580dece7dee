import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import escapeHtml from "escape-html";
import { markdownTable } from "markdown-table";
import {
  browsersRows,
  nameOf,
  readSeenInBrowsers,
} from "../browsers/seen-in-browsers.ts";
import {
  type CaseName,
  deploymentRows,
  readDeployment,
} from "../servers/deployment-data.ts";
import type { RuleName } from "../verify/histories/reference.ts";
import type { HistoriesReport } from "../verify/histories/try-histories.ts";
import {
  type Observed,
  readHistories,
  readMeasured,
} from "../verify/observed.ts";
import { QUESTIONS } from "../verify/questions.ts";
import { benchRows, compare, MEASURES, readBench } from "./bench-data.ts";
import { bitesRows, readBites } from "./bites-data.ts";
import { drawHistory, WIDTH } from "./diagrams.ts";
import { elementTag } from "./element-code.ts";
import { excuseRows, historiesRows, ruleRows } from "./histories-data.ts";
import { othersRows, readOthers } from "./others-data.ts";
import { codeDiff, region } from "./regions.ts";
import { readSoak, soakRows } from "./soak-data.ts";
import { verdictLine } from "./verdict-line.ts";
import { readVersions, versionsRows } from "./versions-data.ts";

/** A text in the repository, and what its generated parts are made from. */
export interface Text {
  /** The top folder, from which the paths in the text's comments go. */
  root: string;
  /** The text's own path, from there. */
  file: string;
  observed: Observed;
  /** Where the makers put the pictures that they draw: what is to be in each file. */
  pictures: Record<string, string>;
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
    return fence("ts", [code]);
  },

  diff({ root }, [one = "", other = ""]) {
    const source = (name: string) => ({ name, text: read(root, name) });
    return fence("diff", [codeDiff(source(one), source(other))]);
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

  history({ root, file, pictures }, [name = "", ...words]) {
    const rule = words.join(" ");
    const [[, { examples }]] = reportsOf(readHistories(root), [name]) as [
      [string, HistoriesReport],
    ];
    const example = examples[rule as RuleName];
    if (!example)
      throw new TextError(`${name} was not seen to break “${rule}”`);
    const picture = `assets/${[name, ...words].join("-")}.svg`;
    const { svg, told } = drawHistory(`${name}: ${rule}`, example);
    pictures[picture] = svg;
    return imageOf(pathTo(picture, file), WIDTH, `Sequence diagram. ${told}`);
  },

  verdict({ root, file, observed }, names) {
    const [name = ""] = names;
    const [[, seen], [, histories]] = [
      ...reportsOf(observed, names),
      ...reportsOf(readHistories(root), names),
    ] as [[string, Observed[string]], [string, HistoriesReport]];
    return `> ${linkTo(name, file)}: ${verdictLine(seen, histories)}`;
  },

  measured({ root }) {
    const { date, node, versions } = readMeasured(root);
    const browsers = Object.values(readSeenInBrowsers(root)).map(
      ({ version }) => nameOf(version),
    );
    const all = [...versions, `Node ${node}`, ...browsers].join(", ");
    return `> Last run on ${date}, with ${all}.`;
  },

  log: ({ root }, [path = ""]) => fence("text", told(root, path, "[→←]")),

  usage: ({ root }, [path = ""]) => fence("ts", told(root, path, "app\\.use")),

  race: ({ root, file }) => elementTag(root, `${pathTo("assets", file)}/`),

  late({ observed }, words) {
    const rows = reportsOf(observed, words).map(([name, { twoProcesses }]) => {
      if (!twoProcesses?.lateWrite)
        throw new TextError(`${name} has no late write`);
      const { commands, user } = twoProcesses.lateWrite;
      return [name, commands.join(", "), user ?? "none"];
    });
    return markdownTable([["late write", "Redis gets", "who is in"], ...rows]);
  },

  browsers: ({ root }) => markdownTable(browsersRows(readSeenInBrowsers(root))),

  bites: ({ root }, words) =>
    markdownTable(bitesRows(readBites(root), words.map(Number))),

  others: ({ root }) => markdownTable(othersRows(readOthers(root))),

  deployment: ({ root }, words) =>
    markdownTable(deploymentRows(readDeployment(root), words as CaseName[])),

  probe({ root }, [name = ""]) {
    const output = readOthers(root).printed[name];
    if (!output) throw new TextError(`the probe was not pointed at ${name}`);
    const words = "--post /update --as alice --as bob";
    const command = `npm run probe -- http://localhost:3000 ${words}`;
    return `\`\`\`console\n$ ${command}\n\n${output.trimEnd()}\n\`\`\``;
  },

  versions: ({ root }) => markdownTable(versionsRows(readVersions(root))),

  bench: ({ root }) => markdownTable(benchRows(readBench(root))),

  soak: ({ root }) => markdownTable(soakRows(readSoak(root))),
};

/** The lines of the comment at a file's top that are indented, and begin in this way. */
function told(root: string, path: string, start: string): string[] {
  const lines = read(root, path).matchAll(
    new RegExp(`^// {3}(${start}.*)$`, "gm"),
  );
  const found = [...lines].map(([, line = ""]) => line);
  if (found.length === 0) throw new TextError(`${path} does not tell that`);
  return found;
}

const fence = (language: string, lines: string[]): string =>
  `\`\`\`${language}\n${lines.join("\n")}\n\`\`\``;

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

/** The path of something in the repository, as it is written in a file. */
const pathTo = (path: string, file: string): string =>
  relative(dirname(file), path).replaceAll("\\", "/");

/** Links a snippet's name to its file, from another file. */
const linkTo = (name: string, file: string): string =>
  `[${name}](${pathTo(`snippets/${name}.ts`, file)})`;

/** Shows a picture. Markdown has no width. */
const imageOf = (src: string, width: number, alt: string): string =>
  `<img src="${src}" width="${width}" alt="${escapeHtml(alt)}">`;

/** A comment that asks for a block, and the fence, table, quote, image or element after it, if there is one. */
const BLOCK =
  /^(<!-- (\w+): (.*?) ?-->)(?:\n+(?:```[\s\S]*?\n```|\|.*(?:\n\|.*)*|> .*|<img .*>|<logout-race>[\s\S]*?<\/logout-race>))?$/gm;

/** An answer in running text, between two comments. */
const ANSWER = /(<!-- seen: (\S+)\.(\w+) -->).*?(<!-- \/seen -->)/g;

/** A measured ratio in running text, likewise. */
const RATIO = /(<!-- ratio: (\S+)\.(\w+) -->).*?(<!-- \/ratio -->)/g;

/**
 * Makes the generated parts of a text anew. They are the fence, the table, the image or the element after a
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

function read(root: string, path: string): string {
  const file = join(root, path);
  if (!existsSync(file)) throw new TextError(`there is no file ${path}`);
  return readFileSync(file, "utf8");
}
