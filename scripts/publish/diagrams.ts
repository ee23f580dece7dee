import escapeHtml from "escape-html";
import { wrap } from "../cli/terminal.ts";
import type {
  Example,
  ExamplePart,
} from "../verify/histories/history-lines.ts";
import type { Looks } from "../verify/record-race.ts";
import {
  type ArrowLook,
  draw,
  type Lane,
  ROW,
  type Scene,
  sceneOf,
} from "./element/race-drawing.ts";
import {
  ALL,
  lettersOf,
  ORDERS,
  readLook,
  stepsOf,
} from "./element/race-orders.ts";
import { COLORS, DRAWING_STYLE } from "./element/race-page.ts";
import { sentenceOf, wordsOf } from "./element/race-words.ts";

/** How wide a picture is, so that a phone shows it at three quarters of its size or larger. */
export const WIDTH = 480;
const LANES_WIDTH = 210;
/** Where the rows begin. */
const TOP = 64;
/** The size of the letters, and the distance from one line of them to the next. */
const [LETTER, LINE] = [16, 19];
/** How many letters fit beside the lanes. */
const FIT = 30;

const colors = (at: 0 | 1) =>
  Object.entries(COLORS)
    .map(([name, both]) => `--${name}: ${both[at]}`)
    .join("; ");

// A picture is shown in an <img>, so it brings its own styles, asks for light
// or dark, and has no background. Nothing is told by colour alone.
const STYLE = `<style>
svg { ${colors(0)}; font: ${LETTER}px system-ui, sans-serif }
@media (prefers-color-scheme: dark) { svg { ${colors(1)} } }
text { fill: var(--text) }
.middle { text-anchor: middle }
.bold { font-weight: bold }
.small { font-size: 14px }
text.u { fill: var(--update) }
text.undoes { fill: var(--alarm) }
${DRAWING_STYLE}
</style>`;

/** A row of a picture: its words, the first of them bold, and whose it is. */
interface Row {
  words: string[];
  look: ArrowLook;
}

/** What is in a picture, and the same told in words. */
interface Picture {
  title: string;
  told: string;
  rows: Row[];
  scene: Scene;
  /** What a thick lane means. */
  thick: string;
  end: string;
}

/** Draws the lanes as the element does, and writes beside them what happens. */
function picture({ title, told, rows, scene, thick, end }: Picture): string {
  const row = ROW * LETTER;
  const bottom = TOP + rows.length * row;
  const height = bottom + 56;
  const text = (x: number, y: number, words: string, look: string) =>
    `<text class="${look}" x="${x}" y="${y}">${escapeHtml(words)}</text>`;
  const heads = ["cookie jar", "browser", "server"].map((name, at) =>
    text(((at + 0.5) * LANES_WIDTH) / 3, TOP - 10, name, "middle small"),
  );
  const beside = rows.flatMap(({ words: [first = "", ...more], look }, at) => {
    const lines = more.length ? wrap(more.join(", "), 0, FIT) : [];
    const middle = TOP + (at + 0.5) * row;
    const start = middle + 5 - (lines.length * LINE) / 2;
    return [first, ...lines].map((line, nr) =>
      text(LANES_WIDTH + 5, start + nr * LINE, line, nr ? "" : `bold ${look}`),
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img"`,
    `  width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">`,
    `<title>${escapeHtml(title)}</title>`,
    `<desc>${escapeHtml(told)}</desc>`,
    STYLE,
    text(WIDTH / 2, 20, title, "middle bold"),
    ...heads,
    `<svg y="${TOP}" width="${LANES_WIDTH}" height="${bottom - TOP}">${draw(scene)}</svg>`,
    ...beside,
    text(WIDTH / 2, bottom + 24, end, "middle bold undoes"),
    text(WIDTH / 2, bottom + 46, `A thick lane: ${thick}.`, "middle small"),
    "</svg>\n",
  ].join("\n");
}

/**
 * Draws an order of `POST /update` and a logout, after which alice is logged in, as a sequence diagram
 * of the cookie jar, the browser and the server.
 * @param looks what was recorded of the snippet
 * @returns the text of an SVG file, and the same in words
 * @throws {Error} when none of its orders goes wrong
 */
export function drawRace(
  name: string,
  looks: Looks,
): { svg: string; told: string } {
  const order = ORDERS.find((one) => readLook(looks, lettersOf(one))?.loggedIn);
  const start = readLook(looks, "");
  if (!order || !start) throw new Error(`no order goes wrong with ${name}`);
  const steps = stepsOf(looks, order);
  const end = "In the end, alice is logged in.";
  const told = [...steps.map(sentenceOf), end]
    .map((sentence, at) => (at < ALL ? `${at + 1}. ${sentence}` : sentence))
    .join(" ");
  const svg = picture({
    ...{ title: `${name}: a request and a logout`, told },
    rows: steps.map((step) => ({
      words: wordsOf(step),
      look: step.undoes ? "undoes" : step.chain,
    })),
    scene: sceneOf(steps, start, ALL),
    thick: "has the cookie, has alice, takes a copy",
    end,
  });
  return { svg, told };
}

/**
 * Draws a history that breaks a rule in the same way.
 * @param title such as `fix-store: nobody is thrown out`
 * @throws {Error} when it happens in two browsers, for which there are no lanes
 */
export function drawHistory(
  title: string,
  { parts, how }: Example,
): { svg: string; told: string } {
  if (parts.some(({ what }) => what.startsWith("browser "))) {
    throw new Error(`${title}: there are no lanes for two browsers`);
  }
  const last = parts.findLastIndex(({ effect }) =>
    /set|cleared/.test(effect ?? ""),
  );
  const looks = parts.map(({ nr }, row): ArrowLook => {
    const isLate = parts.filter((part) => part.nr === nr).length > 1;
    if (!isLate) return "l";
    return row === last ? "undoes" : "u";
  });
  const sentences = parts.map(
    ({ nr, what, seen }) => `${[`${nr} ${what}`, ...seen].join(", ")}.`,
  );
  const told = `${sentences.join(" ")} In the end, ${how}.`;
  const svg = picture({
    ...{ title, told },
    rows: parts.map(({ what, seen }, row) => ({
      words: [
        // The arrows tell that it was stored, and there is little room.
        what.replace(", stored", ""),
        ...seen.map((words) => words.replace("session cookie", "cookie")),
      ],
      look: looks[row] ?? "l",
    })),
    scene: sceneOfHistory(parts, looks),
    thick: "the jar has the session cookie",
    end: `✗ ${how}`,
  });
  return { svg, told };
}

/** Makes of a history what is drawn. A part that undoes something does so when it is stored. */
function sceneOfHistory(parts: ExamplePart[], looks: ArrowLook[]): Scene {
  const { bars, arrows }: Scene = { bars: [], arrows: [] };
  /** Since when the jar has the session cookie, while it has it. */
  let fullSince: number | undefined;
  const change = (isFull: boolean, at: number) => {
    const from = fullSince;
    if (from !== undefined) bars.push({ lane: "jar", from, to: at });
    fullSince = isFull ? at : undefined;
  };
  // Where each request is on its way from.
  const sent = new Map<number, number>();
  const answered = new Map<number, number>();
  for (const [row, part] of parts.entries()) {
    const { nr, stages, withCookie, effect } = part;
    const { [row]: end = "l" } = looks;
    const own = end === "undoes" ? "u" : end;
    const arrow = (
      from: [Lane, number],
      to: [Lane, number],
      look: ArrowLook = own,
    ) => arrows.push({ from, to, look });
    for (const [at, stage] of stages.entries()) {
      // What happens in one row is drawn one below the other.
      const y = row + (at + 1) / (stages.length + 1);
      const from = sent.get(nr);
      if (stage === "sent") {
        sent.set(nr, y);
        if (withCookie) arrow(["jar", y], ["browser", y]);
      } else if (stage === "stored") {
        const left = answered.get(nr);
        // Time that passes is no answer.
        if (left === undefined) continue;
        arrow(["server", left], ["browser", y]);
        if (!effect || effect === "untouched") continue;
        arrow(["browser", y], ["jar", y], end);
        change(effect === "set", y);
      } else {
        if (from !== undefined) arrow(["browser", from], ["server", y]);
        sent.delete(nr);
        answered.set(nr, y);
      }
    }
  }
  change(false, parts.length);
  return { bars, arrows };
}
