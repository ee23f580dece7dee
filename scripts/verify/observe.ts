import type { Progress } from "../cli/side-by-side.ts";
import type { Browser } from "../client/browser.ts";
import { loggedIn, whoHas } from "../client/browser.ts";
import { type CookieEffect, effectOf } from "../client/cookie-effect.ts";
import { answerInWords, BODY, Stepwise } from "../client/request-steps.ts";
import {
  type Event,
  type Name,
  ORDERS,
  ordersOf,
  reduce,
  simplest,
} from "./orders.ts";
import { pageWaitsFor } from "./page-script.ts";
import { later, type Race, race, type Step, type Tried } from "./race.ts";

/** What was seen of one snippet: an answer to each of the verifier's questions. */
export interface Observation {
  updateCookie: CookieEffect;
  logoutCookie: CookieEffect;
  /** How many orders leave the browser logged in, with `POST /update` in flight. */
  browser: number;
  /** After how many of them the server accepts a copy of the cookie from before the logout. */
  server: number;
  /** As `browser`, with `POST /draft` in flight. */
  draft: number;
  /** How many orders the snippet's own page can produce: all, unless it waits. */
  possible: number;
  nextUser: string | null;
  lateRequest: string | null;
  knowsUser: boolean;
  rolls: boolean;
  otherDevice: boolean;
  otherTab: string | null;
}

/** Everything that {@link observe} learns about a snippet. */
export interface Report {
  observation: Observation;
  /** The orders that leave the browser logged in, as indexes into `ORDERS`. */
  losing: number[];
  /** The same, with `POST /draft` in flight. */
  losingDraft: number[];
  /** The orders that the snippet's page can't produce, likewise. */
  impossible: number[];
  /** What was seen in the simplest of them; empty when there is none. */
  example: Step[];
  /** What a logout came to while a write was on its way to Redis, if there was one. */
  lateWrite?: LateWrite;
}

export interface LateWrite {
  /** Who is in then. */
  user: string | null;
  /** What Redis was asked, in its order, and by which request. */
  commands: string[];
}

/** What of a report is kept when two processes were the app. */
export type TwoProcessReport = Pick<Report, "observation" | "lateWrite">;

/** What {@link observeTwo} saw. */
export interface DeepReport {
  /** All orders of the two requests and the logout that the page can produce. */
  possible: number;
  /** The orders that were tried, since all others come to the same. */
  tried: number;
  /** How many of those leave the browser logged in. */
  browser: number;
  /** After how many of those the server accepts a copy of the cookie from before the logout. */
  server: number;
}

const HOUR_MS = 60 * 60 * 1000;

/**
 * Asks a running snippet all questions, one after the other, since some remedies know users and
 * not sessions, so that two races at once would meddle with each other.
 * @throws {Error} when the snippet does not answer as the contract of a snippet says
 */
export async function observe(
  snippet: Tried,
  progress: Progress,
): Promise<Report> {
  // One login will do for the questions before the first logout.
  const first = await loggedIn(snippet);
  const waits = await waitsFor(first);
  const alone = await answerOne(first);
  const updates = await raceAll(snippet, ordersOf("update"), waits, (share) =>
    progress(share / 2),
  );
  const drafts = await raceAll(snippet, ordersOf("draft"), waits, (share) =>
    progress(1 / 2 + share / 2),
  );
  const [losing, losingDraft] = [updates, drafts].map((races) =>
    races.flatMap(({ order, browser }) => (browser ? order : [])),
  ) as [number[], number[]];
  const example = simplest(losing);
  const late = await lateWrite(snippet);
  return {
    ...(late && { lateWrite: late }),
    observation: {
      ...alone,
      browser: losing.length,
      server: updates.filter(({ server }) => server).length,
      draft: losingDraft.length,
      possible: updates.length,
      nextUser: await nextUser(snippet, waits),
      lateRequest: await swapUsers(snippet, waits.update ? "stored" : "sent"),
      otherDevice: await otherDevice(snippet),
      otherTab: await otherTab(snippet),
      // The last, since it moves the clock.
      rolls: await rolls(snippet),
    },
    losing,
    losingDraft,
    impossible: [...ORDERS.keys()].filter(
      (index) => !updates.some(({ order }) => order === index),
    ),
    example: updates.find(({ order }) => order === example)?.steps ?? [],
  };
}

/** Tries two requests in flight at once, `/update` and `/draft`, around one logout. */
export async function observeTwo(
  snippet: Tried,
  progress: Progress,
): Promise<DeepReport> {
  const waits = await waitsFor(await loggedIn(snippet));
  const all = ordersOf("update", "draft").filter((order) =>
    canProduce(order, waits),
  );
  const races = await raceAll(snippet, reduce(all), waits, progress);
  return {
    possible: all.length,
    tried: races.length,
    browser: races.filter(({ browser }) => browser).length,
    server: races.filter(({ server }) => server).length,
  };
}

/** For which requests the snippet's own page waits before it goes to `/logout`. */
type Waits = Record<Name, boolean>;

/** Asks the snippet's page. */
export async function waitsFor(browser: Browser): Promise<Waits> {
  const { html } = await browser.open("/");
  return {
    update: await pageWaitsFor(html, "/update"),
    draft: await pageWaitsFor(html, "/draft"),
  };
}

/** Whether the page can produce an order: what it waits for, it has before it goes. */
export const canProduce = (order: readonly Event[], waits: Waits): boolean =>
  (["update", "draft"] as const).every(
    (name) =>
      !waits[name] ||
      order.indexOf(`${name} stored`) < order.indexOf("logout sent"),
  );

/** Tries orders, but for those that the snippet's page can't produce. */
async function raceAll(
  snippet: Tried,
  orders: Event[][],
  waits: Waits,
  progress: Progress,
): Promise<(Race & { order: number })[]> {
  const races = [];
  for (const [order, events] of orders.entries()) {
    if (canProduce(events, waits)) {
      races.push({ order, ...(await race(snippet, events)) });
    }
    progress((order + 1) / orders.length);
  }
  return races;
}

/** Asks what one response to each route does to the cookie, with nothing else going on. */
async function answerOne(
  browser: Browser,
): Promise<Pick<Observation, "updateCookie" | "logoutCookie" | "knowsUser">> {
  const request = await browser.compose("cors", "POST", "/update", BODY);
  const update = await browser.exchange(request);
  const logout = await browser.exchange(
    await browser.compose("navigate", "GET", "/logout"),
  );
  if (update.status !== 200 || !update.body.startsWith("{")) {
    const told = answerInWords(request, update);
    throw new Error(`${told}: it has to use record`);
  }
  return {
    updateCookie: effectOf(update),
    logoutCookie: effectOf(logout),
    knowsUser: JSON.parse(update.body).recordedBy === "alice",
  };
}

/**
 * Alice logs out, bob logs in, and a request of hers is answered after that. Who is logged in?
 * @param until what happens to her request before she logs out
 */
async function swapUsers(
  snippet: Tried,
  until: "sent" | "received" | "answered" | "stored",
): Promise<string | null> {
  const browser = await loggedIn(snippet);
  const update = new Stepwise(browser, "cors", "POST", "/update", BODY);
  const leave = async () => {
    await browser.logOut();
    await browser.logIn("bob");
  };
  for (const happens of ["sent", "received", "answered", "stored"] as const) {
    await update.do[happens]();
    if (happens === until) await leave();
  }
  return browser.whoami();
}

/**
 * Alice logs out, bob logs in, and her late response arrives. Who is logged in? The logout overtakes her
 * request in the handler, or the response on its way back: the worse one counts.
 */
export async function nextUser(
  snippet: Tried,
  waits: Pick<Waits, "update">,
): Promise<string | null> {
  if (waits.update) return swapUsers(snippet, "stored");
  const seen = [
    await swapUsers(snippet, "received"),
    await swapUsers(snippet, "answered"),
  ];
  return ["alice", null, "bob"].find((user) => seen.includes(user)) ?? null;
}

/**
 * Alice logs out in one tab, while a page that another tab loads (the answer to a form that she
 * has sent there) is in flight. Who is logged in?
 */
async function otherTab(snippet: Tried): Promise<string | null> {
  const browser = await loggedIn(snippet);
  const load = new Stepwise(browser, "navigate", "POST", "/draft", BODY);
  return later(snippet, async () => {
    await load.do.sent();
    await load.do.received();
    await browser.logOut();
    await load.do.answered();
    await load.do.stored();
    return browser.whoami();
  });
}

/**
 * Alice's request has been handled, and the session is on its way to Redis. She logs out, through
 * another process, and then it arrives. Whom does the server take the bearer of her old cookie for?
 * @returns undefined when nothing was on its way, since the snippet writes nothing then
 */
async function lateWrite(snippet: Tried): Promise<LateWrite | undefined> {
  const { holdWrite, watchRedis } = snippet;
  if (!holdWrite || !watchRedis) return undefined;
  const browser = await loggedIn(snippet);
  return later(snippet, () =>
    lateWriteOf({ ...snippet, holdWrite, watchRedis }, browser),
  );
}

async function lateWriteOf(
  snippet: Tried & Required<Pick<Tried, "holdWrite" | "watchRedis">>,
  browser: Browser,
): Promise<LateWrite | undefined> {
  const watching = await snippet.watchRedis();
  const update = new Stepwise(browser, "cors", "POST", "/update", BODY);
  await update.do.sent();
  await update.do.received();
  const held = snippet.holdWrite();
  const answered = update.do.answered().then(() => false);
  const isHeld = await Promise.race([held.reached.then(() => true), answered]);
  await browser.logOut();
  held.release();
  await answered;
  const seen = await watching.stop();
  const { cookie = "" } = update.request.headers;
  const user = await whoHas(snippet, cookie);
  if (!isHeld) return undefined;
  const ours = seen.filter(({ words }) =>
    SESSION_COMMANDS.test(words[0] ?? ""),
  );
  const commands = ours.map(({ from, words }) => {
    const request = from === ours[0]?.from ? "update" : "logout";
    const condition = words.filter((word) => /^(NX|XX)$/.test(word));
    return [`${request}:`, words[0], ...condition].join(" ");
  });
  return { user, commands };
}

/** All others keep the connection. */
const SESSION_COMMANDS = /^(GET|SET|DEL|EXISTS)$/;

/** Alice is logged in on two devices, and logs out on one. Is she still logged in on the other? */
async function otherDevice(snippet: Tried): Promise<boolean> {
  const here = await loggedIn(snippet);
  const there = await loggedIn(snippet);
  await here.logOut();
  return (await there.whoami()) === "alice";
}

/**
 * Alice is logged in on two devices. Of the library's 24 hours she uses one after 16 and leaves
 * the other alone, so that after 32 hours a rolling session lives on the first alone.
 */
export async function rolls(snippet: Tried): Promise<boolean> {
  const active = await loggedIn(snippet);
  const idle = await loggedIn(snippet);
  await snippet.travel(16 * HOUR_MS);
  await active.open("/");
  await snippet.travel(16 * HOUR_MS);
  return (await active.whoami()) === "alice" && (await idle.whoami()) === null;
}
