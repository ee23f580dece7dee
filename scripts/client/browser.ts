import { getPublicSuffix } from "tough-cookie";
import { BrowserJar, type Kept, TooMuch } from "./cookie-jar.ts";
import { readFormPost } from "./form-post.ts";
import { readable } from "./html.ts";
import {
  type Answer,
  type InFlight,
  type Limits,
  type Outgoing,
  openSocket,
  openStream,
  type Stream,
  send,
} from "./http.ts";

/** How long all that one browser does may take, in milliseconds. */
const PATIENCE_MS = 20_000;

/** Browsers follow 20 redirects; a login has fewer. */
const MOST_HOPS = 15;

/** A way along redirects and forms. */
interface Way {
  /** The request that it began with. */
  first: Outgoing;
  /** How many requests it may still take. */
  hops: number;
  /** A path to which it does not go any more, but only finds the address. */
  stopAt?: string;
}

/**
 * As much of a browser as a session needs: it keeps cookies, follows redirects, and logs in and
 * out with the forms that the local provider shows. Each has a cookie jar of its own.
 */
export class Browser {
  readonly #jar: BrowserJar;
  readonly #snippet: Visited;
  readonly #deadline: number;

  /**
   * @param patienceMs how long all that it does may take, in milliseconds
   * @param jar the cookies that it has
   */
  constructor(
    snippet: Visited,
    patienceMs = PATIENCE_MS,
    jar = new BrowserJar(),
  ) {
    this.#snippet = snippet;
    this.#deadline = Date.now() + patienceMs;
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
    body?: URLSearchParams | object,
    from?: URL,
  ): Promise<Outgoing> {
    const { baseURL, otherURL = baseURL } = this.#snippet;
    const url = new URL(address, address === "/logout" ? otherURL : baseURL);
    const headers: Record<string, string> = { "sec-fetch-mode": mode };
    const now = this.#snippet.now();
    // What another site posts comes without the cookies that are `SameSite=Lax`, as in browsers.
    const isForeign = from !== undefined && siteOf(from) !== siteOf(url);
    const cookies = (await this.#jar.for(url, isForeign))
      // The jar goes by this process's clock. The snippet's can be ahead of it.
      .filter((cookie) => (cookie.expiryTime() ?? Infinity) > now)
      .map((cookie) => cookie.cookieString());
    if (cookies.length > 0) headers.cookie = cookies.join("; ");
    if (!body) return { method, url, headers };
    if (body instanceof URLSearchParams) {
      headers["content-type"] = "application/x-www-form-urlencoded";
      return { method, url, headers, body: body.toString() };
    }
    headers["content-type"] = "application/json";
    return { method, url, headers, body: JSON.stringify(body) };
  }

  /** Sends a request, up to its body; see {@link InFlight}. */
  send(request: Outgoing): InFlight {
    const { ca, limits, beforeSending, afterAnswer } = this.#snippet;
    beforeSending?.(request);
    const inFlight = send(request, this.#deadline, {
      ...(ca && { ca }),
      ...(limits && { limits }),
    });
    return {
      ...inFlight,
      async finish() {
        const answer = await inFlight.finish();
        afterAnswer?.(request, answer);
        return answer;
      },
    };
  }

  /** Sends a request, and leaves its response open. */
  openStream(request: Outgoing): Promise<Stream> {
    const { ca, limits, beforeSending } = this.#snippet;
    beforeSending?.(request);
    const { milliseconds = PATIENCE_MS } = limits ?? {};
    return openStream(request, { ...(ca && { ca }), milliseconds });
  }

  /** Opens a WebSocket; undefined when the server does not. */
  openSocket(request: Outgoing): Promise<Stream | undefined> {
    const { ca, limits, beforeSending } = this.#snippet;
    beforeSending?.(request);
    const { milliseconds = PATIENCE_MS } = limits ?? {};
    return openSocket(request, { ...(ca && { ca }), milliseconds });
  }

  /** Makes another browser that has the same cookies now, and goes its own way from here. */
  async fork(): Promise<Browser> {
    const patienceMs = this.#deadline - Date.now();
    return new Browser(this.#snippet, patienceMs, await this.#jar.clone());
  }

  /** Takes the cookies that another browser has for the app. */
  adopt(other: Browser): Promise<void> {
    return this.#jar.adopt(other.#jar, new URL(this.#snippet.baseURL));
  }

  /** All cookies that it has for the app, of whatever path. */
  kept(): Promise<Kept[]> {
    return this.#jar.kept(new URL(this.#snippet.baseURL), this.#snippet.now());
  }

  /** Loses all cookies of another site, such as the provider. */
  forgetSite(origin: string): Promise<void> {
    return this.#jar.clear(new URL(origin));
  }

  /** Loses a cookie of the app. */
  forget(name: string): Promise<void> {
    return this.#jar.forget(name, new URL(this.#snippet.baseURL));
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

  /**
   * Goes where a response leads, through all redirects, and through the form that a provider has a
   * script send to the app.
   * @param way where that began, how far it may go yet, and where it stops, by default nowhere
   * @returns the page at the end: its text, and where it is
   * @throws {Error} when it is not there
   */
  async follow(
    request: Outgoing,
    answer: Answer,
    way: Way = { first: request, hops: MOST_HOPS },
  ): Promise<{ html: string; url: URL }> {
    const { location } = answer.headers;
    if (location) {
      way.hops--;
      if (way.hops < 0) {
        const { method, url } = way.first;
        throw new TooMuch(
          `${method} ${url.pathname} is redirected more than ${MOST_HOPS} times`,
        );
      }
      if (!URL.canParse(location, request.url.href)) {
        throw new ForeignHost(
          `${request.method} ${request.url.pathname} leads on to no address`,
        );
      }
      const next = new URL(location, request.url);
      if (next.pathname === way.stopAt) return { html: "", url: next };
      const onward = await this.compose("navigate", "GET", next.href);
      const { mayAsk = () => true } = this.#snippet;
      if (!mayAsk(next)) {
        throw new ForeignHost(
          `${request.method} ${request.url.pathname} leads on to ${hostOf(next)}`,
        );
      }
      return this.follow(onward, await this.exchange(onward), way);
    }
    if (answer.status !== 200) {
      throw new Error(
        `${request.method} ${request.url.pathname} was answered ` +
          `with ${answer.status}: ${readable(answer.body).trim().slice(0, 200)}`,
      );
    }
    const form = readFormPost(answer.body);
    if (form) return this.#submit(request.url, form.action, form.fields, way);
    return { html: answer.body, url: request.url };
  }

  /** Loads a page, as a click on a link does. */
  async open(address: string) {
    const request = await this.compose("navigate", "GET", address);
    return this.follow(request, await this.exchange(request));
  }

  /**
   * Makes the request of a form, to where its page is from or to the app, and to nobody else.
   * @param page where the page is
   * @param action where it says that its form goes
   * @throws {ForeignForm} when that is somewhere else
   */
  async composeForm(
    page: URL,
    action: string,
    fields: URLSearchParams,
  ): Promise<Outgoing> {
    const { baseURL, otherURL = baseURL } = this.#snippet;
    if (!URL.canParse(action, page.href)) {
      throw new ForeignForm(`a form of ${page.origin} has no address`);
    }
    const { href, origin } = new URL(action, page);
    const known = [page, baseURL, otherURL].map((url) => new URL(url).origin);
    if (!known.includes(origin)) {
      throw new ForeignForm(
        `a form of ${page.origin} would go to ${hostOf(new URL(action, page))}, so it is not sent: ` +
          `is ${baseURL} what the app has for its baseURL?`,
      );
    }
    return this.compose("navigate", "POST", href, fields, page);
  }

  async #submit(
    page: URL,
    action: string,
    fields: URLSearchParams,
    way?: Way,
  ): Promise<{ html: string; url: URL }> {
    const post = await this.composeForm(page, action, fields);
    return this.follow(post, await this.exchange(post), way);
  }

  /**
   * Logs in, with the user's button on the provider's page.
   * @param address the app's login route
   */
  async logIn(user: string, address = "/login"): Promise<void> {
    const request = await this.compose("navigate", "GET", address);
    await this.chooseUser(user, request, await this.exchange(request));
  }

  /**
   * Goes where the app's login route leads: to the provider, and after a click there back to the app.
   * @param stopAt a path to which it does not go any more, such as that of the app's callback
   * @returns the page at the end, or the address at which it has stopped
   */
  async chooseUser(
    user: string,
    request: Outgoing,
    answer: Answer,
    stopAt?: string,
  ): Promise<URL> {
    const { html, url } = await this.follow(request, answer);
    const action = find(html, new RegExp(`action="([^"]+)"><button>${user}<`));
    const fields = new URLSearchParams();
    const way = { first: request, hops: MOST_HOPS, ...(stopAt && { stopAt }) };
    return (await this.#submit(url, action, fields, way)).url;
  }

  /** The same, when the provider may still know the user, and then asks nothing. */
  async logInAgain(user: string, address: string): Promise<void> {
    const { html } = await this.open(address);
    if (!html.includes(`${user} is logged in`)) await this.logIn(user, address);
  }

  /** Logs out: at the app, and at the provider to which it leads. */
  async logOut(): Promise<void> {
    const request = await this.compose("navigate", "GET", "/logout");
    await this.leaveProvider(request, await this.exchange(request));
  }

  /** Goes on where the response to `/logout` leads: to the provider, and back to the app. */
  async leaveProvider(request: Outgoing, answer: Answer): Promise<void> {
    const { html, url } = await this.follow(request, answer);
    await this.confirmLogout(html, url);
  }

  /** Says yes on the page on which the local provider asks whether to log out. */
  async confirmLogout(html: string, url: URL): Promise<void> {
    const action = find(html, /action="([^"]+)"/);
    const xsrf = find(html, /name="xsrf" value="([^"]+)"/);
    const form = new URLSearchParams({ xsrf, logout: "yes" });
    await this.#submit(url, action, form);
  }

  /**
   * Asks the app who is logged in: the user's name, or null for nobody. When several processes are
   * the app, it asks all, and goes by the first that knows.
   */
  async whoami(): Promise<string | null> {
    const { baseURL, otherURL } = this.#snippet;
    const requests = [];
    for (const base of otherURL ? [baseURL, otherURL] : [baseURL]) {
      const { href } = new URL("/whoami", base);
      requests.push(await this.compose("cors", "GET", href));
    }
    let user: string | null = null;
    for (const request of requests) {
      user ??= whoIn(await this.exchange(request));
    }
    return user;
  }
}

/** What a browser has to know of an app. */
export interface Visited {
  /** Its address. */
  baseURL: string;
  /** The address of another process of the same app, which gets the logouts, if there is one. */
  otherURL?: string;
  /** The time by its clock, in milliseconds since 1970. */
  now(): number;
  /** The certificate of an authority to trust over https, in PEM, instead of the usual ones. */
  ca?: string;
  /** What a response may take; by default anything. */
  limits?: Limits;
  /** Is shown each request before it is sent; what it throws keeps it from that. */
  beforeSending?(request: Outgoing): void;
  /** Is shown each answer. */
  afterAnswer?(request: Outgoing, answer: Answer): void;
  /** Says whether a redirect to another host is followed; by default all are. */
  mayAsk?(url: URL): boolean;
}

/** A redirect to a host that nobody has named. */
export class ForeignHost extends Error {}

/** Tells an address without what may be secret in it. */
export const hostOf = ({ protocol, host }: URL): string =>
  /^https?:$/.test(protocol) ? `${protocol}//${host}` : "no web address";

/** A form that would go to a host that is neither the app's nor that of its page. */
export class ForeignForm extends Error {}

/** The part of a host by which cookies tell one site from another; ports do not matter to them. */
const siteOf = ({ hostname }: URL): string =>
  getPublicSuffix(hostname, { ignoreError: true }) ?? hostname;

/**
 * Reads an answer to `GET /whoami`.
 * @throws {Error} when it isn't one
 */
export function whoIn(answer: Answer): string | null {
  if (answer.status !== 200) {
    throw new Error(`GET /whoami was answered with ${answer.status}`);
  }
  return JSON.parse(answer.body).user;
}

/** Finds one thing in a page of the local provider, whose pages are plain enough for that. */
function find(html: string, pattern: RegExp): string {
  const found = html.match(pattern)?.[1];
  if (!found)
    throw new Error(
      `a page does not have ${pattern}: ${readable(html).trim()}`,
    );
  return found;
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
export async function loggedIn(snippet: Visited): Promise<Browser> {
  const browser = new Browser(snippet);
  await browser.logIn("alice");
  return browser;
}
