import { Browser } from "../../client/browser.ts";
import { BrowserJar } from "../../client/cookie-jar.ts";
import { type Answer, type Outgoing, send } from "../../client/http.ts";
import type { App } from "./app.ts";

/** How long a request may take, in milliseconds. */
const PATIENCE_MS = 10_000;

type What = Parameters<Browser["compose"]>;

/** A browser and its user, who knows what an app of the lab has. */
export class User extends Browser {
  readonly #app: App;
  readonly #jar: BrowserJar;

  constructor(app: App, jar = new BrowserJar()) {
    super({ baseURL: app.baseURL, now: () => Date.now() }, PATIENCE_MS, jar);
    this.#app = app;
    this.#jar = jar;
  }

  /** A new browser, with alice logged in. */
  static async loggedIn(app: App, name = "alice"): Promise<User> {
    const user = new User(app);
    await user.logIn(name);
    return user;
  }

  override async compose(...what: What): Promise<Outgoing> {
    const request = await super.compose(...what);
    const accept = what[0] === "navigate" ? "text/html" : "application/json";
    return { ...request, headers: { ...request.headers, accept } };
  }

  override send(request: Outgoing) {
    return send(this.throughProxy(request), Date.now() + PATIENCE_MS);
  }

  /** What becomes of a request when the app's proxy has taken it. */
  throughProxy(request: Outgoing): Outgoing {
    const { baseURL, address, logoutAddress } = this.#app;
    if (!request.url.href.startsWith(baseURL)) return request;
    const isLogout = request.url.pathname === "/logout";
    const to = isLogout ? logoutAddress : address;
    const url = new URL(request.url.href.replace(baseURL, to));
    if (baseURL === address) return { ...request, url };
    const headers = { ...request.headers, "x-forwarded-proto": "https" };
    return { ...request, url, headers };
  }

  override async whoami(): Promise<string | null> {
    return whoIn(await this.byScript("GET", "/whoami"));
  }

  /** Makes a request as a script of the page does, and takes the cookies of its response. */
  async byScript(method: "GET" | "POST", path: string, body?: object) {
    return this.exchange(await this.compose("cors", method, path, body));
  }

  /** The same, for what is in the answer. */
  async read(path: string): Promise<Record<string, unknown>> {
    return JSON.parse((await this.byScript("GET", path)).body);
  }

  /** Makes a copy of the cookies that go to the app, as a thief or another program has it. */
  async copy(): Promise<string> {
    const { headers } = await this.compose("cors", "GET", "/");
    return headers.cookie ?? "";
  }

  /** Tells which cookies the app has set here, with their attributes and how long they live. */
  async cookies(): Promise<string[]> {
    const cookies = await this.#jar.for(new URL(this.#app.baseURL));
    return cookies.map((cookie) => {
      const hours = (Number(cookie.expiryTime()) - Date.now()) / 3_600_000;
      const life = Number.isFinite(hours) ? `; for ${Math.round(hours)} h` : "";
      const { domain, hostOnly } = cookie;
      const where = hostOnly ? "" : `; on all of ${domain}`;
      // Without its value and the time, which are new each time.
      const attributes = cookie
        .toString()
        .replace(/=[^;]*/, "")
        .replace(/; Expires=[^;]*/, life);
      return `${attributes}${where}`;
    });
  }

  /** Has a cookie of the app that nobody can read. */
  async plant(name: string): Promise<void> {
    await this.#jar.take(`${name}=junk; Path=/`, new URL(this.#app.baseURL));
  }

  /** Makes a request with other headers, or another method, than a page does. */
  async request(
    mode: What[0],
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string,
  ): Promise<Answer> {
    const request = await this.compose(mode, "GET", path);
    return this.exchange({
      ...request,
      method,
      headers: { ...request.headers, ...headers },
      ...(body && { body }),
    });
  }

  /** Sends a request as `fetch` does, whose answer can be read as it comes. */
  async fetch(path: string): Promise<Response> {
    const request = await this.compose("cors", "GET", path);
    const { url, headers } = this.throughProxy(request);
    const response = await fetch(url, { headers });
    const { status } = response;
    const cookies = { "set-cookie": response.headers.getSetCookie() };
    await this.store(request, { status, headers: cookies, body: "" });
    return response;
  }

  /** A request of this browser, see {@link Transit}. */
  transit(...what: What): Transit {
    return new Transit(this, what);
  }
}

/**
 * A request, event by event: *sent* with the cookies that the browser has then, *received* when a
 * route begins to read it, *answered*, and *stored* when the browser takes its cookies.
 */
export class Transit {
  request!: Outgoing;
  answer!: Answer;
  #inFlight: ReturnType<User["send"]> | undefined;
  readonly #user: User;
  readonly #what: What;

  constructor(user: User, what: What) {
    this.#user = user;
    this.#what = what;
  }

  async sent(): Promise<void> {
    this.request = await this.#user.compose(...this.#what);
  }
  async received(): Promise<void> {
    this.#inFlight = this.#user.send(this.request);
    await this.#inFlight.received;
  }
  async answered(): Promise<void> {
    this.#inFlight ??= this.#user.send(this.request);
    this.answer = await this.#inFlight.finish();
  }
  async stored(): Promise<void> {
    await this.#user.store(this.request, this.answer);
  }
}

/** Tells who somebody is taken for; where everybody has to log in, others are refused. */
export function whoIn({ status, body }: Answer): string | null {
  if (status === 401) return null;
  if (status === 200) return JSON.parse(body).user;
  throw new Error(`GET /whoami was answered with ${status}: ${body}`);
}

/** Asks the app whom it takes the bearer of a copy of cookies for. */
export async function whoHas(app: App, cookie: string): Promise<string | null> {
  const stranger = new User(app);
  const request = await stranger.compose("cors", "GET", "/whoami");
  return whoIn(
    await stranger.exchange({
      ...request,
      headers: { ...request.headers, cookie },
    }),
  );
}
