import { ALL, type Chain, type Look, type Step } from "./race-orders.ts";

/** Which lane is where, from the left. */
const LANES = { jar: "16.7%", browser: "50%", server: "83.3%" };

/** Where the middle of a step is, from the top, in the unit of its height. */
const middleOf = (at: number): string => `${(at + 0.5) * 3.5}em`;

/** Draws the lanes, thick where something is so, and what goes from one to another. */
export function draw(steps: Step[], start: Look, now: number): string {
  const bars = [start, ...steps.map(({ look }) => look)].slice(0, now + 1);
  const lanes = (["jar", "browser", "server"] as const).map((lane) => {
    const x = LANES[lane];
    const thick = bars.map((look, at) => {
      const isSo = {
        jar: look?.inJar,
        browser: look?.loggedIn,
        server: look?.copy,
      };
      const from = at === 0 ? "0em" : middleOf(at - 1);
      const height = at === 0 || at === ALL ? 1.75 : 3.5;
      const isLast = at === now && now < ALL;
      return isSo[lane]
        ? `<rect x="${x}" y="${from}" width="8" height="${isLast && at > 0 ? 1.75 : height}em" transform="translate(-4)"/>`
        : "";
    });
    return `<line x1="${x}" y1="0" x2="${x}" y2="100%"/>${thick.join("")}`;
  });
  const place = (chain: Chain, ...whats: Step["what"][]) =>
    steps.findIndex(
      (step) => step.chain === chain && whats.includes(step.what),
    );
  const arrow = (
    [from, y1]: [keyof typeof LANES, number],
    [to, y2]: [keyof typeof LANES, number],
    look: string,
  ) => {
    const kind = Math.max(y1, y2) < now ? look : "future";
    return `<line class="${kind}" x1="${LANES[from]}" y1="${middleOf(y1)}" x2="${LANES[to]}" y2="${middleOf(y2)}" marker-end="url(#${kind})"/>`;
  };
  const arrows = (["u", "l"] as const).flatMap((chain) => {
    const [sent, answered, stored] = [
      place(chain, "sent"),
      place(chain, "answered"),
      place(chain, "stored"),
    ];
    const arrives = chain === "u" ? place(chain, "received") : answered;
    const last = steps[stored];
    return [
      steps[sent]?.look?.brought
        ? arrow(["jar", sent], ["browser", sent], chain)
        : "",
      arrow(["browser", sent], ["server", arrives], chain),
      arrow(["server", answered], ["browser", stored], chain),
      last?.look?.brought || last?.look?.cleared
        ? arrow(
            ["browser", stored],
            ["jar", stored],
            last.undoes ? "undoes" : chain,
          )
        : "",
    ];
  });
  const heads = ["u", "l", "undoes", "future"].map(
    (name) =>
      `<marker id="${name}" class="${name}" viewBox="0 0 10 10" refX="12" refY="5" markerWidth="11" markerHeight="11" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L10 5L0 10z"/></marker>`,
  );
  return `<defs>${heads.join("")}</defs>${lanes.join("")}${arrows.join("")}`;
}
