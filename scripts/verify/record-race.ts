import type { Event, Looks } from "../base/results.ts";
import { loggedIn, whoHas } from "../bed/browser.ts";
import type { Progress } from "../bed/workers.ts";
import { canProduce, waitsFor } from "./observe.ts";
import { ORDERS } from "./orders.ts";
import { later, play, type Tried } from "./race.ts";

/**
 * Writes the beginning of an order: a letter for each event, `u` for the update's and `l` for the
 * logout's. Each has its own events in one order only, so the letters say which.
 */
export const keyOf = (events: readonly Event[]): string =>
  events.map(([letter]) => letter).join("");

/** All beginnings of some orders, each once: from nothing at all to a whole order. */
export function beginningsOf(orders: readonly Event[][]): Event[][] {
  const beginnings = orders.flatMap((order) =>
    [...order.keys(), order.length].map((length) => order.slice(0, length)),
  );
  return [
    ...new Map(beginnings.map((events) => [keyOf(events), events])).values(),
  ];
}

/**
 * Alice logs in, some events happen, and then we look. To ask who is logged in can set the cookie
 * again. So this is a run of its own, which ends with the look.
 * @returns a letter for each thing that is so: `a`, alice is logged in in the browser; `j`, the session
 * cookie is in its jar; `c`, the server takes a copy of the cookie that was made after the login. Then
 * what the last event did with the cookie: `+`, took it along or set it; `-`, cleared it
 */
export async function lookAfter(
  snippet: Tried,
  events: readonly Event[],
): Promise<string> {
  const browser = await loggedIn(snippet);
  const cookies = async () =>
    (await browser.compose("cors", "GET", "/whoami")).headers.cookie ?? "";
  const copy = await cookies();
  return later(snippet, async () => {
    const { steps, requests } = await play(browser, events);
    const { withCookie, cookie } = steps.at(-1) ?? {};
    const isInJar = /\bappSession/.test(await cookies());
    const seen = [
      (await browser.whoami()) && "a",
      isInJar && "j",
      (await whoHas(snippet, copy)) && "c",
      (withCookie || cookie?.effect === "set") && "+",
      cookie?.effect === "cleared" && "-",
    ];
    // A server that waits for the rest of a body is let go.
    if (isHeld(events)) await requests.update.answered();
    return seen.filter(Boolean).join("");
  });
}

/** Whether the update has arrived at the server, and not been answered. */
const isHeld = (events: readonly Event[]): boolean =>
  events.includes("update received") && !events.includes("update answered");

/** Looks at a running snippet after each beginning of the orders that its page can produce. */
export async function lookAfterEachStep(
  snippet: Tried,
  progress: Progress,
): Promise<Looks> {
  const waits = await waitsFor(await loggedIn(snippet));
  const orders = ORDERS.filter((order) => canProduce(order, waits));
  const beginnings = beginningsOf(orders);
  const looks: Looks = {};
  for (const [at, events] of beginnings.entries()) {
    looks[keyOf(events)] = await lookAfter(snippet, events);
    progress((at + 1) / beginnings.length);
  }
  return looks;
}
