import type { Browser } from "./browser.ts";
import { effectOf } from "./cookie-effect.ts";
import { readable } from "./html.ts";
import type { Answer, InFlight, Outgoing } from "./http.ts";

/** What the page sends when somebody clicks *log out*. */
export const BODY = { event: "user clicked log out" };

/** Tells an answer that should have been another one, with how its text begins. */
export function answerInWords(
  { method, url }: Outgoing,
  { status, body }: Answer,
): string {
  const text = readable(body).trim().slice(0, 60);
  return `${method} ${url.pathname} was answered with ${status} “${text}”`;
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
      if (this.#response.status < 400) return;
      throw new Error(answerInWords(this.request, this.#response));
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
