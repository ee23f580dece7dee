import { CookieJar } from "tough-cookie";
import { type Answer, type InFlight, type Outgoing, send } from "./http.ts";

/** Browsers follow 20 redirects; a login has fewer. */
const MOST_HOPS = 15;

/** An app: one server, or two that are one app. The second one gets the logouts. */
export interface App {
  baseURL: string;
  otherURL?: string;
}

/**
 * As much of a browser as a session needs: it keeps cookies, follows redirects, and logs in and
 * out with the forms that the local provider shows. Each has a cookie jar of its own.
 */
export class Browser {
  #jar = new CookieJar();
  readonly #app: App;

  constructor(app: App) {
    this.#app = app;
  }

  /**
   * Makes a request, with the cookies that the browser has for its address now.
   * @param mode `navigate` for a page that is loaded, `cors` for what a script fetches; see
   * https://www.w3.org/TR/fetch-metadata/#sec-fetch-mode-header
   * @param from the page whose form it is, when that can be one of another site
   */
  async compose(
    mode: "navigate" | "cors",
    method: string,
    address: string,
    body?: URLSearchParams | object,
    from?: URL,
  ): Promise<Outgoing> {
    const { baseURL, otherURL = baseURL } = this.#app;
    const url = new URL(address, address === "/logout" ? otherURL : baseURL);
    const headers: Record<string, string> = { "sec-fetch-mode": mode };
    // What another site posts comes without the cookies that are `SameSite=Lax`, as in browsers.
    const isForeign = from && from.hostname !== url.hostname;
    const context = isForeign ? { sameSiteContext: "none" as const } : {};
    const cookie = await this.#jar.getCookieString(url.href, context);
    if (cookie) headers.cookie = cookie;
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
    return send(request);
  }

  /** Makes another browser that has the same cookies now, and goes its own way from here. */
  async fork(): Promise<this> {
    const other = new (this.constructor as typeof Browser)(this.#app) as this;
    other.#jar = await this.#jar.clone();
    return other;
  }

  /** Takes the cookies that another browser has for the app. */
  async adopt(other: Browser): Promise<void> {
    const { hostname } = new URL(this.#app.baseURL);
    for (const cookie of await other.#jar.store.getAllCookies()) {
      if (cookie.domain === hostname) await this.#jar.store.putCookie(cookie);
    }
  }

  /** Loses all cookies of another site, such as the provider. */
  async forgetSite(origin: string): Promise<void> {
    await this.#jar.store.removeCookies(new URL(origin).hostname, null);
  }

  /** Takes the cookies of a response, as a browser does once it arrives. */
  async store({ url }: Outgoing, { headers }: Answer): Promise<void> {
    for (const header of headers["set-cookie"] ?? []) {
      await this.#jar.setCookie(header, url.href, { ignoreError: true });
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
   * script send to the app (OAuth 2.0 Form Post Response Mode).
   * @param stopAt a path to which it does not go any more, such as that of the app's callback
   * @returns the page at the end: its text, and where it is
   * @throws {Error} when it is not there
   */
  async follow(
    request: Outgoing,
    answer: Answer,
    stopAt?: string,
  ): Promise<{ html: string; url: URL }> {
    let [at, page] = [request, answer];
    for (let hops = 0; hops <= MOST_HOPS; hops += 1) {
      const { location } = page.headers;
      const form = location ? undefined : readFormPost(page.body);
      if (location) {
        const url = new URL(location, at.url);
        if (url.pathname === stopAt) return { html: "", url };
        at = await this.compose("navigate", "GET", url.href);
      } else if (page.status !== 200) {
        throw new Error(answerInWords(at, page));
      } else if (form) {
        const { action, fields } = form;
        at = await this.compose("navigate", "POST", action, fields, at.url);
      } else return { html: page.body, url: at.url };
      page = await this.exchange(at);
    }
    throw new Error(`${request.url.pathname} is redirected without an end`);
  }

  /** Loads a page, as a click on a link does. */
  async open(address: string) {
    const request = await this.compose("navigate", "GET", address);
    return this.follow(request, await this.exchange(request));
  }

  async #submit(page: URL, action: string, fields: object, stopAt?: string) {
    const form = new URLSearchParams(fields as Record<string, string>);
    const { href } = new URL(action, page);
    const post = await this.compose("navigate", "POST", href, form, page);
    return this.follow(post, await this.exchange(post), stopAt);
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
   * @param stopAt a path to which it does not go any more
   * @returns where it is then
   */
  async chooseUser(
    user: string,
    request: Outgoing,
    answer: Answer,
    stopAt?: string,
  ): Promise<URL> {
    const { html, url } = await this.follow(request, answer);
    const action = find(html, new RegExp(`action="([^"]+)"><button>${user}<`));
    return (await this.#submit(url, action, {}, stopAt)).url;
  }

  /** Logs out: at the app, and at the provider to which it leads. */
  async logOut(): Promise<void> {
    const request = await this.compose("navigate", "GET", "/logout");
    await this.leaveProvider(request, await this.exchange(request));
  }

  /** Goes on where the response to `/logout` leads: to the provider, and back to the app. */
  async leaveProvider(request: Outgoing, answer: Answer): Promise<void> {
    const { html, url } = await this.follow(request, answer);
    // A provider at which nobody is logged in asks nothing.
    if (url.hostname === new URL(this.#app.baseURL).hostname) return;
    const action = find(html, /action="([^"]+)"/);
    const xsrf = find(html, /name="xsrf" value="([^"]+)"/);
    await this.#submit(url, action, { xsrf, logout: "yes" });
  }

  /**
   * Asks the app who is logged in: the user's name, or null for nobody. When two servers are the
   * app, it asks both, and goes by the first that knows.
   * @param copy cookies to send in the place of its own
   */
  async whoami(copy?: string): Promise<string | null> {
    const { baseURL, otherURL = baseURL } = this.#app;
    const requests = [];
    for (const base of new Set([baseURL, otherURL])) {
      const { href } = new URL("/whoami", base);
      const request = await this.compose("cors", "GET", href);
      if (copy !== undefined) request.headers.cookie = copy;
      requests.push(request);
    }
    let user: string | null = null;
    for (const request of requests) {
      const answer = await this.exchange(request);
      if (answer.status !== 200)
        throw new Error(answerInWords(request, answer));
      user ??= JSON.parse(answer.body).user;
    }
    return user;
  }
}

/** Makes a new browser, with alice logged in. */
export async function loggedIn(app: App, user = "alice"): Promise<Browser> {
  const browser = new Browser(app);
  await browser.logIn(user);
  return browser;
}

/** Asks the server whom it takes somebody for who comes with this cookie. */
export const whoHas = (app: App, cookie: string): Promise<string | null> =>
  new Browser(app).whoami(cookie);

/** Tells an answer that should have been another one, with how its text begins. */
export function answerInWords(
  { method, url }: Outgoing,
  { status, body }: Answer,
): string {
  return `${method} ${url.pathname} was answered with ${status} ${inWords(body)}`;
}

/** Tells how the text of a page begins. */
function inWords(html: string): string {
  const text = html.replace(/<(script|style).*?<\/\1>|<[^>]*>/gs, " ");
  return `“${text.replace(/\s+/g, " ").trim().slice(0, 60)}”`;
}

/** Finds one thing in a page of the local provider, whose pages are plain enough for that. */
function find(html: string, pattern: RegExp): string {
  const found = html.match(pattern)?.[1];
  if (!found) throw new Error(`${pattern} is not in ${inWords(html)}`);
  return found;
}

/** Reads the page with which the local provider answers a login by `form_post`. */
function readFormPost(html: string) {
  const action = html.match(/<form method="post" action="([^"]+)"/)?.[1];
  if (!action || !/\.submit\(\)/.test(html)) return undefined;
  const inputs = html.matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g);
  const fields = new URLSearchParams();
  for (const [, name = "", value = ""] of inputs) fields.append(name, value);
  return { action, fields };
}
