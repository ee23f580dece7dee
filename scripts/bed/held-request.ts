import { Cookie } from "tough-cookie";
import { answerInWords, type Browser } from "./browser.ts";
import type { Answer, InFlight, Outgoing } from "./http.ts";

/** What a response does to the session cookie. */
export interface CookieEffect {
  effect: "set" | "cleared" | "untouched";
  /** The length of the value that is set, all chunks together. */
  bytes: number;
}

/** What the page sends when somebody clicks *log out*. */
export const BODY = { event: "user clicked log out" };

/**
 * One request, event by event. Nothing goes over the network when it is *sent*: it takes the
 * cookies that the browser has then, and is on its way for as long as we like.
 */
export class HeldRequest {
  outgoing!: Outgoing;
  answer!: Answer;
  #inFlight!: InFlight;
  readonly #browser: Browser;
  readonly #what: Parameters<Browser["compose"]>;

  constructor(browser: Browser, ...what: Parameters<Browser["compose"]>) {
    this.#browser = browser;
    this.#what = what;
  }

  async sent() {
    this.outgoing = await this.#browser.compose(...this.#what);
    const { cookie = "" } = this.outgoing.headers;
    return { withCookie: /\bappSession/.test(cookie) };
  }

  async received(): Promise<void> {
    this.#inFlight = this.#browser.send(this.outgoing);
    await this.#inFlight.received;
  }

  async answered(): Promise<void> {
    this.#inFlight ??= this.#browser.send(this.outgoing);
    this.answer = await this.#inFlight.finish();
    if (this.answer.status < 400) return;
    throw new Error(answerInWords(this.outgoing, this.answer));
  }

  async stored() {
    await this.#browser.store(this.outgoing, this.answer);
    if (this.outgoing.url.pathname === "/logout") {
      await this.#browser.leaveProvider(this.outgoing, this.answer);
    }
    return { cookie: effectOf(this.answer) };
  }
}

/**
 * Tells what a response does to the session cookie, which a large session has in chunks.
 * @param names the names of the cookies in which the session is
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
