import { plainTable, textOf } from "./report.ts";
import { OF_AN_ORDER, type Part, type Timings } from "./timings.ts";

const seconds = (ms: number): string => (ms / 1000).toFixed(1);

/** Makes the cells of a row, from the timings of one snippet or of several. */
function cells(all: Timings[]): string[] {
  const sum = (part: Part) =>
    all.reduce((ms, timings) => ms + timings.of(part).ms, 0);
  const orders = all.reduce((n, timings) => n + timings.of("order").times, 0);
  const rest = sum("all") - sum("start") - sum("order");
  const anOrder = (part: Part) =>
    orders > 0 ? (sum(part) / orders).toFixed(1) : "-";
  return [
    seconds(sum("start")),
    seconds(rest),
    String(orders),
    ...["order" as const, ...OF_AN_ORDER].map((part) => anOrder(part as Part)),
  ];
}

/**
 * Tells where the time has gone, in a table of at most 80 columns: a row for each snippet and one
 * for all, and what the columns mean.
 * @param byName the timings of each snippet, by its name
 * @param clockMs how long all of it took by the clock, in milliseconds
 */
export function timingsTable(
  byName: ReadonlyMap<string, Timings>,
  clockMs: number,
): string {
  const table = plainTable([
    "seconds, and\nms an order",
    ...["\nstart", "\nrest", "or-\nders", "\norder"],
    ...["\nlogin", "\nsent", "recei-\nved", "ans-\nwered", "sto-\nred"],
    "\nasked",
  ]);
  for (const [name, timings] of byName) table.push([name, ...cells([timings])]);
  const all = [...byName.values()];
  if (all.length > 1) table.push(["all of them", ...cells(all)]);
  const work = all.reduce((ms, timings) => ms + timings.of("all").ms, 0);
  const requests = all.reduce((sum, one) => sum + one.requests, 0);
  return `${textOf(table)}

start          seconds until its process answers
rest           seconds for the questions that are no orders, and for its end
order          milliseconds an order, on average, and what is in it:
login          alice logs in, at the app and the provider, and the clock goes on
sent … stored  these events, the request's and the logout's together; when the
               logout is stored, the browser goes to the provider and back
asked          who is in then, in the browser and with a copy of the old cookie

${seconds(work)} s of work in ${seconds(clockMs)} s by the clock, ${requests} HTTP requests. Snippets that
run side by side share the machine, so each takes longer than alone.`;
}
