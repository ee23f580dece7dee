import { Cookie } from "tough-cookie";
import { Browser, type Visited, whoIn } from "./browser.ts";
import type { Answer, InFlight, Outgoing } from "./http.ts";
import type { Event, Name } from "./orders.ts";
import type { Snippet } from "./snippet.ts";
import { WRITES_SELDOM } from "./verdicts.ts";

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

/** What was seen of one order. */
export interface Race {
  steps: Step[];
  /** Who is logged in in the browser, after all events. */
  browser: string | null;
  /** Whom the server takes the bearer of a copy of the cookie for, taken before the logout. */
  server: string | null;
}

/** What the page sends when somebody clicks *log out*. */
export const BODY = { event: "user clicked log out" };

/** A session that nobody changes may be written only when half of its day is over. */
const LATER_MS = 13 * 60 * 60 * 1000;

/**
 * Does something after a login. Where unchanged sessions are written seldom, half a day goes by first,
 * so that the response of each request writes the session. Then the clock goes back, since the
 * provider's may stay where it is.
 */
export async function later<Result>(
  snippet: Snippet,
  work: () => Promise<Result>,
): Promise<Result> {
  if (!WRITES_SELDOM.includes(snippet.name)) return work();
  await snippet.shift(LATER_MS);
  const result = await work();
  await snippet.shift(-LATER_MS);
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
  snippet: Snippet,
  order: readonly Event[],
): Promise<Race> {
  const browser = await loggedIn(snippet);
  return later(snippet, () => raceOf(snippet, browser, order));
}

async function raceOf(
  snippet: Snippet,
  browser: Browser,
  order: readonly Event[],
): Promise<Race> {
  const requests: Record<Name | "logout", Stepwise> = {
    update: new Stepwise(browser, "cors", "POST", "/update", BODY),
    draft: new Stepwise(browser, "cors", "POST", "/draft", BODY),
    logout: new Stepwise(browser, "navigate", "GET", "/logout"),
  };
  const steps: Step[] = [];
  for (const event of order) {
    const [name, happens] = event.split(" ") as [Name, keyof Stepwise["do"]];
    steps.push({ event, ...(await requests[name].do[happens]()) });
  }
  const { cookie = "" } = requests.logout.request.headers;
  return {
    steps,
    browser: await browser.whoami(),
    server: await whoHas(snippet, cookie),
  };
}

/** Asks the server whom it takes somebody for who comes with this cookie. */
export async function whoHas(
  snippet: Visited,
  cookie: string,
): Promise<string | null> {
  const { baseURL, otherURL } = snippet;
  let user: string | null = null;
  for (const base of otherURL ? [baseURL, otherURL] : [baseURL]) {
    const stranger = new Browser(snippet);
    const { href } = new URL("/whoami", base);
    const request = await stranger.compose("cors", "GET", href);
    request.headers.cookie = cookie;
    user ??= whoIn(await stranger.exchange(request));
  }
  return user;
}

/** Makes a new browser, with alice logged in. */
export async function loggedIn(snippet: Snippet): Promise<Browser> {
  const browser = new Browser(snippet);
  await browser.logIn("alice");
  return browser;
}

/**
 * One request, event by event. Nothing goes over the network when it is *sent*: it takes the
 * cookies that the browser has then, and is on its way for as long as we like.
 */
export class Stepwise {
  request!: Outgoing;
  #response!: Answer;
  #inFlight!: InFlight;
  readonly #browser: Browser;
  readonly #what: Parameters<Browser["compose"]>;

  constructor(browser: Browser, ...what: Parameters<Browser["compose"]>) {
    this.#browser = browser;
    this.#what = what;
  }

  /** What can happen to the request, by the names of the events. */
  readonly do = {
    sent: async () => {
      this.request = await this.#browser.compose(...this.#what);
      const { cookie = "" } = this.request.headers;
      return { withCookie: /\bappSession/.test(cookie) };
    },
    received: async () => {
      this.#inFlight = this.#browser.send(this.request);
      await this.#inFlight.received;
    },
    answered: async () => {
      this.#inFlight ??= this.#browser.send(this.request);
      this.#response = await this.#inFlight.finish();
      const { status, body } = this.#response;
      if (status < 400) return;
      throw new Error(`${this.request.url.pathname} gave ${status}: ${body}`);
    },
    stored: async () => {
      await this.#browser.store(this.request, this.#response);
      if (this.request.url.pathname === "/logout") {
        await this.#browser.leaveProvider(this.request, this.#response);
      }
      return { cookie: effectOf(this.#response) };
    },
  };
}

/**
 * Tells what a response does to the session cookie, which a large session has in chunks.
 * @param names what the cookie is called, or both parts of it, if it has two
 */
export function effectOf(answer: Answer, names = ["appSession"]): CookieEffect {
  const cookies = (answer.headers["set-cookie"] ?? []).flatMap((header) => {
    const cookie = Cookie.parse(header);
    const isOurs = names.includes(cookie?.key.replace(/\.\d+$/, "") ?? "");
    return cookie && isOurs ? cookie : [];
  });
  const bytes = cookies
    // Whatever the value of one that has expired, it is being cleared.
    .filter((cookie) => (cookie.expiryTime() ?? Infinity) > Date.now())
    .reduce((sum, { value }) => sum + value.length, 0);
  if (cookies.length === 0) return { effect: "untouched", bytes };
  return { effect: bytes > 0 ? "set" : "cleared", bytes };
}
