import type { CookieEffect, Stage } from "../base/results.ts";
import { ALL, type Step } from "./race-orders.ts";

/** Where each lane is, from the left. */
const LANES = { jar: "16.7%", browser: "50%", server: "83.3%" };
export type Lane = keyof typeof LANES;

/** The letters of what is seen in each lane. */
const LETTERS = [
  ["jar", "j"],
  ["browser", "a"],
  ["server", "c"],
] as const;

/** How high a row is. */
export const ROW = 3.5;

/** What is drawn. Its places are counted in rows, from the top. */
export interface Scene {
  /** Where a lane is thick. */
  bars: { lane: Lane; from: number; to: number }[];
  arrows: { from: [Lane, number]; to: [Lane, number]; look: ArrowLook }[];
}

/** The arrows of the late request, of the logout, what logs in again, and what has not happened. */
const ARROW_LOOKS = ["u", "l", "undoes", "future"] as const;
export type ArrowLook = (typeof ARROW_LOOKS)[number];

/** What happens to a request in a row: where it goes, and what that does with the cookie. */
export interface Row {
  nr: number | string;
  stages: readonly Stage[];
  withCookie?: boolean;
  effect?: CookieEffect["effect"];
  look: ArrowLook;
}

/** Draws the ways of requests. What undoes something does so when it is stored. */
export function arrowsOf(rows: Row[]): Scene["arrows"] {
  const arrows: Scene["arrows"] = [];
  /** Where each request has been last. */
  const places = new Map<Row["nr"], [Lane, number]>();
  for (const [
    row,
    { nr, stages, withCookie, effect, look },
  ] of rows.entries()) {
    const own = look === "undoes" ? "u" : look;
    for (const [at, stage] of stages.entries()) {
      // What happens in one row is drawn one below the other.
      const y = row + (at + 1) / (stages.length + 1);
      const lane = /sent|stored/.test(stage) ? "browser" : "server";
      const from = places.get(nr);
      places.set(nr, [lane, y]);
      if (stage === "sent" && withCookie)
        arrows.push({ from: ["jar", y], to: ["browser", y], look: own });
      // Time that passes is no answer.
      if (!from || from[0] === lane) continue;
      arrows.push({ from, to: [lane, y], look: own });
      if (stage === "stored" && effect && effect !== "untouched")
        arrows.push({ from: ["browser", y], to: ["jar", y], look });
    }
  }
  return arrows;
}

/** Makes of an order what is drawn, when some of its steps have happened. */
export function sceneOf(steps: Step[], start: string, now: number): Scene {
  const looks = [start, ...steps.map(({ look }) => look)].slice(0, now + 1);
  const bars = looks.flatMap((look, at) => {
    const isLast = at === now && now < ALL;
    const from = Math.max(0, at - 0.5);
    const to = at === ALL ? ALL : at + (isLast && at > 0 ? 0 : 0.5);
    return LETTERS.flatMap(([lane, letter]) =>
      look?.includes(letter) ? { lane, from, to } : [],
    );
  });
  const rows = steps.map(
    ({ chain, stage, cookie, undoes }, row): Row => ({
      ...{ nr: chain, stages: [stage], withCookie: cookie === "brought" },
      effect: cookie ? "set" : "untouched",
      look: row >= now ? "future" : undoes ? "undoes" : chain,
    }),
  );
  return { bars, arrows: arrowsOf(rows) };
}

/** Draws the lanes, and what goes from one to another, as what is in an `<svg>`. */
export function draw({ bars, arrows }: Scene): string {
  const heads = ARROW_LOOKS.map(
    (name) =>
      `<marker id="${name}" class="${name}" viewBox="0 0 10 10" refX="12" refY="5" markerWidth="11" markerHeight="11" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L10 5L0 10z"/></marker>`,
  );
  const down = (rows: number) => `${Math.round(rows * ROW * 100) / 100}em`;
  const parts = [
    ...Object.values(LANES).map(
      (x) => `<line x1="${x}" y1="0" x2="${x}" y2="100%"/>`,
    ),
    ...bars.map(
      ({ lane, from, to }) =>
        `<rect x="${LANES[lane]}" y="${down(from)}" width="8" height="${down(to - from)}" transform="translate(-4)"/>`,
    ),
    ...arrows.map(
      ({ from: [from, start], to: [to, end], look }) =>
        `<line class="${look}" x1="${LANES[from]}" y1="${down(start)}" x2="${LANES[to]}" y2="${down(end)}" marker-end="url(#${look})"/>`,
    ),
  ];
  return `<defs>${heads.join("")}</defs>${parts.join("")}`;
}
