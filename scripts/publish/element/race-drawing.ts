import { ALL, type Chain, type Look, type Step } from "./race-orders.ts";

/** Where each lane is, from the left. */
const LANES = { jar: "16.7%", browser: "50%", server: "83.3%" };
export type Lane = keyof typeof LANES;

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

/** Makes of an order what is drawn, when some of its steps have happened. */
export function sceneOf(steps: Step[], start: Look, now: number): Scene {
  const looks = [start, ...steps.map(({ look }) => look)].slice(0, now + 1);
  const bars = looks.flatMap((look, at) => {
    const isLast = at === now && now < ALL;
    const from = Math.max(0, at - 0.5);
    const to = at === ALL ? ALL : at + (isLast && at > 0 ? 0 : 0.5);
    const isSo = [look?.inJar, look?.loggedIn, look?.copy];
    return (Object.keys(LANES) as Lane[])
      .filter((_, lane) => isSo[lane])
      .map((lane) => ({ lane, from, to }));
  });
  const arrows = (["u", "l"] as const).flatMap((chain) => {
    const place = (what: Step["what"]) =>
      steps.findIndex((step) => step.chain === chain && step.what === what);
    const [sent, answered, stored] = [
      place("sent"),
      place("answered"),
      place("stored"),
    ];
    const last = steps[stored];
    const arrow = (
      [from, start]: [Lane, number],
      [to, end]: [Lane, number],
      look: Chain | "undoes" = chain,
    ): Scene["arrows"] => [
      {
        from: [from, start + 0.5],
        to: [to, end + 0.5],
        look: Math.max(start, end) < now ? look : "future",
      },
    ];
    return [
      steps[sent]?.look?.brought ? arrow(["jar", sent], ["browser", sent]) : [],
      arrow(
        ["browser", sent],
        ["server", chain === "u" ? place("received") : answered],
      ),
      arrow(["server", answered], ["browser", stored]),
      last?.look?.brought || last?.look?.cleared
        ? arrow(
            ["browser", stored],
            ["jar", stored],
            last.undoes ? "undoes" : chain,
          )
        : [],
    ].flat();
  });
  return { bars, arrows };
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
