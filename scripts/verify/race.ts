import type { Event, RequestName, Stage, Step } from "../base/results.ts";
import { type Browser, loggedIn, whoHas } from "../bed/browser.ts";
import { shift } from "../bed/clock.ts";
import { BODY, HeldRequest } from "../bed/held-request.ts";
import type { Snippet } from "../bed/snippet.ts";

/** What was seen of one order. */
export interface Race {
  steps: Step[];
  /** Who is logged in in the browser, after all events. */
  browser: string | null;
  /** Whom the server takes the bearer of a copy of the cookie for, taken before the logout. */
  server: string | null;
}

/** A snippet, and how it is tried. */
export interface Tried extends Snippet {
  /** Half a day goes by after each login, since it seldom writes a session that nobody changes. */
  isTriedLate?: boolean;
}

/** A session that nobody changes may be written only when half of its day is over. */
const LATER_MS = 13 * 60 * 60 * 1000;

/**
 * Does something after a login. Where unchanged sessions are written seldom, half a day goes by first,
 * so that the response of each request writes the session. Then the clock goes back.
 */
export async function later<Result>(
  { isTriedLate }: Tried,
  work: () => Promise<Result>,
): Promise<Result> {
  if (!isTriedLate) return work();
  await shift(LATER_MS);
  const result = await work();
  await shift(-LATER_MS);
  return result;
}

/**
 * Alice logs in, and her requests and her logout happen in this order. Who is logged in then?
 *
 * Each order has a login of its own, all the way through the provider. No two can share one: the
 * order's logout ends the app's session, and then the provider's. Nor can several sessions be made
 * ahead from one login at the provider. They would have its `sid`, and whoever goes by that or by
 * the user, as fix-back-channel does, would refuse all of them after the first logout, so that every
 * order but the first would begin with nobody logged in, and look safe.
 */
export async function race(
  snippet: Tried,
  order: readonly Event[],
): Promise<Race> {
  const browser = await loggedIn(snippet);
  return later(snippet, () => raceOf(snippet, browser, order));
}

async function raceOf(
  snippet: Tried,
  browser: Browser,
  order: readonly Event[],
): Promise<Race> {
  const { steps, requests } = await play(browser, order);
  const { cookie = "" } = requests.logout.outgoing.headers;
  return {
    steps,
    browser: await browser.whoami(),
    server: await whoHas(snippet, cookie),
  };
}

/** Lets events happen in a browser that is logged in, one after the other. */
export async function play(browser: Browser, events: readonly Event[]) {
  const requests: Record<RequestName | "logout", HeldRequest> = {
    update: new HeldRequest(browser, "cors", "POST", "/update", BODY),
    draft: new HeldRequest(browser, "cors", "POST", "/draft", BODY),
    logout: new HeldRequest(browser, "navigate", "GET", "/logout"),
  };
  const steps: Step[] = [];
  for (const event of events) {
    const [name, happens] = event.split(" ") as [RequestName, Stage];
    steps.push({ event, ...(await requests[name][happens]()) });
  }
  return { steps, requests };
}
