import type { Example, RuleName } from "../base/results.ts";
import { wrap } from "../base/terminal.ts";
import type { Happened, Played } from "./play-history.ts";

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
    const effect = last.stage === "stored" && last.answer?.cookie.effect;
    const answered = group.find(({ stage }) => stage === "answered");
    const told = answered?.answer?.told;
    const items = told?.basket.length ? ` with ${told.basket.join(", ")}` : "";
    const seen = [
      withCookie && last.stage !== "stored" && "with the session cookie",
      told && `as ${told.user ?? "nobody"}${items}`,
      effect && `session cookie ${effect}`,
    ];
    return {
      nr,
      what: `${isTwo ? `browser ${browser}: ` : ""}${deed}${stagesOf(group)}`,
      seen: seen.filter((words) => typeof words === "string"),
      stages: group.map(({ stage }) => stage),
      ...(withCookie && { withCookie }),
      ...(effect && { effect }),
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
