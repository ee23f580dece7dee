import { getPublicSuffix } from "tough-cookie";
import { BrowserJar, type Kept } from "./cookie-jar.ts";
import { ProbeError } from "./refusal.ts";
import {
  type Answer,
  type InFlight,
  type Limits,
  type Outgoing,
  send,
} from "./requests.ts";

/** What a browser has to know of an app. */
export interface Visited {
  /** Its address. */
  baseURL: string;
  /** What a response may take. */
  limits?: Limits;
  /** Is shown each request before it is sent; what it throws keeps it from that. */
  beforeSending?(request: Outgoing): void;
  /** Is shown each answer. */
  afterAnswer?(request: Outgoing, answer: Answer): void;
  /** Says whether a redirect to another host is followed; by default all are. */
  mayAsk?(url: URL): boolean;
}

/** As much of a browser as a session needs. Each has a cookie jar of its own. */
export class Browser {
  readonly #app: Visited;
  readonly #jar: BrowserJar;

  constructor(app: Visited, jar = new BrowserJar()) {
    this.#app = app;
    this.#jar = jar;
  }

  /**
   * Makes a request, with the cookies that the browser has for its address now.
   * @param mode `navigate` for a page that is loaded, `cors` for what a script fetches; see
   * https://www.w3.org/TR/fetch-metadata/#sec-fetch-mode-header
   * @param from the page that makes it, when that can be one of another site
   */
  async compose(
    mode: "navigate" | "cors",
    method: string,
    address: string,
    from?: URL,
  ): Promise<Outgoing> {
    const url = new URL(address, this.#app.baseURL);
    const headers: Record<string, string> = { "sec-fetch-mode": mode };
    // What another site posts comes without the cookies that are `SameSite=Lax`, as in browsers.
    const isForeign = from !== undefined && siteOf(from) !== siteOf(url);
    const cookies = await this.#jar.for(url, isForeign);
    const cookie = cookies.map((one) => one.cookieString()).join("; ");
    if (cookie) headers.cookie = cookie;
    return { method, url, headers };
  }

  /**
   * Makes the request of a form, to where its page is from or to the app, and to nobody else.
   * @param page where the page is
   * @param action where it says that its form goes
   * @throws {ProbeError} when that is somewhere else
   */
  async composeForm(
    page: URL,
    action: string,
    fields: URLSearchParams,
  ): Promise<Outgoing> {
    const { baseURL } = this.#app;
    if (!URL.canParse(action, page.href)) {
      throw new ProbeError(`a form of ${page.origin} has no address`);
    }
    const to = new URL(action, page);
    if (![page.origin, new URL(baseURL).origin].includes(to.origin)) {
      throw new ProbeError(
        `a form of ${page.origin} would go to ${hostOf(to)}, so it is not sent: ` +
          `is ${baseURL} what the app has for its baseURL?`,
      );
    }
    const request = await this.compose("navigate", "POST", to.href, page);
    request.headers["content-type"] = "application/x-www-form-urlencoded";
    return { ...request, body: fields.toString() };
  }

  /** Sends a request, up to its body; see {@link InFlight}. */
  send(request: Outgoing): InFlight {
    const { limits, beforeSending, afterAnswer } = this.#app;
    beforeSending?.(request);
    const inFlight = send(request, limits);
    return {
      ...inFlight,
      async finish() {
        const answer = await inFlight.finish();
        afterAnswer?.(request, answer);
        return answer;
      },
    };
  }

  /** Opens a stream or a WebSocket. */
  open<Opened>(
    request: Outgoing,
    how: (request: Outgoing, limits?: Limits) => Promise<Opened>,
  ): Promise<Opened> {
    this.#app.beforeSending?.(request);
    return how(request, this.#app.limits);
  }

  /** Makes another browser that has the same cookies now, and goes its own way from here. */
  async fork(): Promise<Browser> {
    return new Browser(this.#app, await this.#jar.clone());
  }

  /** Takes the cookies that another browser has for the app. */
  adopt(other: Browser): Promise<void> {
    return this.#jar.adopt(other.#jar, new URL(this.#app.baseURL));
  }

  /** All cookies that it has for the app, of whatever path. */
  kept(): Promise<Kept[]> {
    return this.#jar.kept(new URL(this.#app.baseURL));
  }

  /** Loses a cookie of the app. */
  forget(name: string): Promise<void> {
    return this.#jar.forget(name, new URL(this.#app.baseURL));
  }

  /**
   * Takes the cookies of a response, as a browser does once it arrives. One that it may not have
   * from there is left out, such as a `Secure` one over http from another machine.
   */
  async store({ url }: Outgoing, { headers }: Answer): Promise<void> {
    for (const header of headers["set-cookie"] ?? []) {
      await this.#jar.take(header, url);
    }
    // Chromium and Firefox do this after the response's own cookies.
    if (/"(cookies|\*)"/.test(String(headers["clear-site-data"]))) {
      await this.#jar.clear(url);
    }
  }

  /** Sends a request, takes the cookies of its response, and returns that. */
  async exchange(request: Outgoing): Promise<Answer> {
    const answer = await this.send(request).finish();
    await this.store(request, answer);
    return answer;
  }
}

/** Tells an address without what may be secret in it. */
export const hostOf = ({ protocol, host }: URL): string =>
  /^https?:$/.test(protocol) ? `${protocol}//${host}` : "no web address";

/** The part of a host by which cookies tell one site from another; ports do not matter to them. */
const siteOf = ({ hostname }: URL): string =>
  getPublicSuffix(hostname, { ignoreError: true }) ?? hostname;
