import escapeHtml from "escape-html";
import type { Example, Looks } from "../base/results.ts";
import { wrap } from "../base/terminal.ts";
import {
  type ArrowLook,
  arrowsOf,
  draw,
  ROW,
  type Scene,
  sceneOf,
} from "../race/race-drawing.ts";
import {
  ALL,
  outcomesOf,
  sentenceOf,
  stepsOf,
  wordsOf,
} from "../race/race-orders.ts";
import { COLORS, DRAWING_STYLE } from "../race/race-page.ts";

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

/** What is in a picture, and the same told in words. */
interface Picture {
  title: string;
  told: string;
  /** The words beside each row, the first of them bold, and whose they are. */
  rows: { words: string[]; look: ArrowLook }[];
  scene: Scene;
  /** What a thick lane means. */
  thick: string;
  end: string;
}

/** A diagram as the text of an SVG file, and the same in words. */
interface Drawn {
  svg: string;
  told: string;
}

/** Draws the lanes as the element does, and writes beside them what happens. */
function picture({ title, told, rows, scene, thick, end }: Picture): Drawn {
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
    const start = TOP + (at + 0.5) * row + 5 - (lines.length * LINE) / 2;
    return [first, ...lines].map((line, nr) =>
      text(LANES_WIDTH + 5, start + nr * LINE, line, nr ? "" : `bold ${look}`),
    );
  });
  const svg = [
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
  return { svg, told };
}

/**
 * Draws an order of `POST /update` and a logout, after which alice is logged in, as a sequence diagram
 * of the cookie jar, the browser and the server.
 * @param looks what was recorded of the snippet
 * @throws {Error} when none of its orders goes wrong
 */
export function drawRace(name: string, looks: Looks = {}): Drawn {
  const [order] = outcomesOf(looks).losing;
  if (!order) throw new Error(`no order goes wrong with ${name}`);
  const steps = stepsOf(looks, order);
  const end = "In the end, alice is logged in.";
  const sentences = steps.map((step, at) => `${at + 1}. ${sentenceOf(step)}`);
  return picture({
    title: `${name}: a request and a logout`,
    told: [...sentences, end].join(" "),
    rows: steps.map((step) => ({
      words: wordsOf(step),
      look: step.undoes ? "undoes" : step.chain,
    })),
    scene: sceneOf(steps, looks[""] ?? "", ALL),
    thick: "has the cookie, has alice, takes a copy",
    end,
  });
}

/**
 * Draws a history that breaks a rule in the same way.
 * @param title such as `fix-store: nobody is thrown out`
 * @throws {Error} when it happens in two browsers, for which there are no lanes
 */
export function drawHistory(title: string, { parts, how }: Example): Drawn {
  if (parts.some(({ what }) => what.startsWith("browser "))) {
    throw new Error(`${title}: there are no lanes for two browsers`);
  }
  const last = parts.findLastIndex(({ effect }) =>
    /set|cleared/.test(effect ?? ""),
  );
  const rows = parts.map((part, row) => {
    const isLate = parts.filter(({ nr }) => nr === part.nr).length > 1;
    const own = isLate ? (row === last ? "undoes" : "u") : "l";
    const seen = part.seen.map((words) => words.replace("session ", ""));
    // The arrows tell that it was stored, and there is little room.
    const words = [part.what.replace(", stored", ""), ...seen];
    return { ...part, look: own as ArrowLook, words };
  });
  const arrows = arrowsOf(rows);
  const changes = arrows.flatMap(({ to: [lane, at] }) =>
    lane === "jar" ? at : [],
  );
  const bars = changes.flatMap((from, index) => {
    const isSet = parts[Math.floor(from)]?.effect === "set";
    const to = changes[index + 1] ?? parts.length;
    return isSet ? { lane: "jar" as const, from, to } : [];
  });
  const sentences = parts.map(
    ({ nr, what, seen }) => `${[`${nr} ${what}`, ...seen].join(", ")}.`,
  );
  return picture({
    title,
    told: `${sentences.join(" ")} In the end, ${how}.`,
    rows,
    scene: { bars, arrows },
    thick: "the jar has the session cookie",
    end: `✗ ${how}`,
  });
}
