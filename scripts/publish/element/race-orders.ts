// The orders of a late request and a logout, and what was seen in them. Nothing here knows what a
// server does.

/** What was recorded, by the snippet's name. The script that makes assets/race.js puts it in. */
export declare const RECORDED: Record<string, Recorded>;

export interface Recorded {
  /** What the snippet says of itself. */
  about: string;
  /** What was seen after each beginning of an order; see scripts/verify/record-race.ts. */
  looks: Record<string, string>;
}

/** The request that is late, or the logout. */
export type Chain = "u" | "l";

/** What happens to each, in this order. */
export const STEPS = {
  u: ["sent", "received", "answered", "stored"],
  l: ["sent", "answered", "stored"],
} as const;

/** How many steps there are in all. */
export const ALL = STEPS.u.length + STEPS.l.length;

/**
 * An order, as one number for each step of the update: how many steps of the logout come before it.
 * No number is smaller than the one before.
 */
export type Order = number[];

/** Writes an order as it is recorded: a letter for each step. */
export function lettersOf(order: Order): string {
  const parts = order.map((before, at) => {
    const since = before - (order[at - 1] ?? 0);
    return `${"l".repeat(since)}u`;
  });
  return parts.join("").padEnd(ALL, "l");
}

/** All orders: first those that go the least often from one of the two to the other. */
export const ORDERS: Order[] = STEPS.u
  .reduce<Order[]>(
    (orders) =>
      orders.flatMap((order) =>
        [0, 1, 2, 3].flatMap((before) =>
          before >= (order.at(-1) ?? 0) ? [[...order, before]] : [],
        ),
      ),
    [[]],
  )
  .map((order) => ({ order, difficulty: difficultyOf(lettersOf(order)) }))
  .sort((one, other) => one.difficulty - other.difficulty)
  .map(({ order }) => order);

function difficultyOf(letters: string): number {
  const switches = letters.match(/ul|lu/g)?.length ?? 0;
  return switches * 10 + Math.abs(letters.indexOf("l") - 2);
}

/** Which orders a snippet's page can produce, and which of them leave alice logged in. */
export function outcomesOf(name: string): {
  possible: Order[];
  losing: Order[];
} {
  const looks = RECORDED[name]?.looks ?? {};
  const end = (order: Order) => readLook(looks, lettersOf(order));
  const possible = ORDERS.filter(end);
  return { possible, losing: possible.filter((order) => end(order)?.loggedIn) };
}

/** What was seen at one moment. */
export interface Look {
  loggedIn: boolean;
  inJar: boolean;
  copy: boolean;
  /** Whether the step before took the session cookie along, or set it. */
  brought: boolean;
  cleared: boolean;
}

/** One step, and what was seen after it. */
export interface Step {
  chain: Chain;
  /** Which of its own steps it is. */
  index: number;
  what: "sent" | "received" | "answered" | "stored";
  /** Missing when the snippet's page can't get here. */
  look: Look | undefined;
  /** Whether it logs alice in after the logout. */
  undoes: boolean;
}

export function readLook(
  looks: Recorded["looks"],
  key: string,
): Look | undefined {
  const seen = looks[key];
  return seen === undefined
    ? undefined
    : {
        loggedIn: seen.includes("a"),
        inJar: seen.includes("j"),
        copy: seen.includes("c"),
        brought: seen.includes("+"),
        cleared: seen.includes("-"),
      };
}

export function stepsOf(looks: Recorded["looks"], order: Order): Step[] {
  const letters = lettersOf(order);
  const counts = { u: 0, l: 0 };
  return [...letters].map((letter, at) => {
    const chain = letter as Chain;
    const index = counts[chain]++;
    const what = STEPS[chain][index] as Step["what"];
    const before = readLook(looks, letters.slice(0, at));
    const look = readLook(looks, letters.slice(0, at + 1));
    const isAfter = counts.l === STEPS.l.length;
    const undoes = isAfter && !before?.loggedIn && look?.loggedIn === true;
    return { chain, index, what, look, undoes };
  });
}
