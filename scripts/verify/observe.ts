import type {
  DeepReport,
  Event,
  LateWrite,
  Observation,
  Report,
  RequestName,
  Stage,
} from "../base/results.ts";
import {
  answerInWords,
  type Browser,
  loggedIn,
  whoHas,
} from "../bed/browser.ts";
import { travel } from "../bed/clock.ts";
import { BODY, effectOf, HeldRequest } from "../bed/held-request.ts";
import type { Progress } from "../bed/workers.ts";
import { ORDERS, ordersOf, reduce, simplest } from "./orders.ts";
import { pageWaitsFor } from "./page-script.ts";
import { later, type Race, race, type Tried } from "./race.ts";

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
type Waits = Record<RequestName, boolean>;

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
async function swapUsers(snippet: Tried, until: Stage): Promise<string | null> {
  const browser = await loggedIn(snippet);
  const update = new HeldRequest(browser, "cors", "POST", "/update", BODY);
  const leave = async () => {
    await browser.logOut();
    await browser.logIn("bob");
  };
  for (const happens of ["sent", "received", "answered", "stored"] as const) {
    await update[happens]();
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
  const load = new HeldRequest(browser, "navigate", "POST", "/draft", BODY);
  return later(snippet, async () => {
    await load.sent();
    await load.received();
    await browser.logOut();
    await load.answered();
    await load.stored();
    return browser.whoami();
  });
}

/**
 * Alice's request has been handled, and the session is on its way to Redis. She logs out, through
 * another process, and then it arrives. Whom does the server take the bearer of her old cookie for?
 * @returns undefined when nothing was on its way, since the snippet writes nothing then
 */
async function lateWrite(snippet: Tried): Promise<LateWrite | undefined> {
  const { redis } = snippet;
  const { hold } = redis ?? {};
  if (!redis || !hold) return undefined;
  const browser = await loggedIn(snippet);
  return later(snippet, async () => {
    const watching = await redis.watch();
    const update = new HeldRequest(browser, "cors", "POST", "/update", BODY);
    await update.sent();
    await update.received();
    const held = hold("SET");
    const answered = update.answered().then(() => false);
    const isHeld = await Promise.race([
      held.reached.then(() => true),
      answered,
    ]);
    await browser.logOut();
    held.release();
    await answered;
    const seen = await watching.stop();
    if (!isHeld) return undefined;
    const { cookie = "" } = update.outgoing.headers;
    const user = await whoHas(snippet, cookie);
    const ours = seen.filter(({ words }) =>
      SESSION_COMMANDS.test(words[0] ?? ""),
    );
    const commands = ours.map(({ from, words }) => {
      const request = from === ours[0]?.from ? "update" : "logout";
      const condition = words.filter((word) => /^(NX|XX)$/.test(word));
      return [`${request}:`, words[0], ...condition].join(" ");
    });
    return { user, commands };
  });
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
  await travel(16 * HOUR_MS);
  await active.open("/");
  await travel(16 * HOUR_MS);
  return (await active.whoami()) === "alice" && (await idle.whoami()) === null;
}
