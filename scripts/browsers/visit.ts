import type {
  BrowserContext,
  HTTPRequest,
  Page,
  Browser as RealBrowser,
} from "puppeteer-core";
import type { Snippet } from "../servers/snippet.ts";
import { pageWaitsFor } from "../verify/page-script.ts";

/**
 * How the page sends `POST /update`: with the `fetch` that stands in it, with that `fetch` before
 * the page goes to `/logout`, or with what people take so that a request outlives its page. See
 * https://fetch.spec.whatwg.org/#request-keepalive-flag and https://w3c.github.io/beacon/
 */
export type Sending = "fetch" | "fetchFirst" | "keepalive" | "beacon";

/** Runs in a page before its own script, and replaces its `fetch`. A beacon gets no answer. */
const REPLACEMENTS: Record<Exclude<Sending, "fetch">, string> = {
  // Sends what the button is about to send, and lets the button send it no more.
  fetchFirst: `{
    const realFetch = window.fetch;
    let sent;
    window.fetch = (path, request) => (sent ??= realFetch(path, request));
    const send = ({ target }) => {
      if (target.id !== "log-out") return;
      fetch("/update", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: "{}",
      });
    };
    addEventListener("click", send, { capture: true });
  }`,
  keepalive: `{
    const realFetch = window.fetch;
    window.fetch = (path, request) =>
      realFetch(path, { ...request, keepalive: true });
  }`,
  beacon: `
    window.fetch = async (path, { body }) => {
      const type = "application/json";
      navigator.sendBeacon(path, new Blob([body], { type }));
    };`,
};

/** Runs in a page, and sends a form from there. */
const SEND_FORM = `{
  const form = document.createElement("form");
  form.method = "post";
  form.action = "/draft";
  document.body.append(form);
  form.submit();
}`;

/** With what somebody uses a page. */
export type Hand = "mouse" | "keyboard";

/** Somebody in a real browser, with cookies of their own. */
export class Visitor {
  readonly page: Page;
  readonly #tabs: Page[] = [];
  readonly #context: BrowserContext;
  /** What a page did that it must not do, a line each. */
  readonly complaints = new Set<string>();
  readonly #snippet: Snippet;
  readonly #sending: Sending;

  /**
   * Opens the app's page in a new tab of a browser, which forgets all cookies first.
   * @param browser as `launchBrowser` starts it; nobody else may use it meanwhile
   */
  static async open(
    browser: RealBrowser,
    snippet: Snippet,
    sending: Sending = "fetch",
  ): Promise<Visitor> {
    const context = browser.defaultBrowserContext();
    const page = await context.newPage();
    const visitor = new Visitor(context, page, snippet, sending);
    visitor.#watch(page);
    if (sending !== "fetch") {
      await page.evaluateOnNewDocument(REPLACEMENTS[sending]);
    }
    await visitor.startAgain();
    return visitor;
  }

  private constructor(
    context: BrowserContext,
    page: Page,
    snippet: Snippet,
    sending: Sending,
  ) {
    this.#context = context;
    this.page = page;
    this.#snippet = snippet;
    this.#sending = sending;
  }

  /** Goes to the provider's login page. */
  async goToProvider(hand: Hand = "keyboard"): Promise<void> {
    const atProvider = arrives(
      this.page,
      ({ hostname }) => hostname === "127.0.0.1",
    );
    await this.#press("Log in", hand);
    await atProvider;
  }

  /** Logs in as alice, on the provider's login page. */
  async logIn(hand: Hand = "keyboard"): Promise<void> {
    const home = this.#arrivesHome();
    await this.#press("alice", hand);
    await home;
  }

  /**
   * Clicks *log out*, and returns when the app's page is there again. The server sees `/update`
   * first, which not every browser sends first. The response to it comes while the browser is at
   * the provider, or before it goes there, where the page waits for it.
   */
  async logOut(hand: Hand = "keyboard"): Promise<void> {
    const { page } = this;
    const waits =
      this.#sending !== "beacon" &&
      (await pageWaitsFor(await page.content(), "/update"));
    const update = await this.#snippet.hold("/update");
    const logout = await this.#snippet.hold("/logout", "arrival");
    const hop = await this.#snippet.hold("/session/end");
    const updateEnds = this.#ends("/update");
    const home = this.#arrivesHome();

    const goAway = async () => {
      // Firefox may give a request up before the server has seen it.
      await Promise.race([update.reached, updateEnds]);
      logout.release();
      if (!waits) await hop.reached;
      update.release();
      await updateEnds;
      await hop.reached;
      hop.release();
      await home;
    };
    // Chromium says that a click is done only when the provider has answered.
    await Promise.all([this.#press("Log out", hand), goAway()]);
  }

  /**
   * Clicks *log out* with nothing held, so that it goes as it goes. Returns once the response to
   * `/update` has reached the browser, or never will, and the app's page is there again, loaded anew.
   */
  async logOutInRealTime(): Promise<void> {
    const home = this.#arrivesHome();
    const answered = this.#snippet.printed(/← POST \/update/);
    // Firefox may give a request up before the server has seen it.
    const seen = this.#snippet.printed(/→ POST \/update/).then(() => true);
    const givenUp = this.#ends("/update").then(() => false);
    await this.#press("Log out", "keyboard");
    if (await Promise.race([seen, givenUp])) await answered;
    await home;
    // What the server sent before it saw this, the browser takes before the response to this.
    await this.reload();
  }

  /** Sends a form to `/draft` in another tab, and returns once the server works on that. */
  async loadOtherTab(): Promise<{ finish(): Promise<void> }> {
    const tab = await this.#context.newPage();
    this.#watch(tab);
    await tab.goto(this.#snippet.baseURL);
    const draft = await this.#snippet.hold("/draft");
    const there = arrives(tab, (url) => url.pathname === "/draft");
    await tab.evaluate(SEND_FORM);
    await draft.reached;
    await this.page.bringToFront();
    return {
      async finish() {
        draft.release();
        await there;
      },
    };
  }

  /** Forgets all cookies, and goes to the app's page. */
  async startAgain(): Promise<void> {
    await this.#context.deleteCookie(...(await this.#context.cookies()));
    await this.page.goto(this.#snippet.baseURL);
  }

  /** Loads the page again. */
  async reload(): Promise<void> {
    await this.page.reload();
  }

  /**
   * Tells who is logged in, by what the page says, and by whom the server takes somebody for who
   * has the browser's cookies.
   * @throws {Error} when the two disagree
   */
  async whoami(): Promise<string | null> {
    const title = await this.page.$eval("h1", (heading) => heading.textContent);
    const onPage = title === "Nobody is logged in" ? null : title.split(" ")[0];
    const cookies = await this.#context.cookies();
    const sent = cookies
      .filter(({ domain }) => domain === "localhost")
      .map(({ name, value }) => `${name}=${value}`);
    const answer = await fetch(new URL("/whoami", this.#snippet.baseURL), {
      headers: { cookie: sent.join("; ") },
    });
    const { user } = (await answer.json()) as { user: string | null };
    if (user === onPage) return user;
    throw new Error(`its page says ${onPage}, its cookies say ${user}`);
  }

  /** What the page says of a logout that did not hold; undefined when it says nothing. */
  async notice(): Promise<string | undefined> {
    const notices = await this.page.$$eval(
      "#notice:not([hidden])",
      (elements) => elements.map(({ textContent }) => textContent.trim()),
    );
    return notices[0];
  }

  /** Closes the tabs that were opened. */
  async close(): Promise<void> {
    for (const tab of this.#tabs) await tab.close();
  }

  /** Presses a button or a link: the only one with this text. */
  async #press(text: string, hand: Hand): Promise<void> {
    const { page } = this;
    if (hand === "mouse") {
      const isIt = `(self::a or self::button) and normalize-space()="${text}"`;
      await page.click(`::-p-xpath(//*[${isIt}])`);
      return;
    }
    // From the top of the page, the first press of Tab goes to the first link or button.
    await page.keyboard.press("Tab");
    const focused = await page.evaluate("document.activeElement.textContent");
    if (focused !== text) throw new Error(`Tab leads to "${focused}"`);
    await page.keyboard.press("Enter");
  }

  #arrivesHome(): Promise<void> {
    const home = new URL("/", this.#snippet.baseURL).href;
    return arrives(this.page, ({ href }) => href === home);
  }

  /** Resolves once the browser has the whole response, or has given the request up. */
  #ends(path: string): Promise<void> {
    const { href } = new URL(path, this.#snippet.baseURL);
    return new Promise((resolve) => {
      const end = (request: HTTPRequest) => {
        if (request.url() !== href) return;
        this.page.off("requestfinished", end).off("requestfailed", end);
        resolve();
      };
      this.page.on("requestfinished", end).on("requestfailed", end);
    });
  }

  /** Takes down what a page asks of others, and what its own policy refuses. */
  #watch(page: Page): void {
    this.#tabs.push(page);
    const app = new URL(this.#snippet.baseURL).host;
    page.on("request", (request) => {
      const url = new URL(request.url());
      // The provider is on a port of this address.
      const isOurs = url.host === app || url.hostname === "127.0.0.1";
      if (!isOurs && url.protocol !== "data:") {
        this.complaints.add(`a page asks for ${url.origin}`);
      }
    });
    page.on("console", (message) => {
      if (/Content.Security.Policy/i.test(message.text())) {
        this.complaints.add(`a page breaks its policy: ${message.text()}`);
      }
    });
  }
}

/** Resolves once a page has such an address and its heading is there. */
function arrives(page: Page, isIt: (url: URL) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const listen = () => {
      if (!isIt(new URL(page.url()))) return;
      page.off("framenavigated", listen);
      page.waitForSelector("h1, pre").then(() => resolve(), reject);
    };
    page.on("framenavigated", listen);
  });
}
