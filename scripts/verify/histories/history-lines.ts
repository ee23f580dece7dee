import { wrap } from "../../cli/terminal.ts";
import type { Stage } from "./history.ts";
import type { Answer } from "./ledger.ts";
import type { Happened, Played } from "./play-history.ts";
import type { RuleName } from "./reference.ts";

/** What happened to one request or login without a break. */
export interface ExamplePart {
  /** Which request or login it was, from 1. */
  nr: number;
  /** What it was, such as `POST /basket answered, stored`. */
  what: string;
  /** What was seen of it, in a few words each. */
  seen: string[];
  stages: Stage[];
  /** Whether the session cookie went along, if it was sent here. */
  withCookie?: boolean;
  /** What the response did with the session cookie, if it was stored here. */
  effect?: Answer["cookie"]["effect"];
}

/** A history that breaks a rule, ready to be told or drawn. */
export interface Example {
  parts: ExamplePart[];
  /** How it breaks the rule, such as `bob is out`. */
  how: string;
}

/** Makes of what has happened what is told of it. */
export function exampleOf({ events, breaks }: Played, rule: RuleName): Example {
  const groups: Happened[][] = [];
  for (const event of events) {
    const last = groups.at(-1);
    if (last?.[0]?.nr === event.nr) last.push(event);
    else groups.push([event]);
  }
  const isTwo = events.some(({ browser }) => browser === 2);
  const parts = groups.map((group) => {
    const [first, last] = [group[0], group.at(-1)] as [Happened, Happened];
    const { nr, browser, deed, withCookie } = first;
    const where = isTwo ? `browser ${browser}: ` : "";
    const isStored = last.stage === "stored" && last.answer;
    return {
      nr,
      what: `${where}${deed}${stagesOf(group)}`,
      seen: seenOf(group),
      stages: group.map(({ stage }) => stage),
      ...(withCookie && { withCookie }),
      ...(isStored && { effect: isStored.cookie.effect }),
    };
  });
  const how = breaks.find((one) => one.rule === rule)?.how ?? "";
  return { parts, how };
}

/** Where what was seen begins, in a line, and where that ends: it is printed two columns further in. */
const [COLUMN, END] = [30, 78];

/**
 * Tells a history, in a line for each thing that happened without a break, with the number of the
 * request or login that it happened to. The last line tells how it breaks a rule.
 */
export const historyLines = ({ parts, how }: Example): string[] => [
  ...parts.flatMap(({ nr, what, seen }) => {
    const start = `${nr} ${what}`.padEnd(COLUMN);
    return wrap(`${start}  ${seen.join(", ")}`.trimEnd(), COLUMN + 2, END);
  }),
  `→ ${how}`,
];

/** Names the stages, but for a whole request, and for what only comes between. */
function stagesOf(group: Happened[]): string {
  const stages = group.map(({ stage }) => stage);
  const isWhole = stages[0] === "sent" && stages.at(-1) === "stored";
  if (isWhole || group[0]?.deed === "13 hours pass") return "";
  const told = stages.filter(
    (stage, at) => stage !== "received" || at === stages.length - 1,
  );
  return ` ${told.join(", ")}`;
}

function seenOf(group: Happened[]): string[] {
  const [first, last] = [group[0], group.at(-1)];
  const answered = group.find(({ stage }) => stage === "answered");
  const told = answered?.answer?.told;
  const items = told?.basket.length ? ` with ${told.basket.join(", ")}` : "";
  return [
    first?.withCookie && last?.stage !== "stored" && "with the session cookie",
    told && `as ${told.user ?? "nobody"}${items}`,
    last?.stage === "stored" &&
      last.answer &&
      `session cookie ${last.answer.cookie.effect}`,
  ].filter((words) => typeof words === "string");
}
