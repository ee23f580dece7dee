import { setTimeout } from "node:timers/promises";
import type {
  CookieEffect,
  LateOutcome,
  Place,
  Unclear,
  Who,
} from "../base/results.ts";
import { effectOf } from "../bed/held-request.ts";
import { ORDERS } from "../verify/orders.ts";
import { composeRoute } from "./compose.ts";
import { learn, load, type Recognizer } from "./pages.ts";
import type { Logout } from "./plain-logout.ts";
import { Browser } from "./played-browser.ts";
import { ProbeError } from "./refusal.ts";
import {
  type Answer,
  type Outgoing,
  openSocket,
  openStream,
  type Stream,
} from "./requests.ts";
import { inWords, type Target, wishOf } from "./target.ts";
import type { Exchange } from "./trail.ts";

/** The places in which a request can be when its user logs out, by what happened to it before. */
export const PLACES = ["sent", "received", "answered"] as const;
/** What the probe found of a route whose response is late. */
export interface Finding {
  verdict: "safe" | "affected" | "unclear";
  /** The names of the cookies without which nobody is logged in. */
  cookies: string[];
  route: CookieEffect & { status: number; isStream?: boolean };
  logout: CookieEffect & { status: number };
  /** Whom the server takes the bearer of a copy for after a logout with nothing in flight. */
  copy: Who;
  /** The site to which the logout would have gone on, if it was not followed there. */
  leftAt?: string;
  places: Record<Place, LateOutcome | Unclear>;
  /** Who is logged in when the next user was, before the response to a script's logout arrived. */
  afterLateLogout?: Who;
  /** How many of all orders leave the browser logged in, and how many let a copy in. */
  orders?: { of: number; browser: number; server: number };
}

/** The route, as it answers with nothing else going on. */
type AskedRoute = Awaited<ReturnType<typeof askRoute>>;

/** Asks the route as the user and as nobody, with nothing else going on. */
export async function askRoute(target: Target, browser: Browser) {
  const twice = async (make: () => Browser) => {
    const answers = [];
    for (let times = 0; times < 2; times++) {
      const asker = make();
      const { request, answer } = await exchange(
        asker,
        await composeRoute(asker, target, asker !== browser),
      );
      await asker.store(request, answer);
      answers.push(answer);
      if (asker === browser) checkRoute(target, answer);
    }
    return answers;
  };
  const hers = await twice(() => browser);
  const nobodys = await twice(() => new Browser(target.app));
  const recognize = learn(new Map().set(true, hers).set(false, nobodys));
  const [first] = hers as [Answer];
  return {
    first,
    /** Whether a stranger is answered in the same way. */
    isForAll: nobodys.every(({ status }) => status === first.status),
    /** Whether an answer was made for the user; never, when the route does not tell. */
    isHers: ({ answer }: Exchange) => recognize?.(answer) === true,
  };
}

/** Whether the route answers somebody else as it answers the user, and a stranger in another way. */
export async function takesForUser(
  target: Target,
  browser: Browser,
  other: Browser,
): Promise<boolean> {
  const asked = await askRoute(target, browser);
  const request = await composeRoute(other, target, true);
  return asked.isHers(await exchange(other, request));
}

/** Says what to do when the route refuses what it is sent. */
function checkRoute({ route }: Target, { status }: Answer): void {
  if (status < 400) return;
  const wish = wishOf(route, status, "--");
  const why = wish ?? "it has to succeed, or nothing can be told";
  throw new ProbeError(`${inWords(route)} answers with ${status}: ${why}`);
}

/** Sends a request, if it is not in flight already, and leaves its cookies alone. */
const exchange = async (
  browser: Browser,
  request: Outgoing,
  inFlight = browser.send(request),
): Promise<Exchange> => ({ request, answer: await inFlight.finish() });

/** What ends all that is open, however it goes on: it would keep the process alive. */
export type Leave = (() => void)[];

/** Requests of the user, each of which is late in its own way. */
interface InThreePlaces {
  /** Sent, with the cookies that there were then. */
  sent: Outgoing;
  /** In the handler; undefined for one that has no body to hold back. */
  received?: { isEarly(): boolean; finish(): Promise<Exchange> };
  /** Answered. */
  answered: Exchange;
}

/**
 * Makes these requests.
 * @param leave gets what gives up the one that is in flight
 */
export async function sendLate(
  target: Target,
  browser: Browser,
  leave: Leave,
): Promise<InThreePlaces> {
  const sent = await composeRoute(browser, target);
  const answered = await exchange(browser, await composeRoute(browser, target));
  const request = await composeRoute(browser, target);
  // One with no body can't be held. If it ended before a copy of the cookie is tried, the session that
  // it has written back would look as if the logout had not ended it, and the app would look safe.
  if (!request.body) return { sent, answered };
  const inFlight = browser.send(request);
  leave.push(inFlight.abort);
  await inFlight.sent;
  // If this one came over a new connection, a server may look at a later request first. It has seen
  // this one, and loads its session, when it has answered two more, one after the other.
  await load(await browser.fork(), target.page);
  await load(await browser.fork(), target.page);
  return {
    sent,
    answered,
    received: {
      isEarly: inFlight.isEarly,
      finish: () => exchange(browser, request, inFlight),
    },
  };
}

/** Tells, after a logout, whether what was open before goes on all the same. */
type LivesOn = () => Promise<boolean>;

/** How long a stream may take to end after a logout, in milliseconds. */
const LISTEN_MS = 2000;

function watch({ isOpen, close }: Stream, leave: Leave): LivesOn {
  leave.push(close);
  return async () => {
    for (let waited = 0; waited < LISTEN_MS; waited += 100) {
      if (!isOpen()) return false;
      await setTimeout(100);
    }
    return true;
  };
}

/** Opens the route as a stream, if it is one. */
export async function listen(
  target: Target,
  browser: Browser,
  { first, isForAll }: AskedRoute,
  leave: Leave,
): Promise<LivesOn | undefined> {
  // A stream for everybody may go on.
  if (!first.isCut || isForAll) return undefined;
  const request = await composeRoute(browser, target);
  return watch(await browser.open(request, openStream), leave);
}

/**
 * Opens a WebSocket, if it is not one for everybody.
 * @throws {ProbeError} when the app does not open it for the user
 */
export async function listenToSocket(
  { app, socket }: Target,
  browser: Browser,
  leave: Leave,
): Promise<LivesOn | undefined> {
  if (!socket) return undefined;
  const open = async (one: Browser) => {
    const request = await one.compose("cors", "GET", socket);
    request.headers.origin = new URL(app.baseURL).origin;
    return one.open(request, openSocket);
  };
  const hers = await open(browser);
  if (!hers) {
    const what = inWords({ method: "GET", path: socket });
    throw new ProbeError(`${what} opens no WebSocket: is the path right?`);
  }
  const nobodys = await open(new Browser(app));
  nobodys?.close();
  if (!nobodys) return watch(hers, leave);
  hers.close();
  return undefined;
}

/** What has to be known to tell what a late response did. */
interface Known {
  asked: AskedRoute;
  logout: Logout;
  who: Recognizer;
  bob?: Browser | undefined;
  /** The names of the cookies without which nobody is logged in. */
  needed: string[];
}

/** Lets the responses arrive after the logout, and sees who is logged in then. */
export async function letArrive(
  target: Target,
  browser: Browser,
  late: InThreePlaces,
  known: Known,
): Promise<Finding> {
  const { logout, who, asked } = known;
  const { before, trail } = logout;
  const cookies = await sessionCookies(known);
  const copy = await who(await before.fork());
  // What is late on its way back can't change anything on the server, so it comes first.
  const answered = await outcomeOf(late.answered, known);
  const sent = await outcomeOf(await exchange(browser, late.sent), known);
  let received = await receivedOutcome(target, late, known, copy);
  // A server that takes a copy for good can't tell that there was a logout, so it answers the same
  // before and after it.
  if ("unclear" in received && copy === "first") received = sent;
  const places = { sent, received, answered };
  const ending = trail.steps.find(
    ({ answer }) => effectOf(answer, cookies).effect === "cleared",
  );
  const [first] = trail.steps as [Exchange];
  const afterLateLogout = await lateLogout(target, known);
  return {
    verdict: verdictOf(places, copy),
    cookies,
    route: {
      status: asked.first.status,
      ...(asked.first.isCut && { isStream: true }),
      ...effectOf(asked.first, cookies),
    },
    logout: {
      status: first.answer.status,
      ...effectOf((ending ?? first).answer, cookies),
    },
    copy,
    ...(trail.leftAt && { leftAt: trail.leftAt.origin }),
    places,
    ...(afterLateLogout && { afterLateLogout }),
    ...countOrders(places, copy),
  };
}

/** The names of the session's cookies: without which nobody is logged in, or that are gone. */
async function sessionCookies({ logout, needed }: Known): Promise<string[]> {
  if (needed.length > 0) return needed;
  const left = await logout.after.kept();
  const had = (await logout.before.kept()).map(({ name }) => name);
  const cleared = had.filter((name) => !left.some((one) => one.name === name));
  if (cleared.length > 0) return cleared;
  throw new ProbeError(
    `no cookie was found to be the session's, of ${had.length}: name it with --cookie`,
  );
}

/** Lets a logout be answered late that a script has sent: its page can go to the login meanwhile. */
async function lateLogout(
  { isFetched }: Target,
  { logout, bob, who }: Known,
): Promise<Who | undefined> {
  if (!isFetched || !bob) return undefined;
  const shared = await logout.before.fork();
  await shared.adopt(bob);
  for (const { request, answer } of logout.trail.steps) {
    await shared.store(request, answer);
  }
  return who(shared);
}

async function receivedOutcome(
  target: Target,
  { received }: InThreePlaces,
  known: Known,
  copy: Who,
): Promise<LateOutcome | Unclear> {
  const unclear = (why: string): Unclear => ({
    unclear: `${inWords(target.route)} ${why}`,
  });
  if (!received) {
    return unclear("has no body to hold back. Name a route with one");
  }
  const isEarly = received.isEarly();
  const late = await received.finish();
  if (isEarly) {
    const { status } = late.answer;
    return unclear(`answers (${status}) before it has read the body`);
  }
  const seen = await outcomeOf(late, known);
  // Only if the request was surely in the handler during the logout is that known.
  if (known.asked.isHers(late) || isBitten(seen, copy)) return seen;
  return unclear(
    "loads the session after its body, it seems, or a proxy waits for that",
  );
}

/** Lets a late response arrive, after a logout, and sees who is logged in. */
async function outcomeOf(
  late: Exchange,
  { logout, who, bob }: Known,
): Promise<LateOutcome> {
  const { before, after, trail } = logout;
  const whoAfter = async (browser: Browser, stored: Exchange[]) => {
    for (const { request, answer } of stored) {
      await browser.store(request, answer);
    }
    return who(browser);
  };
  const browser = await whoAfter(await after.fork(), [late]);
  const overtaking = await whoAfter(await before.fork(), [
    late,
    ...trail.steps,
  ]);
  const server = await who(await before.fork());
  if (!bob) return { browser, overtaking, server };
  const shared = await after.fork();
  await shared.adopt(bob);
  return { browser, overtaking, server, next: await whoAfter(shared, [late]) };
}

/** Whether a late response has logged its user in, or has made her session live again. */
const isBitten = (
  { browser, overtaking, server, next }: LateOutcome,
  copy: Who,
): boolean =>
  [browser, overtaking, next].includes("first") ||
  (server === "first" && copy !== "first");

/** Whether the next user loses the session to a late response. */
export const isThrownOut = ({ places }: Finding): boolean =>
  Object.values(places).some((one) => "next" in one && one.next === "nobody");

function verdictOf(places: Finding["places"], copy: Who): Finding["verdict"] {
  const all = Object.values(places);
  const known = all.flatMap((one) => ("unclear" in one ? [] : one));
  if (known.some((outcome) => isBitten(outcome, copy))) return "affected";
  const isKnown = known.every(
    ({ browser, next }) => browser === "nobody" && next !== "unknown",
  );
  return isKnown && known.length === all.length ? "safe" : "unclear";
}

/**
 * Counts the orders of the verifier: what happens in one of them depends on where the request is
 * when the logout is answered, and on which of the two responses arrives last.
 */
function countOrders(
  { sent, received, answered }: Finding["places"],
  copy: Who,
): Pick<Finding, "orders"> {
  if ("unclear" in sent || "unclear" in received || "unclear" in answered) {
    return {};
  }
  const ends = ORDERS.map((order) => {
    const at = (event: (typeof order)[number]) => order.indexOf(event);
    const isBefore = (place: Place) =>
      at(`update ${place}`) < at("logout answered");
    // The user is out already, and the request has no cookie.
    if (at("update sent") > at("logout stored")) {
      return { browser: "nobody", server: copy };
    }
    const outcome = { sent, received, answered }[
      PLACES.findLast(isBefore) ?? "sent"
    ];
    const isLate = at("update stored") > at("logout stored");
    const browser = isLate ? outcome.browser : outcome.overtaking;
    return { browser, server: outcome.server };
  });
  const count = (what: "browser" | "server") =>
    ends.filter((end) => end[what] === "first").length;
  const [browser, server] = [count("browser"), count("server")];
  return { orders: { of: ORDERS.length, browser, server } };
}
