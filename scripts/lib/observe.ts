import { Browser, whoIn } from "./browser.ts";
import type { Answer, InFlight, Outgoing } from "./http.ts";
import { type Event, ORDERS, simplest } from "./orders.ts";
import type { Snippet } from "./snippet.ts";

/** What a response does to the session cookie. */
export interface CookieEffect {
  effect: "set" | "cleared" | "untouched";
  /** The length of the value that is set, all chunks together. */
  bytes: number;
}

/** An event, and what was seen of it. */
export interface Step {
  event: Event;
  /** When it was sent: whether the session cookie went along. */
  withCookie?: boolean;
  /** When it was stored: what that did to the session cookie. */
  cookie?: CookieEffect;
}

/** One order, from login to the end. */
export interface Race {
  steps: Step[];
  /** Who is logged in in the browser, after all events. */
  browser: string | null;
  /** Whom the server takes the bearer of a copy of the cookie for, taken before the logout. */
  server: string | null;
}

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
  nextUser: string | null;
  lateRequest: string | null;
  knowsUser: boolean;
  rolls: boolean;
  otherDevice: boolean;
}

/** Everything that {@link observe} learns about a snippet. */
export interface Report {
  observation: Observation;
  /** The orders that leave the browser logged in, as indexes into `ORDERS`. */
  losing: number[];
  /** What was seen in the simplest of them; empty when there is none. */
  example: Step[];
}

type Route = "/update" | "/draft";

/** How often {@link observe} reports progress. */
export const STEPS = 2 * ORDERS.length + 1;

const HOUR_MS = 60 * 60 * 1000;

/**
 * Asks a running snippet all questions, one after the other, since some remedies know users and
 * not sessions, so that two races at once would meddle with each other.
 * @param progress is called {@link STEPS} times
 * @throws {Error} when the snippet does not answer as the contract of a snippet says
 */
export async function observe(
  snippet: Snippet,
  progress: () => void,
): Promise<Report> {
  const raceAll = async (route: Route) => {
    const races: Race[] = [];
    for (const order of ORDERS) {
      races.push(await race(snippet, route, order));
      progress();
    }
    return races;
  };
  const races = await raceAll("/update");
  const drafts = await raceAll("/draft");
  const observation: Observation = {
    ...(await answerOne(snippet)),
    browser: races.filter(({ browser }) => browser).length,
    server: races.filter(({ server }) => server).length,
    draft: drafts.filter(({ browser }) => browser).length,
    nextUser: await swapUsers(snippet, "received"),
    lateRequest: await swapUsers(snippet, "sent"),
    otherDevice: await otherDevice(snippet),
    // The last, since it moves the clock.
    rolls: await rolls(snippet),
  };
  progress();
  const losing = [...races.keys()].filter((index) => races[index]?.browser);
  const example = races[simplest(losing) ?? -1]?.steps ?? [];
  return { observation, losing, example };
}

/** Alice logs in, and a request and her logout happen in this order. Who is logged in then? */
async function race(
  snippet: Snippet,
  route: Route,
  order: readonly Event[],
): Promise<Race> {
  const browser = await loggedIn(snippet);
  const update = new Stepwise(browser, "POST", route);
  const logout = new Stepwise(browser, "GET", "/logout");
  const happen: Record<Event, () => Promise<Omit<Step, "event">>> = {
    "update sent": () => update.send(),
    "update received": () => update.receive(),
    "update answered": () => update.answer(),
    "update stored": () => update.store(),
    "logout sent": () => logout.send(),
    "logout answered": () => logout.answer(),
    "logout stored": async () => {
      const step = await logout.store();
      await browser.leaveProvider(logout.request, logout.response);
      return step;
    },
  };
  const steps: Step[] = [];
  for (const event of order) steps.push({ event, ...(await happen[event]()) });
  const inBrowser = await browser.whoami();
  const copy = new Browser(snippet);
  const request = await copy.compose("GET", "/whoami");
  request.headers.cookie = logout.request.headers.cookie ?? "";
  return {
    steps,
    browser: inBrowser,
    server: whoIn(await copy.exchange(request)),
  };
}

/** Asks what one response to each route does to the cookie, with nothing else going on. */
async function answerOne(
  snippet: Snippet,
): Promise<Pick<Observation, "updateCookie" | "logoutCookie" | "knowsUser">> {
  const browser = await loggedIn(snippet);
  const update = await browser.exchange(
    await browser.compose("POST", "/update", BODY),
  );
  const logout = await browser.exchange(
    await browser.compose("GET", "/logout"),
  );
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
  snippet: Snippet,
  until: "sent" | "received",
): Promise<string | null> {
  const browser = await loggedIn(snippet);
  const update = new Stepwise(browser, "POST", "/update");
  await update.send();
  if (until === "received") await update.receive();
  await browser.logOut();
  await browser.logIn("bob");
  if (until === "sent") await update.receive();
  await update.answer();
  await update.store();
  return browser.whoami();
}

/** Alice is logged in on two devices, and logs out on one. Is she still logged in on the other? */
async function otherDevice(snippet: Snippet): Promise<boolean> {
  const here = await loggedIn(snippet);
  const there = await loggedIn(snippet);
  await here.logOut();
  return (await there.whoami()) === "alice";
}

/**
 * Alice is logged in on two devices. Of the library's 24 hours she uses one after 16 and leaves
 * the other alone, so that after 32 hours a rolling session lives on the first alone.
 */
async function rolls(snippet: Snippet): Promise<boolean> {
  const active = await loggedIn(snippet);
  const idle = await loggedIn(snippet);
  await snippet.travel(16 * HOUR_MS);
  await active.open("/");
  await snippet.travel(16 * HOUR_MS);
  return (await active.whoami()) === "alice" && (await idle.whoami()) === null;
}

const BODY = { event: "user clicked log out" };

async function loggedIn(snippet: Snippet): Promise<Browser> {
  const browser = new Browser(snippet);
  await browser.logIn("alice");
  return browser;
}

/**
 * One request, event by event. Nothing goes over the network when it is *sent*: it takes the
 * cookies that the browser has then, and is on its way for as long as we like.
 */
class Stepwise {
  request!: Outgoing;
  response!: Answer;
  #inFlight!: InFlight;
  readonly #browser: Browser;
  readonly #method: "GET" | "POST";
  readonly #path: string;

  constructor(browser: Browser, method: "GET" | "POST", path: string) {
    this.#browser = browser;
    this.#method = method;
    this.#path = path;
  }

  async send() {
    const body = this.#method === "POST" ? BODY : undefined;
    this.request = await this.#browser.compose(this.#method, this.#path, body);
    return {
      withCookie: /\bappSession/.test(this.request.headers.cookie ?? ""),
    };
  }

  async receive() {
    this.#inFlight = this.#browser.send(this.request);
    await this.#inFlight.received;
    return {};
  }

  async answer() {
    this.#inFlight ??= this.#browser.send(this.request);
    this.response = await this.#inFlight.finish();
    return {};
  }

  async store() {
    await this.#browser.store(this.request, this.response);
    return { cookie: effectOf(this.response) };
  }
}

/** Tells what a response does to the session cookie, which a large session has in chunks. */
function effectOf(answer: Answer): CookieEffect {
  const values = (answer.headers["set-cookie"] ?? []).flatMap(
    (header) => header.match(/^appSession(?:\.\d+)?=([^;]*)/)?.[1] ?? [],
  );
  const bytes = values.join("").length;
  if (values.length === 0) return { effect: "untouched", bytes };
  return { effect: bytes > 0 ? "set" : "cleared", bytes };
}
