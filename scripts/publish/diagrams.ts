import escapeHtml from "escape-html";
import type { Step } from "../verify/race.ts";

// A picture is shown in an <img>, so it brings its own styles, asks for light
// or dark, and has no background. Nothing is told by colour alone.
const STYLE = `<style>
svg { color: #1f2328; font: 16px system-ui, sans-serif }
text { fill: currentColor }
path { stroke: currentColor; stroke-width: 2; fill: none }
.middle { text-anchor: middle }
.right { text-anchor: end }
.bold { font-weight: bold }
.large { font-size: 18px }
.thick { stroke-width: 3 }
.filled { fill: currentColor }
.band { fill: currentColor; stroke: none; opacity: 0.14 }
.cross { stroke: #fff; stroke-width: 3 }
.logout { stroke-dasharray: 7 5 }
.head { stroke-dasharray: none }
.faint { color: #818b98 }
.update { color: #0969da }
.alarm { color: #cf222e }
@media (prefers-color-scheme: dark) {
  svg { color: #e6edf3 }
  .faint { color: #848d97 }
  .update { color: #58a6ff }
  .alarm { color: #f85149 }
}
</style>`;

/** The distance from one line of text to the next. */
const LINE = 21;

/** Makes an SVG of its size, its title, the same told in words, its parts. */
function svg(
  size: number[],
  title: string,
  told: string,
  parts: string[],
): string {
  const [width, height] = size;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img"`,
    `  width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<title>${escapeHtml(title)}</title>`,
    `<desc>${escapeHtml(told)}</desc>`,
    STYLE,
    ...parts,
    "</svg>\n",
  ].join("\n");
}

function text(x: number, y: number, words: string, look = ""): string {
  const content = escapeHtml(words.trim());
  return `<text class="${look.trim()}" x="${x}" y="${y}">${content}</text>`;
}

/** Breaks words into lines after hyphens and spaces, if need be in a word. */
function wrap(words: string, length: number): string[] {
  const rest = `.{1,${length}}$`;
  const whole = `.{1,${length - 1}}[- ]`;
  const part = `.{1,${length}}`;
  return words.match(new RegExp(`${rest}|${whole}|${part}`, "gu")) ?? [];
}

function path(look: string, outline: string, place = ""): string {
  const transform = place && ` transform="${place}"`;
  return `<path class="${look}" d="${outline}"${transform}/>`;
}

/** The outline of a rectangle. */
const box = (x: number, y: number, width: number, height: number): string =>
  `M${x} ${y}h${width}v${height}h${-width}z`;

function arrow(from: number[], to: number[], look: string): string {
  const [[x1 = 0, y1 = 0], [x2 = 0, y2 = 0]] = [from, to];
  const turn = Math.round((Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI);
  const place = `translate(${x2} ${y2}) rotate(${turn})`;
  return (
    path(look, `M${x1} ${y1}L${x2} ${y2}`) +
    path(`${look} filled head`, "M-2 0L-11 -4V4Z", place)
  );
}

// The sequence diagram, from left to right and from top to bottom.
export const WIDTH = 570;
const JAR = 66;
const BROWSER = 278;
const SERVER = 458;
/** Where the lifelines begin. */
const TOP = 68;
/** The distance from one event to the next. */
const PITCH = 46;

const SENT = { update: "POST /update", logout: "GET /logout" };
const STORED = { set: "sets", cleared: "clears", untouched: "leaves" };

/** A step, and what its part of the picture needs. */
interface Row extends Step {
  /** Whether it belongs to the update or to the logout. */
  of: "update" | "logout";
  /** How far down it is. */
  y: number;
  /** Whether the session cookie is in the jar after it. */
  full: boolean;
  /** Whether it sets the cookie after the logout was stored. */
  undoes: boolean;
  /** What happens, in one or two short lines. */
  words: string[];
}

/**
 * Draws one order of `POST /update` and a logout as a sequence diagram of the
 * cookie jar, the browser and the server. The jar is full while the session
 * cookie is in it. Where the update's response sets the cookie after the logout
 * was stored, that is emphasised.
 * @param name the snippet's name, for the heading; up to 30 characters fit
 * @param steps the events in their order, and what was seen of them
 * @param end how it ends, such as "alice is logged in", for the last line
 * @returns the text of an SVG file
 */
export function sequenceDiagram(
  name: string,
  steps: Step[],
  end: string,
): string {
  const rows = rowsOf(steps);
  const bottom = TOP + (steps.length + 1) * PITCH;
  const ends = wrap(end, 44);
  const title = `${name}: a request and a logout`;
  const height = bottom + 16 + ends.length * LINE;
  return svg([WIDTH, height], title, sequenceInWords(steps, end), [
    text(WIDTH / 2, 20, title, "middle"),
    ...rows
      .filter(({ undoes }) => undoes)
      .map(({ y }) => path("alarm band", box(0, y - 26, WIDTH, 52))),
    ...lifelines(rows, bottom),
    ...["update", "logout"].flatMap((of) => journeys(rows, of)),
    ...rows.flatMap(atServerOrJar),
    ...ends.map((words, at) =>
      text(WIDTH / 2, bottom + 24 + at * LINE, words, "middle bold large"),
    ),
  ]);
}

/** Tells in words what {@link sequenceDiagram} draws. */
export function sequenceInWords(steps: Step[], end: string): string {
  const told = rowsOf(steps).map(
    ({ event, words }, at) => `${at + 1}. ${event}: ${words.join(" ")}.`,
  );
  return `${told.join(" ")} In the end, ${end}.`;
}

function rowsOf(steps: Step[]): Row[] {
  let full = steps[0]?.withCookie ?? true;
  let loggedOut = false;
  return steps.map((step, index) => {
    const { event, cookie } = step;
    if (cookie?.effect === "set") full = true;
    if (cookie?.effect === "cleared") full = false;
    if (event === "logout stored") loggedOut = true;
    const of = event.startsWith("update") ? "update" : "logout";
    const undoes =
      loggedOut && event === "update stored" && cookie?.effect === "set";
    const words = wordsOf(step, of, undoes);
    return { ...step, of, y: TOP + (index + 1) * PITCH, full, undoes, words };
  });
}

function wordsOf(step: Step, of: Row["of"], undoes: boolean): string[] {
  const { event, withCookie, cookie } = step;
  if (event === "update received") return ["looks up", "the session"];
  if (event.endsWith("answered")) return ["answers", `/${of}`];
  if (event.endsWith("sent"))
    return [
      SENT[of],
      withCookie ? "with the session cookie" : "without the cookie",
    ];
  const stored = `${STORED[cookie?.effect ?? "untouched"]} appSession`;
  return undoes ? [stored, "after the logout"] : [stored];
}

/** Draws the lifelines, and makes the jar's thick while it is full. */
function lifelines(rows: Row[], bottom: number): string[] {
  const heads = { "cookie jar": JAR, browser: BROWSER, server: SERVER };
  const start = { y: TOP, full: rows[0]?.withCookie ?? true };
  const changes = [start, ...rows].filter(
    ({ full }, index, all) => full !== all[index - 1]?.full,
  );
  return [
    ...Object.entries(heads).flatMap(([head, x]) => [
      text(x, TOP - 10, head, "middle bold"),
      path("faint", `M${x} ${TOP}V${bottom}`),
    ]),
    ...changes.flatMap(({ y, full }, index) => {
      const height = (changes[index + 1]?.y ?? bottom) - y;
      const bar = path("filled", box(JAR - 3, y, 6, height));
      const label = text(JAR - 10, y + 18, full ? "full" : "empty", "right");
      return full ? [bar, label] : [label];
    }),
  ];
}

/** Draws one request's way to the server and its response's way back. */
function journeys(rows: Row[], of: string): string[] {
  const y = (what: string) =>
    rows.find(({ event }) => event === `${of} ${what}`)?.y;
  const [sent, answered, stored] = [y("sent"), y("answered"), y("stored")];
  const arrived = y("received") ?? answered;
  const parts: string[] = [];
  // What the server does with the update takes its time.
  if (arrived && answered && arrived !== answered)
    parts.push(
      path(`${of} filled`, box(SERVER - 3, arrived, 6, answered - arrived)),
    );
  if (sent && arrived)
    parts.push(arrow([BROWSER, sent], [SERVER, arrived], of));
  if (answered && stored)
    parts.push(arrow([SERVER, answered], [BROWSER, stored], of));
  return parts;
}

/** Tells what the server does, or what goes between the jar and the browser. */
function atServerOrJar({ event, of, y, words, cookie, undoes }: Row): string[] {
  if (/received|answered/.test(event))
    return words.map((line, at) =>
      text(SERVER + 14, y - 4 + at * LINE, line, of),
    );
  const look = undoes ? "alarm bold thick" : of;
  const middle = (JAR + BROWSER) / 2;
  const labels = words.map((line, at) =>
    text(middle, y - 8 + at * 28, line, `middle ${look}`),
  );
  const jar = [JAR + 5, y];
  const browser = [BROWSER, y];
  if (event.endsWith("sent")) return [...labels, arrow(jar, browser, look)];
  if (cookie?.effect === "untouched") return labels;
  return [...labels, arrow(browser, jar, look)];
}
