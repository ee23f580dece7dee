import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import escapeHtml from "escape-html";
import { markdownTable } from "markdown-table";
import {
  type Observation,
  type RuleName,
  readResult,
} from "../base/results.ts";
import { drawHistory, drawRace, WIDTH } from "./diagrams.ts";
import { codeDiff, indented, region } from "./regions.ts";
import {
  browserName,
  type Figure,
  ratioOf,
  seenOf,
  TABLES,
  TextError,
} from "./tables.ts";
import { verdictLine } from "./verdict-line.ts";

/** A text in the repository, whose generated parts are made anew. */
export interface Text {
  /** The top folder, from which the paths in the text's comments go. */
  root: string;
  /** The text's own path, from there. */
  file: string;
  /** Where the makers put the pictures that they draw: what is to be in each file. */
  pictures: Record<string, string>;
}

/** Where the figures of the first post are, each in a light and in a dark theme. */
const FIGURES = "assets/express-openid-connect-and-in-flight-requests";

/** Makes a block, of the words in the comment that asks for it, and of what is below the comment. */
type Maker = (text: Text, words: string[], old: string) => string;

const MAKERS: Record<string, Maker> = {
  snippet({ root }, [word = ""]) {
    const [path = "", name = ""] = word.split("#");
    const code = region(read(root, path), name);
    if (code) return fence("ts", code);
    throw new TextError(`${path} has no region ${name}`);
  },

  diff({ root }, [one = "", other = ""]) {
    const source = (name: string) => ({ name, text: read(root, name) });
    return fence("diff", codeDiff(source(one), source(other)));
  },

  log: (text, words) => fence("text", told("[→←]", text, words)),

  usage: (text, words) => fence("ts", told("app\\.use", text, words)),

  probe({ root }, [name = ""]) {
    const output = readResult(root, "others").printed[name];
    if (!output) throw new TextError(`the probe was not pointed at ${name}`);
    const words = "--post /update --as alice --as bob";
    const command = `npm run probe -- http://localhost:3000 ${words}`;
    return fence("console", `$ ${command}\n\n${output.trimEnd()}`);
  },

  verdict({ root, file }, names) {
    const name = names.join();
    const [seen] = seenOf(readResult(root, "verdicts"), names);
    const [histories] = seenOf(readResult(root, "histories"), names);
    if (!seen || !histories) throw new TextError("it names no snippet");
    return `> ${linkTo(name, file)}: ${verdictLine(seen[1], histories[1])}`;
  },

  measured({ root }) {
    const { date, node, versions } = readResult(root, "measured");
    const browsers = Object.values(readResult(root, "browsers")).map(
      ({ version }) => browserName(version),
    );
    const all = [...versions, `Node ${node}`, ...browsers].join(", ");
    return `> Last run on ${date}, with ${all}.`;
  },

  history({ root, file, pictures }, [name = "", ...words]) {
    const rule = words.join(" ");
    const { examples } = readResult(root, "histories")[name] ?? {};
    const example = examples?.[rule as RuleName];
    if (!example)
      throw new TextError(`${name} was not seen to break “${rule}”`);
    const { svg, told } = drawHistory(`${name}: ${rule}`, example);
    const picture = `assets/${[name, ...words].join("-")}.svg`;
    pictures[picture] = svg;
    return imageOf(pathTo(picture, file), told);
  },

  // GitHub leaves out tags that it does not know, and attributes that run something, so that it
  // shows the picture. It would show a script's tag as text.
  race({ root, file }) {
    const { told } = drawRace("broken", readResult(root, "race").broken);
    const image = imageOf(pathTo("assets/broken.svg", file), told);
    const script = ` onload="import('${pathTo("assets/race.js", file)}')"`;
    return `<logout-race>\n${image.replace(/>$/, `${script}>`)}\n</logout-race>`;
  },

  // What a figure tells somebody who does not see it stands in the text, and stays.
  figure({ file }, [name = ""], old) {
    const alt = old.match(/ alt="([^"]+)"/)?.[1];
    if (!alt) throw new TextError('it needs an <img alt="…"> below it');
    const path = pathTo(`${FIGURES}/${name}`, file);
    // Without a width, the picture would be twice as large as what it shows.
    return `<picture>
<source media="(prefers-color-scheme: dark)" srcset="${path}-dark.png">
<img src="${path}.png" width="720" alt="${alt}">
</picture>`;
  },
};

/** The indented lines of a file's comments that begin in some way. */
function told(start: string, { root }: Text, [path = ""]: string[]): string {
  const lines = indented(read(root, path), start);
  if (lines) return lines;
  throw new TextError(`${path} does not tell that`);
}

const fence = (language: string, code: string): string =>
  `\`\`\`${language}\n${code}\n\`\`\``;

/** The path of something in the repository, as it is written in a file. */
const pathTo = (path: string, file: string): string =>
  relative(dirname(file), path).replaceAll("\\", "/");

/** Links a snippet's name to its file, from another file. */
const linkTo = (name: string, file: string): string =>
  `[${name}](${pathTo(`snippets/${name}.ts`, file)})`;

/** Shows a diagram. Markdown has no width. */
const imageOf = (src: string, told: string): string =>
  `<img src="${src}" width="${WIDTH}" alt="${escapeHtml(`Sequence diagram. ${told}`)}">`;

function read(root: string, path: string): string {
  const file = join(root, path);
  if (!existsSync(file)) throw new TextError(`there is no file ${path}`);
  return readFileSync(file, "utf8");
}

/** A comment that asks for a block, and the fence, table, quote, image or element after it, if there is one. */
const BLOCK =
  /^(<!-- (\w+): (.*?) ?-->)(?:\n+(?:```[\s\S]*?\n```|\|.*(?:\n\|.*)*|> .*|<img .*>|<(?<element>picture|logout-race)>[\s\S]*?<\/\k<element>>))?$/gm;

/** A number in running text, between two comments. */
const NUMBER = /(<!-- (seen|ratio): (\S+)\.(\w+) -->).*?(<!-- \/\2 -->)/g;

/** Finds in how many orders something was seen, or how much more than `broken` a server takes. */
function numberOf(root: string, kind: string, name: string, what: string) {
  if (kind === "ratio")
    return ratioOf(readResult(root, "bench"), name, what as Figure).toFixed(1);
  const seen = readResult(root, "verdicts")[name]?.observation;
  const count = seen?.[what as keyof Observation];
  if (typeof count === "number") return String(count);
  throw new TextError("that was not seen");
}

/**
 * Makes the generated parts of a text anew. They are the fence, the table, the image or the element after a
 * comment such as `<!-- snippet: snippets/broken.ts#app -->`, the number in
 * `<!-- seen: broken.browser -->19<!-- /seen -->`, and the ratio in
 * `<!-- ratio: fix-ordering.cpuMicroseconds -->0.4<!-- /ratio -->`.
 * @throws {TextError} when a comment asks for something that is not there
 */
export function generate(text: Text): string {
  const { root, file } = text;
  const make = (comment: string, maker: () => string) => {
    try {
      return maker();
    } catch (error) {
      if (!(error instanceof TextError)) throw error;
      throw new TextError(`${file}: ${comment}: ${error.message}`);
    }
  };
  const blockOf = (name: string, words: string[], old: string): string => {
    const table = TABLES[name]?.(root, words, (name) => linkTo(name, file));
    if (table) return markdownTable(table);
    const block = MAKERS[name]?.(text, words, old);
    if (block) return block;
    throw new TextError(`nothing is made by ${name}`);
  };
  return read(root, file)
    .replace(BLOCK, (old, comment, name, words: string) => {
      const all = words.split(" ").filter(Boolean);
      return `${comment}\n\n${make(comment, () => blockOf(name, all, old))}`;
    })
    .replace(NUMBER, (_, comment, kind, name, what, end) => {
      const number = make(comment, () => numberOf(root, kind, name, what));
      return `${comment}${number}${end}`;
    });
}
