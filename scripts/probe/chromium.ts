import { setTimeout } from "node:timers/promises";
import type {
  Browser,
  BrowserContext,
  CDPSession,
  Page,
  Protocol,
} from "puppeteer-core";
import { BrowserError, launchBrowser } from "../browsers/installed-browsers.ts";
import { isAsking, ProbeError, within } from "./words.ts";

/** A line of `Set-Cookie`, and why the browser did not take it. */
export interface SetCookie {
  line: string;
  name: string;
  clears: boolean;
  blocked: string[];
}

/** One request and its answer. A redirect leads to another one. */
export interface Hop {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body: string | undefined;
  /** What it is for: `Document`, `Fetch`, `Image`. */
  kind: string;
  sentAt: number;
  answeredAt?: number;
  isOver?: boolean;
  status?: number;
  /** Who answered in the app's place. */
  by?: "cache" | "worker";
  /** Whether the network has more to tell of it, which comes by itself. */
  hasMore?: boolean;
  /** The `Cookie` header that it went with. */
  cookie?: string;
  set: SetCookie[];
  failure?: string;
}

export type Cookie = Awaited<ReturnType<BrowserContext["cookies"]>>[number];

/** What a window may do. */
export interface Rules {
  milliseconds: number;
  /** @throws {ProbeError} when it may not ask that */
  check(url: URL): void;
  /** Who is played: the browser is told their name, and the same as the password, when it is asked. */
  name?: string | undefined;
}

/** How long nothing has to happen in a page with scripts, until it is taken for done. */
const QUIET_MS = 120;
/** A request that takes longer is not waited for, once its page is there. */
const SLOW_MS = 1000;
/** As many are kept in mind, so that no app fills the memory. */
const MOST_HOPS = 3000;

export const now = (): number => performance.now();

export function readSetCookie(line: string): SetCookie {
  const [, name = "", value = line] = line.match(/^([^=;]*)=([^;]*)/) ?? [];
  const [, date = ""] = line.match(/;\s*expires=([^;]+)/i) ?? [];
  const [, age] = line.match(/;\s*max-age=(-?\d+)/i) ?? [];
  const isOld = age ? Number(age) <= 0 : Date.parse(date) <= Date.now();
  const clears = value.trim() === "" || isOld;
  return { line, name: name.trim(), clears, blocked: [] };
}

/** A Chromium, with all that its windows ask for taken down. */
export class Chromium {
  readonly #browser: Browser;
  readonly #windows = new Map<string, Window>();

  /** @throws {ProbeError} when there is none, or it does not start */
  static async launch(isShown: boolean, acceptInsecureCerts = false) {
    const shown = isShown ? { headless: false, defaultViewport: null } : {};
    const options = { ...shown, acceptInsecureCerts, timeout: 120_000 };
    try {
      const browser = await launchBrowser("chromium", undefined, options);
      const chromium = new Chromium(browser);
      await chromium.#watch(await browser.target().createCDPSession());
      return chromium;
    } catch (error) {
      if (!(error instanceof BrowserError)) throw error;
      const isThere = isShown && !error.message.includes("missing");
      throw new ProbeError(
        `${isThere ? "no window can be shown here: use --as" : "there is no Chromium that starts (apt-get install chromium)"}, or go by posts/2026-11-27-is-it-this-bug.md#with-the-developer-tools`,
      );
    }
  }

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  /** Opens a window that shares nothing with another. */
  async open(rules: Rules): Promise<Window> {
    const downloadBehavior = { policy: "deny" as const };
    const context = await this.#browser.createBrowserContext({
      downloadBehavior,
    });
    const window = new Window(context, rules);
    this.#windows.set(context.id ?? "", window);
    await window.start();
    for (const page of await this.#browser.defaultBrowserContext().pages())
      await page.close().catch(() => {});
    return window;
  }

  close = (): Promise<void> => this.#browser.close();

  /** Attaches to all that there is under a session: tabs, frames, workers. */
  async #watch(session: CDPSession, window?: Window): Promise<void> {
    session.on("Target.attachedToTarget", ({ sessionId, targetInfo }) => {
      const child = session.connection()?.session(sessionId);
      const its = this.#windows.get(targetInfo.browserContextId ?? "");
      // A worker answers none of this before it runs, and takes it in this order.
      if (child && its) {
        its.record(child).catch(() => {});
        this.#watch(child, its).catch(() => {});
      }
      child?.send("Runtime.runIfWaitingForDebugger").catch(() => {});
    });
    const no = ["browser", "tab"].map((type) => ({ type, exclude: true }));
    const all = { autoAttach: true, waitForDebuggerOnStart: true };
    const filter = window ? {} : { filter: [...no, {}] };
    const how = { ...all, flatten: true, ...filter };
    await session.send("Target.setAutoAttach", how);
  }
}

/** What is answered in the place of the network. */
type Fulfilled = Omit<Protocol.Fetch.FulfillRequestRequest, "requestId">;

export const BLANK: Fulfilled = { responseCode: 200, body: "" };

/** A window of somebody, with its tabs and cookies. */
export class Window {
  readonly context: BrowserContext;
  readonly rules: Rules;
  page!: Page;
  /** Rejects when somebody has closed it. */
  gone!: Promise<never>;
  /** The sockets and streams that are open. */
  readonly streams = new Map<string, URL>();
  /** Decides what becomes of a request: nothing leaves it to the network. */
  intercept?: ((url: URL, method: string) => unknown) | undefined;
  /** Whether it goes to no provider that would log somebody in. */
  isKept = false;
  /** Whether the browser itself may tell a name and password. */
  mayTell = true;
  readonly #hops: Hop[] = [];
  readonly #byId = new Map<string, Hop[]>();
  /** What the network tells of a request and of its answer, which may come before the rest. */
  readonly #more = new Map<string, Partial<Hop>[]>();
  readonly #slow = new Set<string>();
  #lastAt = now();
  #session!: CDPSession;
  #looker: Page | undefined;

  constructor(context: BrowserContext, rules: Rules) {
    this.context = context;
    this.rules = rules;
  }

  async start(): Promise<void> {
    this.page = await this.tab(false);
    this.#session = await this.page.createCDPSession();
    this.gone = new Promise((_, reject) => {
      const closed = "its window is closed: start again, and leave it open";
      this.page.once("close", () => reject(new ProbeError(closed)));
    });
    this.gone.catch(() => {});
  }

  /** Opens a tab; one in the background does not disturb whoever looks at another one. */
  async tab(background = true): Promise<Page> {
    const page = await this.context.newPage({ background });
    page.setDefaultTimeout(this.rules.milliseconds);
    // A person answers their own dialogs.
    if (this.rules.name !== undefined || background)
      page.on("dialog", (dialog) => dialog.accept().catch(() => {}));
    return page;
  }

  /** A tab in the background that asks the app itself, past the cache and service workers. */
  async looker(): Promise<Page> {
    if (this.#looker) return this.#looker;
    const page = await this.tab();
    const session = await page.createCDPSession();
    await session.send("Network.enable");
    await session.send("Network.setCacheDisabled", { cacheDisabled: true });
    await session.send("Network.setBypassServiceWorker", { bypass: true });
    this.#looker = page;
    return page;
  }

  /** Takes down what a session sends and gets. */
  async record(session: CDPSession): Promise<void> {
    const on = (id: string) => this.#byId.get(id)?.at(-1);
    const more = (id: string, what: string, of: Partial<Hop>) =>
      push(this.#more, id + what, of);
    const end = (id: string, failure?: string) => {
      this.streams.delete(id);
      const hop = on(id);
      if (!hop) return;
      if (now() - hop.sentAt > SLOW_MS) this.#slow.add(routeOf(hop));
      Object.assign(hop, { isOver: true, ...(failure && { failure }) });
      this.#lastAt = now();
    };
    const answer = (
      id: string,
      got: Protocol.Network.Response,
      hasMore: boolean,
    ) => {
      const worker = got.fromServiceWorker && "worker";
      const by = worker || (got.fromDiskCache && "cache");
      const hop = { hasMore, status: got.status, answeredAt: now() };
      Object.assign(on(id) ?? {}, hop, by && { by });
      if (got.mimeType !== "text/event-stream" || !URL.canParse(got.url))
        return;
      end(id);
      this.streams.set(id, new URL(got.url));
    };
    session.on("Network.requestWillBeSent", (event) => {
      const { requestId: id, request, type: kind = "Other" } = event;
      this.#lastAt = now();
      if (event.redirectResponse) {
        answer(id, event.redirectResponse, event.redirectHasExtraInfo);
        end(id);
      }
      const { method, headers, postData: body } = request;
      if (!/^http/.test(request.url) || this.#hops.length > MOST_HOPS) return;
      const url = new URL(request.url);
      const times = { sentAt: now(), set: [] };
      const hop: Hop = { method, url, headers, body, kind, ...times };
      if (!url.pathname.endsWith("/favicon.ico")) this.#hops.push(hop);
      push(this.#byId, id, hop);
    });
    session.on("Network.requestWillBeSentExtraInfo", (event) => {
      const { headers } = event;
      const cookie = headers.Cookie ?? headers.cookie ?? "";
      more(event.requestId, "sent", { headers, cookie });
    });
    session.on("Network.responseReceivedExtraInfo", (event) => {
      const isIt = ([name]: [string, string]) => /^set-cookie$/i.test(name);
      const lines = Object.entries(event.headers).filter(isIt);
      const set = lines.flatMap(([, value]) => value.split("\n"));
      const read = set.map(readSetCookie);
      for (const { cookieLine, blockedReasons } of event.blockedCookies)
        read
          .find(({ line, blocked }) => line === cookieLine && !blocked[0])
          ?.blocked.push(...blockedReasons);
      const { requestId: id, statusCode: status } = event;
      more(id, "got", { status, set: read, answeredAt: now() });
    });
    session.on("Network.responseReceived", (event) =>
      answer(event.requestId, event.response, event.hasExtraInfo),
    );
    session.on("Network.loadingFinished", (event) => end(event.requestId));
    session.on("Network.loadingFailed", (event) => {
      const { requestId, corsErrorStatus, errorText } = event;
      end(requestId, corsErrorStatus ? "CORS" : errorText);
    });
    session.on("Network.webSocketCreated", ({ requestId, url }) => {
      if (URL.canParse(url)) this.streams.set(requestId, new URL(url));
    });
    session.on("Network.webSocketClosed", (event) => end(event.requestId));
    session.on("Fetch.requestPaused", ({ requestId, request }) => {
      const fail = { requestId, errorReason: "BlockedByClient" as const };
      this.#decide(new URL(request.url), request.method)
        .then((answer) =>
          answer
            ? session.send("Fetch.fulfillRequest", { requestId, ...answer })
            : session.send("Fetch.continueRequest", { requestId }),
        )
        .catch(() => session.send("Fetch.failRequest", fail).catch(() => {}));
    });
    session.on("Fetch.authRequired", ({ requestId }) => {
      const { name: username } = this.rules;
      const isTold = username && this.mayTell;
      const response = this.mayTell ? "Default" : "CancelAuth";
      const authChallengeResponse = isTold
        ? { response: "ProvideCredentials", username, password: username }
        : { response };
      const told = { requestId, authChallengeResponse } as never;
      session.send("Fetch.continueWithAuth", told).catch(() => {});
    });
    const patterns = [{ urlPattern: "http*" }];
    const fetches = { patterns, handleAuthRequests: true };
    await Promise.all([
      session.send("Network.enable", { maxPostDataSize: 65_536 }),
      session.send("Fetch.enable", fetches),
    ]);
  }

  async #decide(url: URL, method: string): Promise<Fulfilled | undefined> {
    this.rules.check(url);
    if (this.isKept && isAsking(url)) return BLANK;
    return (await this.intercept?.(url, method)) as Fulfilled | undefined;
  }

  /** What was asked since some time, with what the network has told of it by now. */
  since(at: number): Hop[] {
    for (const [id, hops] of this.#byId) {
      const told = hops.filter(({ hasMore }) => hasMore !== false);
      for (const [index, hop] of told.entries())
        for (const what of ["sent", "got"])
          Object.assign(hop, this.#more.get(id + what)?.[index]);
    }
    return this.#hops.filter(({ sentAt }) => sentAt >= at);
  }

  /**
   * Waits until its pages have all that they ask for, as far as that does not take long.
   * @param page one that is there: if it has no script, it asks for no more
   */
  async settle(page?: Page): Promise<void> {
    const end = now() + this.rules.milliseconds;
    // What somebody has clicked on is waited for.
    const isBusy = (hop: Hop) =>
      !hop.isOver &&
      // A script need not read the body of what it is answered.
      (hop.kind === "Document" || hop.hasMore === undefined) &&
      (!page ||
        hop.kind === "Document" ||
        (now() - hop.sentAt < SLOW_MS && !this.#slow.has(routeOf(hop))));
    if (!page) this.#lastAt = now();
    for (let goesOn = 0; now() < end && !this.page.isClosed(); ) {
      const isAsking = this.#hops.some(isBusy);
      const seen = isAsking ? undefined : await this.ask(GOES_ON, page);
      const [scripts, seconds = -1] = (seen || []) as number[];
      const quiet = now() - this.#lastAt;
      const rest = page && scripts === 0 ? 0 : QUIET_MS - quiet;
      // A page that is not there yet does not say.
      if (scripts === undefined) await setTimeout(10);
      else if (rest > 0) await setTimeout(rest);
      // A page that goes on by itself says when.
      else if (seconds < 0 || goesOn++ > 2) return;
      else await setTimeout(Math.min(seconds * 1000 + QUIET_MS, end - now()));
    }
  }

  /** Runs a script in a page that may not answer. */
  ask = async (script: string, page = this.page): Promise<unknown> =>
    within(
      this.rules.milliseconds,
      page.evaluate(script).catch(() => undefined),
    );

  /** Goes somewhere; what is wrong there is seen by what was taken down. */
  async go(address: string, page = this.page): Promise<void> {
    const there = page.goto(address).catch(() => null);
    await within(this.rules.milliseconds + 500, there);
    await this.settle(page);
  }

  /** The cookies that a browser would send somewhere. */
  async cookiesFor({ href }: URL): Promise<string> {
    const urls = [href];
    const got = await this.#session.send("Network.getCookies", { urls });
    return got.cookies.map((one) => `${one.name}=${one.value}`).join("; ");
  }

  /** Forgets what it has kept of these kinds, beside cookies. */
  async forget(storageTypes = "cache_storage,service_workers"): Promise<void> {
    for (const origin of new Set(this.#hops.map(({ url }) => url.origin))) {
      const what = { origin, storageTypes };
      await this.#session.send("Storage.clearDataForOrigin", what);
    }
  }

  /** Has these cookies, and no others, and nothing that it has kept otherwise. */
  async have(cookies: Cookie[]): Promise<void> {
    await this.#session.send("Network.clearBrowserCache");
    await this.forget("local_storage,indexeddb,cache_storage,service_workers");
    const old = await this.context.cookies();
    if (old.length > 0) await this.context.deleteCookie(...old);
    if (cookies.length > 0) await this.context.setCookie(...cookies);
  }

  /** Lets an answer arrive that is late, with its lines of `Set-Cookie`. */
  async deliver(url: URL, lines: string[]): Promise<void> {
    const set = lines.map((value) => ({ name: "Set-Cookie", value }));
    const responseHeaders = [
      { name: "Content-Type", value: "text/html" },
      ...set,
    ];
    this.intercept = ({ href }) =>
      href === url.href ? { ...BLANK, responseHeaders } : undefined;
    await this.go(url.href);
    this.intercept = undefined;
  }

  async close(): Promise<void> {
    const closed = this.context.close().catch(() => {});
    await within(5000, closed);
  }
}

const routeOf = ({ method, url }: Hop): string =>
  `${method} ${url.origin}${url.pathname}`;

const push = <Value>(map: Map<string, Value[]>, id: string, value: Value) =>
  map.set(id, [...(map.get(id) ?? []), value]);

/** How many scripts and frames a page has, and in how many seconds it goes on, once it has run them. */
const GOES_ON = `new Promise((done) => {
  const [meta] = document.querySelectorAll('meta[http-equiv="refresh" i]');
  const { length } = document.querySelectorAll("script, iframe, [onload], [onclick]");
  const isThere = document.readyState === "complete";
  const told = isThere && [length, meta ? Number.parseFloat(meta.content) : -1];
  // What it has to do comes before it is idle.
  if (document.hidden) setTimeout(done, 0, told);
  else requestIdleCallback(() => done(told), { timeout: 1000 });
})`;
