// The orders of a late request and a logout, and what was seen in them. Nothing here knows what a
// server does.

import type { Looks, Stage } from "../base/results.ts";

/** What was recorded, by the snippet's name. The script that makes assets/race.js puts it in. */
export declare const RECORDED: Record<
  string,
  {
    /** What the snippet says of itself. */
    about: string;
    looks: Looks;
  }
>;

/** The request that is late, or the logout. */
export type Chain = "u" | "l";

/** What happens to each, in this order. */
export const STAGES = {
  u: ["sent", "received", "answered", "stored"],
  l: ["sent", "answered", "stored"],
} as const;

/** How many steps there are in all. */
export const ALL = STAGES.u.length + STAGES.l.length;

/**
 * An order, as one number for each step of the update: how many steps of the logout come before it.
 * No number is smaller than the one before.
 */
export type Order = number[];

/** Writes an order as it is recorded: a letter for each step. */
export const lettersOf = (order: Order): string =>
  order
    .map((before, at) => `${"l".repeat(before - (order[at - 1] ?? 0))}u`)
    .join("")
    .padEnd(ALL, "l");

/** All orders: first those that go the least often from one of the two to the other. */
export const ORDERS: Order[] = STAGES.u
  .reduce<Order[]>(
    (orders) =>
      orders.flatMap((order) =>
        [0, 1, 2, 3]
          .filter((before) => before >= (order.at(-1) ?? 0))
          .map((before) => [...order, before]),
      ),
    [[]],
  )
  .sort((one, other) => difficultyOf(one) - difficultyOf(other));

function difficultyOf(order: Order): number {
  const letters = lettersOf(order);
  const switches = letters.match(/ul|lu/g)?.length ?? 0;
  return switches * 10 + Math.abs(letters.indexOf("l") - 2);
}

/** Which orders a snippet's page can produce, and which of them leave alice logged in. */
export function outcomesOf(
  looks: Looks,
): Record<"possible" | "losing", Order[]> {
  const possible = ORDERS.filter((order) => lettersOf(order) in looks);
  const isLosing = (order: Order) => looks[lettersOf(order)]?.includes("a");
  return { possible, losing: possible.filter(isLosing) };
}

/** One step, and what was seen after it. */
export interface Step {
  chain: Chain;
  /** Which of its own steps it is. */
  index: number;
  stage: Stage;
  /** The letters of what was seen; missing when the snippet's page can't get here. */
  look: string | undefined;
  /** What it did with the session cookie: took it along or set it, or cleared it. */
  cookie: "brought" | "cleared" | undefined;
  /** Whether it logs alice in after the logout. */
  undoes: boolean;
}

/** Tells an order step by step. */
export function stepsOf(looks: Looks, order: Order): Step[] {
  const letters = lettersOf(order);
  const counts = { u: 0, l: 0 };
  return [...letters].map((letter, at) => {
    const chain = letter as Chain;
    const index = counts[chain]++;
    const [before, look] = [at, at + 1].map(
      (end) => looks[letters.slice(0, end)],
    );
    return {
      ...{ chain, index, look },
      stage: STAGES[chain][index] as Stage,
      cookie: look?.includes("+")
        ? "brought"
        : look?.includes("-")
          ? "cleared"
          : undefined,
      undoes:
        counts.l === STAGES.l.length &&
        !before?.includes("a") &&
        look?.includes("a") === true,
    };
  });
}

const PATHS = { u: "/update", l: "/logout" };
/** What the browser sends. */
const CALLS = { u: "POST /update", l: "GET /logout" };

/** Says what happens in a step: two short lines. */
export function wordsOf(step: Step): [string, string] {
  const { chain, stage, look, cookie, undoes } = step;
  const first = `${PATHS[chain]} ${stage}`;
  if (look === undefined) return [first, "cannot happen"];
  if (stage === "sent") return [first, `${withOrWithout(step)} the cookie`];
  if (stage !== "stored") return [first, "by the server"];
  if (cookie === "brought")
    return [first, `cookie set${undoes ? " again" : ""}`];
  return [first, cookie ? "cookie cleared" : "cookie left alone"];
}

const withOrWithout = ({ cookie }: Step): string =>
  cookie === "brought" ? "with" : "without";

/** Says the same in a sentence. */
export function sentenceOf(step: Step): string {
  const { chain, stage, cookie, undoes } = step;
  const path = PATHS[chain];
  if (stage === "received") return "The server has /update, and works on it.";
  if (stage === "answered") return `The server answers ${path}.`;
  if (stage === "sent")
    return `The browser sends ${CALLS[chain]}, ${withOrWithout(step)} the session cookie.`;
  const does = { brought: "sets", cleared: "clears", alone: "leaves" };
  const after = undoes ? ", after the logout" : cookie ? "" : " alone";
  return `The answer to ${path} arrives, and ${does[cookie ?? "alone"]} the session cookie${after}.`;
}

/** Says what has just happened, or how it ended. */
export function newsOf(server: string, steps: Step[], now: number) {
  const [step, next] = [steps[now - 1], steps[now]];
  const news = (head: string, text: string, kind = "") => ({
    head,
    text,
    kind,
  });
  if (!step)
    return news(
      "Nothing has happened yet.",
      "alice is logged in, and is about to click Log out.",
    );
  if (next?.look !== undefined)
    return news(`Step ${now} of ${ALL}.`, sentenceOf(step));
  if (next)
    return news(
      "This order cannot happen.",
      `The page of ${server} waits for the answer to /update, and only then goes to /logout.`,
    );
  if (step.look?.includes("a"))
    return news(
      "✗ This logout did not hold.",
      "alice clicked Log out. At the end, she is logged in.",
      "bad",
    );
  const but = step.look?.includes("c")
    ? " But whoever has a copy of the cookie is let in."
    : "";
  return news(
    "✓ This logout held.",
    `At the end, nobody is logged in.${but}`,
    "good",
  );
}

/** Says what was seen: whether each thing is so, by the letter of its place, in a sentence. */
export const STATES: Record<string, (isSo: boolean) => string> = {
  j: (isSo) => `The cookie jar has ${isSo ? "the" : "no"} session cookie.`,
  a: (isSo) => `In the browser, ${isSo ? "alice" : "nobody"} is logged in.`,
  c: (isSo) => `The server ${isSo ? "takes" : "refuses"} a copy of the cookie.`,
};

/** Says how many orders go wrong with a server, and whether this one does. */
export function countOf(server: string, looks: Looks, order: Order): string {
  const { possible, losing } = outcomesOf(looks);
  const isAll = possible.length === ORDERS.length;
  const can = `Of the ${ORDERS.length} orders, ${possible.length} can happen with ${server}. `;
  if (losing.length === 0) {
    const other = server.startsWith("broken")
      ? " It fails in another way: see what this server does."
      : "";
    return isAll
      ? `None of the ${ORDERS.length} orders leaves alice logged in.${other}`
      : `${can}None leaves alice logged in.`;
  }
  const at = losing.indexOf(order) + 1;
  const here = at > 0 ? `This is number ${at} of them.` : "This one does not.";
  return `${isAll ? "" : can}${losing.length} of the ${possible.length} orders leave alice logged in. ${here} It is a count of orders, and does not say how often it happens.`;
}
