import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BoundingBox, Browser, ElementHandle, Page } from "puppeteer-core";
import { launchBrowser } from "../browsers/installed-browsers.ts";
import { FIGURE_WIDTH } from "../publish/figures-list.ts";

// Drives the browser's own developer tools. They are a page like any other: in a second tab, at
// their devtools:// address, which connects them to the page in the first one. What they look like
// depends on the version of Chromium and on two fonts, the machine's system-ui and monospace. On a
// Debian with no fonts but those that come with Chromium these are DejaVu Sans and DejaVu Sans Mono.

/** How many pixels of a picture there are to a CSS pixel, so that it is sharp on any screen. */
const SCALE = 2;

/** How long the panel may take to show something, in milliseconds. */
const PATIENCE_MS = 20_000;

/** The widths of the columns in the list of requests, in CSS pixels. The rest is the waterfall's. */
const LIST_WIDTHS = {
  name: 172,
  method: 64,
  status: 60,
  "set-cookies": 94,
  time: 72,
};

/** What is left free around what a picture is about, in CSS pixels. */
const MARGIN = 8;

/** How wide the list of requests is beside the details of one, in CSS pixels. */
const SHORT_LIST_WIDTH = 116;

const sum = (widths: object): number =>
  Object.values(widths).reduce((one, other) => one + other, 0);

const visible = (columns: string[], visible: boolean) =>
  Object.fromEntries(columns.map((column) => [column, { visible }]));

/** What somebody sets in the menus of the panel, by the names under which it is kept. */
const SETTINGS = {
  "ui-theme": "default",
  "network-log.preserve-log": true,
  "network-log-show-overview": false,
  "network-log-columns": {
    ...visible([...Object.keys(LIST_WIDTHS), "waterfall"], true),
    ...visible(["type", "initiator", "size"], false),
  },
  "data-grid-network-log-column-weights": LIST_WIDTHS,
  "network-panel-split-view-waterfall": {
    vertical: { size: FIGURE_WIDTH - sum(LIST_WIDTHS) },
  },
  "network-panel-split-view-state": { vertical: { size: SHORT_LIST_WIDTH } },
  // Of a request's headers, those of the response come first.
  "request-info-general-category-expanded": false,
};

/** A request in the list, as its row says. */
export interface Row {
  name: string;
  method: string;
  status: string;
  /** How many cookies the response sets or clears. */
  "set-cookies": string;
  time: string;
}

/** A cookie in the details of a request, as its row says. */
export interface CookieRow {
  name: string;
  value: string;
  expires: string;
}

/** Where the developer tools are, inside of the browser. */
const DEVTOOLS = "devtools://devtools/bundled";

/** The window is wider than a picture for tables that are: their first columns are shown. */
const WIDE_WINDOW = 1280;

/** The list of requests, the details of one, and a row of any table. */
const LIST = ".network-log-grid";
const DETAILS = ".network-item-view";
const ROW = "tr.data-grid-data-grid-node";

/** The tables of the Cookies tab, from top to bottom. */
const TABLES = { request: 0, response: 1 };

/**
 * The developer tools themselves ask a site on localhost for a file, with its cookies:
 * /.well-known/appspecific/com.chrome.devtools.json. That is one more request in flight, with a
 * session, which the reader's browser need not send. It is no part of the story, so it is not sent.
 */
const DROP_OWN_REQUESTS = `
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (message) {
    if (!message.includes('"Network.loadNetworkResource"')) {
      send.call(this, message);
    }
  };`;

/**
 * Starts a Chromium whose developer tools are set up for pictures: the language is English, the
 * theme is light, and all that is not needed is out of the way. Its profile is new, and gone once
 * it is closed.
 * @param path where it is, as `findBrowser` says
 * @returns the browser, with one empty page; how to open that page's Network panel; how to close
 * the browser
 */
export async function launchForPictures(path: string) {
  const profile = mkdtempSync(join(tmpdir(), "in-flight-profile-"));
  const remove = () =>
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  try {
    mkdirSync(join(profile, "Default"));
    const settings = Object.entries(SETTINGS).map(([name, value]) => [
      name,
      JSON.stringify(value),
    ]);
    writeFileSync(
      join(profile, "Default", "Preferences"),
      JSON.stringify({
        devtools: { preferences: Object.fromEntries(settings) },
      }),
    );
    const browser = await launchBrowser("chromium", path, {
      userDataDir: profile,
      defaultViewport: null,
      args: [
        "--remote-debugging-pipe",
        // The developer tools need a port, and nobody else may use it.
        "--remote-debugging-port=0",
        "--remote-allow-origins=devtools://devtools",
        "--lang=en-US",
        "--hide-scrollbars",
      ],
    });
    const [page] = (await browser.pages()) as [Page];
    return {
      page,
      openPanel(): Promise<NetworkPanel> {
        const file = readFileSync(join(profile, "DevToolsActivePort"), "utf8");
        const [port] = file.split("\n");
        return NetworkPanel.open(browser, page, `127.0.0.1:${port}`);
      },
      async close(): Promise<void> {
        await browser.close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** The Network panel of a page. */
export class NetworkPanel {
  readonly #tools: Page;

  private constructor(tools: Page) {
    this.#tools = tools;
  }

  /**
   * Opens the developer tools of a page, at the Network panel.
   * @param host where the browser listens for developer tools
   * @returns once the panel records
   */
  static async open(
    browser: Browser,
    page: Page,
    host: string,
  ): Promise<NetworkPanel> {
    const session = await page.createCDPSession();
    const { targetInfo } = await session.send("Target.getTargetInfo");
    await session.detach();
    const target = `${host}/devtools/page/${targetInfo.targetId}`;
    const tools = await browser.newPage();
    tools.setDefaultTimeout(PATIENCE_MS);
    await tools.evaluateOnNewDocument(DROP_OWN_REQUESTS);
    await tools.goto(
      `${DEVTOOLS}/devtools_app.html?panel=network&ws=${target}`,
    );
    await tools.waitForSelector("text/Currently recording network activity");
    return new NetworkPanel(tools);
  }

  /** Clicks *Clear network log*. */
  async clear(): Promise<void> {
    await this.#tools.locator("aria/Clear network log").click();
  }

  /**
   * Shows the list of requests.
   * @param last what the last request is called
   * @returns once that is in the list, and all that are have their times
   */
  async showList(last: string): Promise<void> {
    await this.#resize(FIGURE_WIDTH);
    const cells = `${ROW} .name-column, ${ROW} .time-column`;
    await this.#tools.waitForFunction(
      (list, cells, last) => {
        const texts = [...list.querySelectorAll(cells)].map(
          // biome-ignore lint/performance/useDomNodeTextContent: Hidden text does not count.
          (cell) => cell.innerText,
        );
        const times = texts.filter((_, at) => at % 2 === 1);
        return texts.includes(last) && times.every((time) => /\d/.test(time));
      },
      {},
      await this.#find(LIST),
      cells,
      last,
    );
    // The load event of the last page is drawn as a line, and told below the list.
    await this.#find(".network-summary-bar ::-p-text(Load:)");
  }

  /** Reads the rows of the list. */
  async rows(): Promise<Row[]> {
    const columns = [
      "name",
      "method",
      "status",
      "set-cookies",
      "time",
    ] as const;
    return readRows(await this.#find(LIST), columns);
  }

  /**
   * Reads when each request begins and ends, of which the panel draws the bars.
   * @returns the times by the names of the requests, in seconds
   */
  async bars(): Promise<Map<string, { start: number; end: number }>> {
    const bars = await this.#tools.evaluate(
      `import("${DEVTOOLS}/models/logs/logs.js").then((logs) =>
        logs.NetworkLog.NetworkLog.instance().requests().map((request) => [
          request.name(),
          { start: request.startTime, end: request.endTime },
        ]),
      )`,
    );
    return new Map(bars as []);
  }

  /** Photographs the list, down to its last row. */
  async photographList(): Promise<Uint8Array> {
    const list = await this.#find(LIST);
    const { y } = await boxOf(list);
    return this.#photograph(y, await bottomOf(await list.$$(ROW)));
  }

  /** Clicks a request in the list, and a tab of its details. */
  async openRequest(name: string, tab: "Headers" | "Cookies"): Promise<void> {
    await this.#resize(tab === "Cookies" ? WIDE_WINDOW : FIGURE_WIDTH);
    await this.#clickRow(name);
    await this.#tools.locator(`aria/${tab}[role="tab"]`).click();
    // A row looks chosen only while it has the focus.
    await this.#clickRow(name);
  }

  async #clickRow(name: string): Promise<void> {
    const list = await this.#find(LIST);
    const rows = await readRows(list, ["name"]);
    const at = rows.findIndex((row) => row.name === name);
    const cell = (await list.$$(`${ROW} .name-column`))[at];
    if (!cell) throw new Error(`there is no request ${name}`);
    await cell.click();
  }

  /** Closes the details of a request, so that they can't be taken for those of the next. */
  async closeRequest(): Promise<void> {
    await this.#tools.locator(">>> .close-button ::-p-aria(Close)").click();
    await this.#tools.waitForSelector(`>>> ${DETAILS}`, { hidden: true });
  }

  /** Reads a table of the Cookies tab. */
  async cookies(kind: keyof typeof TABLES): Promise<CookieRow[]> {
    return this.#untilSome(async () =>
      readRows(await this.#table(kind), ["name", "value", "expires"]),
    );
  }

  /**
   * Photographs the Cookies tab, down to the end of a table.
   * @param widths the columns of the tables, in CSS pixels; what comes after them is cut off
   * @throws {Error} when more can be seen of a value than its header, which holds no secret
   */
  async photographCookies(
    kind: keyof typeof TABLES,
    widths: number[],
  ): Promise<Uint8Array> {
    for (const each of Object.keys(TABLES) as (keyof typeof TABLES)[]) {
      const table = await this.#table(each);
      await this.#setWidths(table, widths);
      if (await showsSecret(table)) {
        throw new Error("the column of values is too wide");
      }
    }
    const list = await this.#find(LIST);
    const { y } = await boxOf(list);
    const table = await this.#table(kind);
    const rows = await table.$$(`>>> ${ROW}`);
    const bottom = Math.max(
      await bottomOf(rows),
      await bottomOf(await list.$$(ROW)),
    );
    return this.#photograph(y, bottom + MARGIN);
  }

  /** Reads the headers with this name in the Headers tab. */
  async headers(name: string): Promise<string[]> {
    const rows = await this.#headerRows(name);
    return Promise.all(
      rows.map((row) => row.$$eval(">>> .header-value", textOf)),
    );
  }

  /** Photographs the headers with this name. */
  async photographHeaders(name: string): Promise<Uint8Array> {
    const rows = await this.#headerRows(name);
    await rows[0]?.evaluate((row) => {
      // So that it does not touch what is above, and nothing of the header before is to be seen.
      row.style.scrollMarginTop = "3px";
      row.scrollIntoView({ block: "start" });
    });
    const list = await this.#find(LIST);
    const { y } = await boxOf(list);
    const bottom = Math.max(
      await bottomOf(rows),
      await bottomOf(await list.$$(ROW)),
    );
    return this.#photograph(y, bottom + MARGIN);
  }

  #headerRows(name: string): Promise<ElementHandle[]> {
    return this.#untilSome(async () => {
      const rows = await this.#tools.$$(">>> devtools-header-section-row");
      const names = await Promise.all(
        rows.map((row) => row.$$eval(">>> .header-name", textOf)),
      );
      return rows.filter((_, at) => names[at] === name);
    });
  }

  async #table(kind: keyof typeof TABLES): Promise<ElementHandle> {
    await this.#find(`${DETAILS} ::-p-text(Response cookies)`);
    const tables = await this.#tools.$$(`>>> ${DETAILS} devtools-data-grid`);
    return tables[TABLES[kind]] as ElementHandle;
  }

  /** Drags the borders of a table's columns to where they have to be, from left to right. */
  async #setWidths(table: ElementHandle, widths: number[]): Promise<void> {
    const { x, y } = await boxOf(table);
    const { mouse } = this.#tools;
    let border = x;
    for (const [at, width] of widths.entries()) {
      border += width;
      const [handle] = (await table.$$(">>> .data-grid-resizer")).slice(at);
      await mouse.move(await centerOf(handle), y + 5);
      await mouse.down();
      await mouse.move(border, y + 5);
      await mouse.up();
    }
    await mouse.move(0, 0);
    const headings = await table.$$(">>> thead th");
    for (const [at, width] of widths.entries()) {
      const made = await boxOf(headings[at]);
      if (Math.abs(made.width - width) > 1) {
        throw new Error("a column can't be as wide as it is to be");
      }
    }
  }

  /** Reads something anew with each frame that the browser draws, until there is some. */
  async #untilSome<T>(read: () => Promise<T[]>): Promise<T[]> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const found = await read();
      if (found.length > 0) return found;
      if (Date.now() > deadline) {
        throw new Error("the panel does not show what is looked for");
      }
      await this.#tools.evaluate("new Promise(requestAnimationFrame)");
    }
  }

  async #find(selector: string): Promise<ElementHandle> {
    const found = await this.#tools.waitForSelector(`>>> ${selector}`);
    return found as ElementHandle;
  }

  async #resize(width: number): Promise<void> {
    await this.#tools.bringToFront();
    const size = { width, height: 600, deviceScaleFactor: SCALE };
    await this.#tools.setViewport(size);
  }

  /**
   * Photographs a strip of the window, once it has come to rest: two pictures in a row are the same.
   * @param top where it begins
   * @param bottom where it ends, in CSS pixels
   */
  async #photograph(top: number, bottom: number): Promise<Uint8Array> {
    const clip = { x: 0, y: top, width: FIGURE_WIDTH, height: bottom - top };
    const deadline = Date.now() + PATIENCE_MS;
    let last: Uint8Array | undefined;
    while (Date.now() < deadline) {
      const picture = await this.#tools.screenshot({
        clip,
        captureBeyondViewport: false,
      });
      if (last && Buffer.compare(last, picture) === 0) return picture;
      last = picture;
    }
    throw new Error("the panel does not come to rest");
  }
}

/** Reads the rows of a table, of which each column has a class by its name. */
const readRows = <Column extends string>(
  table: ElementHandle,
  columns: readonly Column[],
): Promise<Record<Column, string>[]> =>
  table.$$eval(
    `>>> ${ROW}`,
    (rows, columns) =>
      rows.map((row) =>
        Object.fromEntries(
          columns.map((column) => [
            column,
            // biome-ignore lint/performance/useDomNodeTextContent: Hidden text is in no picture.
            row.querySelector(`.${column}-column`).innerText.trim(),
          ]),
        ),
      ),
    columns,
  ) as Promise<Record<Column, string>[]>;

/** Reads the text of elements, in the page. */
const textOf = (elements: { textContent: string }[]): string =>
  elements.map((element) => element.textContent.trim()).join("");

/**
 * Finds out whether the cells of a column show more of an encrypted value than its header, which
 * ends at the first dot (RFC 7516, section 3.1) and is no secret.
 */
const showsSecret = (table: ElementHandle): Promise<boolean> =>
  table.$$eval(`>>> ${ROW} .value-column`, (cells) =>
    cells.some((cell) => {
      const text = [...cell.childNodes].find(
        (node) => node.nodeType === node.TEXT_NODE && node.data.includes("."),
      );
      if (!text) return false;
      const range = cell.ownerDocument.createRange();
      range.setStart(text, 0);
      range.setEnd(text, text.data.indexOf("."));
      const { right } = range.getBoundingClientRect();
      return right < cell.getBoundingClientRect().right;
    }),
  );

/** Tells where an element is, in CSS pixels. */
async function boxOf(element: ElementHandle | undefined): Promise<BoundingBox> {
  const box = await element?.boundingBox();
  if (!box) throw new Error("the panel does not show what is looked for");
  return box;
}

/** Tells where the middle of an element is, from the left. */
async function centerOf(element: ElementHandle | undefined): Promise<number> {
  const { x, width } = await boxOf(element);
  return x + width / 2;
}

/** Tells where the last of some elements ends, in CSS pixels. */
async function bottomOf(elements: ElementHandle[]): Promise<number> {
  const { y, height } = await boxOf(elements.at(-1));
  return y + height;
}
