import { wrap } from "../../cli/terminal.ts";
import type { Happened, Played } from "./play-history.ts";
import type { RuleName } from "./reference.ts";

/** Where what was seen begins, in a line. */
const COLUMN = 30;

/**
 * Tells a history, in a line for each thing that happened without a break, with the number of the
 * request or login that it happened to. The last line tells how it breaks a rule.
 */
export function historyLines(
  { events, breaks }: Played,
  rule: RuleName,
): string[] {
  const groups: Happened[][] = [];
  for (const event of events) {
    const last = groups.at(-1);
    if (last?.[0]?.nr === event.nr) last.push(event);
    else groups.push([event]);
  }
  const isTwo = events.some(({ browser }) => browser === 2);
  const lines = groups.flatMap((group) => {
    const [{ nr, browser, deed }] = group as [Happened];
    const where = isTwo ? `browser ${browser}: ` : "";
    const what = `${nr} ${where}${deed}${stagesOf(group)}`.padEnd(COLUMN);
    return wrap(`${what}  ${seenOf(group)}`.trimEnd(), COLUMN + 2);
  });
  const how = breaks.find((one) => one.rule === rule)?.how;
  return [...lines, `→ ${how}`];
}

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

function seenOf(group: Happened[]): string {
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
  ]
    .filter(Boolean)
    .join(", ");
}
