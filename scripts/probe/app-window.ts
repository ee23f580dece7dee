import { setTimeout } from "node:timers/promises";
import type {
  HTTPRequest,
  HTTPResponse,
  Page,
  Browser as RealBrowser,
} from "puppeteer-core";
import {
  BROWSER_NAMES,
  BrowserError,
  findBrowser,
  launchBrowser,
} from "../browsers/installed-browsers.ts";
import { composeLogout } from "./compose.ts";
import { BrowserJar } from "./cookie-jar.ts";
import { type PageUse, type Recognizer, withoutCache } from "./pages.ts";
import { Browser, hostOf } from "./played-browser.ts";
import type { Prompt } from "./prompt.ts";
import { ProbeError } from "./refusal.ts";
import type { Outgoing } from "./requests.ts";
import { inWords, type Target } from "./target.ts";
import type { Exchange, Left, Trail, UserAgent } from "./trail.ts";

/**
 * Starts a browser in which a user can log in by hand: Chromium or Chrome, else Firefox.
 * @throws {ProbeError} when there is none, or it can't show a window
 */
export async function openWindow(): Promise<RealBrowser> {
  const otherwise = "pipe in a Cookie header with --paste instead";
  const name = BROWSER_NAMES.find(findBrowser);
  const path = name && findBrowser(name);
  if (!path) {
    throw new ProbeError(
      `there is no Chromium, Chrome or Firefox: ${otherwise}`,
    );
  }
  try {
    return await launchBrowser(name, path, {
      headless: false,
      // A page as large as its window.
      defaultViewport: null,
      timeout: START_MS,
    });
  } catch (error) {
    if (!(error instanceof BrowserError)) throw error;
    throw new ProbeError(`no window can be shown here: ${otherwise}`);
  }
}

/** How long a browser may take to start, in milliseconds: a busy machine needs its time. */
const START_MS = 120_000;

const closed = (): ProbeError =>
  new ProbeError(
    "the browser window or its tab is closed: start again, and leave it open",
  );

/** As many pages are gone back to, and as many answers are kept of what a page asks for. */
const MOST_BACK = 5;
const MOST_ANSWERS = 200;

/** How long a page has to ask for nothing, until it is taken for done, in milliseconds. */
const IDLE_MS = 500;

/** A window in which a user logs in by hand. It shares nothing with any other. */
export class AppWindow implements UserAgent {
  readonly #target: Target;
  readonly #page: Page;
  readonly #prompt: Prompt["line"];
  /** What the page was answered since it was last asked to do something. */
  #answers: Exchange[] = [];
  #failed: HTTPRequest[] = [];
  /** What it still waits for, and when that last changed. */
  readonly #pending = new Set<HTTPRequest>();
  #lastAt = 0;
  #isFromWorker = false;
  /** How long it may take for anything. */
  readonly #milliseconds: number;

  /**
   * Opens the app's page in a new window, lets a user log in there, and returns when they have.
   * @param real as {@link openWindow} starts it
   * @param prompt asks the user something, to be answered with the Enter key
   * @param question what to ask first
   */
  static async open(
    target: Target,
    real: RealBrowser,
    prompt: Prompt["line"],
    question: string,
  ): Promise<AppWindow> {
    const page = await newPage(real).catch(() => {
      throw closed();
    });
    const window = new AppWindow(target, page, prompt);
    await window.logIn(question);
    return window;
  }

  private constructor(target: Target, page: Page, prompt: Prompt["line"]) {
    this.#target = target;
    this.#milliseconds = target.app.limits?.milliseconds ?? 5000;
    this.#page = page;
    const gone = new Promise<never>((_, reject) => {
      page.once("close", () => reject(closed()));
      page.browser().once("disconnected", () => reject(closed()));
    });
    // When nothing is asked, the next look at the cookies tells it.
    gone.catch(() => {});
    this.#prompt = (question) => Promise.race([prompt(question), gone]);
    page.on("response", (response) => this.#note(response));
    page.on("request", (request) => {
      if (!mayLogOut(request)) return;
      this.#pending.add(request);
      this.#lastAt = performance.now();
    });
    page.on("requestfinished", (request) => this.#end(request));
    page.on("requestfailed", (request) => {
      this.#failed.push(request);
      this.#end(request);
    });
  }

  /** Lets the user log in, which may be once more. */
  async logIn(question: string): Promise<void> {
    // It shows by itself what is wrong, in the window.
    await this.#page.goto(this.#target.app.baseURL).catch(() => {});
    const tabs = await this.#page
      .browserContext()
      .pages()
      .catch(() => []);
    // A tab of the user's own may still say that they are logged in. Without one, the window is not
    // to cover the terminal.
    if (tabs.length > 1) await this.#page.bringToFront().catch(() => {});
    await this.#prompt(question);
  }

  /** Takes the cookies that belong to the app, and no others. */
  async cookies(): Promise<Browser> {
    const { app } = this.#target;
    const jar = new BrowserJar();
    const { hostname } = new URL(app.baseURL);
    const context = this.#page.browserContext();
    const cookies = await context.cookies().catch(() => {
      throw closed();
    });
    // With another tab, the cookies outlive this one.
    if (this.#page.isClosed()) throw closed();
    for (const cookie of cookies) {
      const { name, value, domain, path, secure, partitionKey } = cookie;
      const isShared =
        domain.startsWith(".") && `.${hostname}`.endsWith(domain);
      if (!isShared && hostname !== domain) continue;
      const header =
        `${name}=${value}; Path=${path}${isShared ? `; Domain=${domain}` : ""}` +
        `${secure ? "; Secure" : ""}${partitionKey ? "; Partitioned" : ""}`;
      // A cookie of one path can be set from there only.
      await jar.take(header, new URL(path, app.baseURL));
    }
    return new Browser(app, jar);
  }

  /** Clicks on what logs out in the page, or does what that would do. */
  async logOut(): Promise<Left> {
    const { app, logout, page } = this.#target;
    await this.open(page);
    // There is something to go back to only if that has another address than where a logout leads.
    await this.open(withoutCache(page));
    const request = await composeLogout(await this.cookies(), this.#target);
    const isClicked = await this.#run(clickOn(request));
    if (!isClicked) await this.#run(sendAs(request));
    const trail = await this.#settle();
    const isLogout = (method: string, url: URL) =>
      method === logout.method && url.pathname === request.url.pathname;
    const isOfLogout = (one: HTTPRequest) =>
      isLogout(one.method(), new URL(one.url()));
    const isAnswered = trail.steps.some(({ request: { method, url } }) =>
      isLogout(method, url),
    );
    if (!isAnswered) {
      const isHanging = !this.#failed.some(isOfLogout);
      const what = inWords(logout);
      const failure = isHanging
        ? `it does not answer ${what}`
        : `the window gets no answer to ${what}`;
      return { trail: { steps: [] }, failure, isHanging };
    }
    // A fetch is stopped where it leads to another site (CORS).
    const stopped = this.#failed.find((one) =>
      one.redirectChain().some(isOfLogout),
    );
    if (stopped) {
      const leftAt = new URL(stopped.url());
      return { trail: { ...trail, leftAt }, isFetched: true };
    }
    const here = new URL(this.#page.url());
    if (here.origin === new URL(app.baseURL).origin) return { trail };
    // It may ask whether to log out there, too.
    await this.#prompt(
      `The logout has led to ${hostOf(here)}. If the browser window asks something, answer it ` +
        "there. Then press Enter in this terminal.",
    );
    return { trail: { steps: [...trail.steps, ...this.#answers] } };
  }

  async open(path: string): Promise<Trail> {
    const { href } = new URL(path, this.#target.app.baseURL);
    await this.#run(`location.assign(${JSON.stringify(href)})`);
    return this.#settle();
  }

  /** There is one window, and it goes on. */
  fork = async () => this;

  async shows(who: Recognizer, use: PageUse): Promise<PageUse> {
    const page = new URL(this.#target.page, this.#target.app.baseURL).pathname;
    const isHers = async () => {
      // Of a page that Firefox has kept for back, puppeteer has the address of the page before it.
      const seen = await this.#page.evaluate(WHERE_AND_WHAT).catch(() => []);
      const [path, body] = seen as string[];
      return (
        path === page &&
        who.of({ status: 200, headers: {}, body: body ?? "" }) === "first"
      );
    };
    const isShown = await isHers();
    const isFromWorker = this.#isFromWorker;
    let isKeptForBack = false;
    for (let back = 0; back < MOST_BACK && !isKeptForBack; back++) {
      // Of such a page, Firefox does not tell that it is there.
      const there = this.#page.goBack({ timeout: this.#milliseconds });
      await Promise.race([there.catch(() => {}), this.#settle()]);
      isKeptForBack = await isHers();
    }
    return {
      ...use,
      isShown,
      isKeptForBack,
      isKeptFor: isShown ? use.isKeptFor : 0,
      isFromWorker: isShown && isFromWorker,
    };
  }

  /** Runs a script in the page that returns at once, and forgets what was answered before. */
  async #run(script: string): Promise<unknown> {
    this.#answers = [];
    this.#failed = [];
    this.#pending.clear();
    this.#isFromWorker = false;
    // It is a text since tsx would put calls of its own into a function.
    return this.#page.evaluate(script).catch(() => undefined);
  }

  /** Waits until the page has all that it asks for. */
  async #settle(): Promise<Trail> {
    const begin = performance.now();
    const milliseconds = this.#milliseconds;
    for (;;) {
      const now = performance.now();
      const since = Math.max(begin, this.#lastAt);
      const isIdle = this.#pending.size === 0 && now - since > IDLE_MS;
      if (isIdle || now - begin > milliseconds) break;
      await setTimeout(IDLE_MS / 10);
    }
    return { steps: [...this.#answers] };
  }

  #end(request: HTTPRequest): void {
    if (this.#pending.delete(request)) this.#lastAt = performance.now();
  }

  #note(response: HTTPResponse): void {
    const request = response.request();
    if (this.#answers.length >= MOST_ANSWERS) return;
    if (!URL.canParse(request.url())) return;
    this.#isFromWorker ||=
      request.isNavigationRequest() && response.fromServiceWorker();
    const { "set-cookie": cookies, ...headers } = response.headers();
    this.#answers.push({
      request: {
        method: request.method(),
        url: new URL(request.url()),
        headers: {},
      },
      answer: {
        status: response.status(),
        // Several come in lines.
        headers: { ...headers, "set-cookie": cookies?.split("\n") ?? [] },
        body: "",
      },
    });
  }
}

/** Opens a window that shares nothing with another, and closes what the browser opened by itself. */
async function newPage(real: RealBrowser): Promise<Page> {
  const context = await real.createBrowserContext();
  const page = await context.newPage();
  const others = await real.defaultBrowserContext().pages();
  await Promise.all(others.map((other) => other.close()));
  return page;
}

/** A script that tells the address of what is shown, and what that is. */
const WHERE_AND_WHAT =
  "[location.pathname, document.documentElement.outerHTML]";

/** Whether something is no image or the like. Of Firefox, puppeteer can't tell. */
function mayLogOut(request: HTTPRequest): boolean {
  try {
    return /^(document|xhr|fetch)$/.test(request.resourceType());
  } catch {
    return !request.url().endsWith("/favicon.ico");
  }
}

/** Makes a script that clicks on what logs out, if that is in the page, and tells whether it is. */
const clickOn = ({ method, url }: Outgoing): string => `{
  const [method, path] = ${JSON.stringify([method, url.pathname])};
  const leads = (to) => {
    const { origin, pathname } = new URL(to ?? "", location.href);
    return origin === location.origin && pathname === path;
  };
  const link = method === "GET" && [...document.links].find((one) => leads(one.href));
  const form = [...document.forms].find(
    (one) => leads(one.getAttribute("action")) &&
      (one.getAttribute("method") ?? "get").toUpperCase() === method,
  );
  const button = [...document.querySelectorAll("[onclick]")].find(
    (one) => one.getAttribute("onclick").includes(path),
  );
  // It returns before the page is gone.
  if (form) setTimeout(() => form.requestSubmit());
  else if (link || button) setTimeout(() => (link || button).click());
  Boolean(form || link || button);
}`;

/** What a page's script may not set. */
const FORBIDDEN = /^(cookie|origin|content-length|accept|sec-.*)$/;

/** Makes a script that sends what the page has nothing to click on for: as a link, a form, or a fetch. */
function sendAs({ method, url, headers, body }: Outgoing): string {
  const isFetched = headers["sec-fetch-mode"] === "cors";
  const allowed = Object.entries(headers).filter(
    ([name]) => !FORBIDDEN.test(name),
  );
  const [address, type] = [JSON.stringify(url.href), headers["content-type"]];
  const own = allowed.filter(([name]) => name !== "content-type");
  const isForm = method === "POST" && (!body || type?.endsWith("urlencoded"));
  if (isFetched || own.length > 0 || !(method === "GET" || isForm)) {
    const request = { method, headers: Object.fromEntries(allowed), body };
    return `void fetch(${address}, ${JSON.stringify(request)}).catch(() => {})`;
  }
  if (method === "GET") return `setTimeout(() => location.assign(${address}))`;
  const fields = JSON.stringify([...new URLSearchParams(body)]);
  return `{
    const form = document.createElement("form");
    Object.assign(form, { method: "post", action: ${address} });
    for (const [name, value] of ${fields}) {
      const field = document.createElement("input");
      form.append(Object.assign(field, { type: "hidden", name, value }));
    }
    document.body.append(form);
    // A field may have that name, too.
    setTimeout(() => HTMLFormElement.prototype.submit.call(form));
  }`;
}
