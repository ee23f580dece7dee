import type { ElementHandle, Page, ScreenshotClip } from "puppeteer-core";
import { FIGURE_WIDTH, type Theme } from "../publish/figures-list.ts";
import { DEVTOOLS } from "./devtools.ts";
import {
  bottomOf,
  boxOf,
  ROW,
  readRows,
  setWidths,
  showsSecret,
  textOf,
} from "./panel-tables.ts";

/** How many pixels of a picture there are to a CSS pixel, so that it is sharp on any screen. */
const SCALE = 2;

/** How long the panel may take to show something, in milliseconds. */
const PATIENCE_MS = 20_000;

/** What is left free around what a picture is about, in CSS pixels. */
const MARGIN = 8;

/** The window is wider than a picture for tables that are: their first columns are shown. */
const WIDE_WINDOW = 1280;

/** The list of requests, and the details of one. */
const LIST = ".network-log-grid";
const DETAILS = ".network-item-view";

/** The tables of the Cookies tab, from top to bottom. */
const TABLES = { request: 0, response: 1 };

/** A picture in each theme, as a PNG file. */
export type Picture = Record<Theme, Uint8Array>;

/** The Network panel of a page. */
export class NetworkPanel {
  readonly #tools: Page;

  /** @param tools the developer tools, as `launchWithDevtools` gives them */
  constructor(tools: Page) {
    this.#tools = tools;
  }

  /** Clicks *Clear network log*. */
  async clear(): Promise<void> {
    await this.#tools.bringToFront();
    await this.#tools.locator("aria/Clear network log").click();
  }

  /**
   * Shows the list of requests.
   * @param last what the last request is called
   * @returns once that is in the list, and all that are have their times
   */
  async showList(last: string): Promise<void> {
    await this.#resize(FIGURE_WIDTH);
    await this.#tools.waitForFunction(
      (list, bar, cells, last) => {
        const texts = [...list.querySelectorAll(cells)].map(
          // biome-ignore lint/performance/useDomNodeTextContent: Hidden text does not count.
          (cell) => cell.innerText,
        );
        const times = texts.filter((_, at) => at % 2 === 1);
        return (
          texts.includes(last) &&
          times.every((time) => /\d/.test(time)) &&
          // The load event of the last page is drawn as a line, and told below the list.
          bar.textContent.includes("Load:")
        );
      },
      {},
      await this.#find(LIST),
      await this.#find(".network-summary-bar"),
      `${ROW} .name-column, ${ROW} .time-column`,
      last,
    );
  }

  /**
   * Reads the rows of the list.
   * @returns the text of these columns of each
   */
  async rows<Column extends string>(
    columns: readonly Column[],
  ): Promise<Record<Column, string>[]> {
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
  async photographList(): Promise<Picture> {
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
  cookies(
    kind: keyof typeof TABLES,
  ): Promise<Record<"name" | "value" | "expires", string>[]> {
    return this.#untilSome(async () => {
      const table = (await this.#tables())[TABLES[kind]];
      return table ? readRows(table, ["name", "value", "expires"]) : [];
    });
  }

  /**
   * Photographs the Cookies tab, down to the end of a table.
   * @param widths the columns of the tables, in CSS pixels; what comes after them is cut off
   * @throws {Error} when more can be seen of a value than its header, which holds no secret
   */
  async photographCookies(
    last: keyof typeof TABLES,
    widths: number[],
  ): Promise<Picture> {
    const shown = (await this.#tables()).slice(0, TABLES[last] + 1);
    for (const table of shown) {
      await setWidths(this.#tools, table, widths);
      if (await showsSecret(table)) {
        throw new Error("the column of values is too wide");
      }
    }
    return this.#photographDetails(
      (await shown.at(-1)?.$$(`>>> ${ROW}`)) ?? [],
    );
  }

  /** Reads the headers with this name in the Headers tab. */
  async headers(name: string): Promise<string[]> {
    const rows = await this.#headerRows(name);
    return Promise.all(
      rows.map((row) => row.$$eval(">>> .header-value", textOf)),
    );
  }

  /** Photographs the headers with this name. */
  async photographHeaders(name: string): Promise<Picture> {
    const rows = await this.#headerRows(name);
    await rows[0]?.evaluate((row) => {
      // So that it does not touch what is above, and nothing of the header before is to be seen.
      row.style.scrollMarginTop = "3px";
      row.scrollIntoView({ block: "start" });
    });
    return this.#photographDetails(rows);
  }

  /** Photographs the list and the details beside it, down to the end of these rows and of the list. */
  async #photographDetails(rows: ElementHandle[]): Promise<Picture> {
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

  /** Finds the tables of the Cookies tab. */
  async #tables(): Promise<ElementHandle[]> {
    await this.#find(`${DETAILS} ::-p-text(Response cookies)`);
    return this.#tools.$$(`>>> ${DETAILS} devtools-data-grid`);
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
   * Photographs a strip of the window in each theme.
   * @param top where it begins
   * @param bottom where it ends, in CSS pixels
   */
  async #photograph(top: number, bottom: number): Promise<Picture> {
    const clip = { x: 0, y: top, width: FIGURE_WIDTH, height: bottom - top };
    const light = await this.#photographIn("light", clip);
    return { light, dark: await this.#photographIn("dark", clip) };
  }

  /** The same in one theme, once the window has come to rest: two pictures in a row are the same. */
  async #photographIn(theme: Theme, clip: ScreenshotClip): Promise<Uint8Array> {
    await this.#tools.emulateMediaFeatures([
      { name: "prefers-color-scheme", value: theme },
    ]);
    // The tools learn of it as a page does, and mark their document.
    const dark = ".theme-with-dark-background";
    await this.#tools.waitForSelector(
      theme === "dark" ? dark : `html:not(${dark})`,
    );
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
