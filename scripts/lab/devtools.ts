import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "puppeteer-core";
import { launchBrowser } from "../browsers/installed-browsers.ts";
import { FIGURE_WIDTH } from "../publish/figures-list.ts";

// Starts the browser's own developer tools. They are a page like any other: in a second tab, at
// their devtools:// address, which connects them to the page in the first one. What they look like
// depends on the version of Chromium and on two fonts, the machine's system-ui and monospace. On a
// Debian with no fonts but those that come with Chromium these are DejaVu Sans and DejaVu Sans Mono.

/** Where the developer tools are, inside of the browser. */
export const DEVTOOLS = "devtools://devtools/bundled";

/** The widths of the columns in the list of requests, in CSS pixels. The rest is the waterfall's. */
const LIST_WIDTHS = {
  name: 172,
  method: 64,
  status: 60,
  "set-cookies": 94,
  time: 72,
};

/** How wide the list of requests is beside the details of one, in CSS pixels. */
const SHORT_LIST_WIDTH = 116;

const sum = (widths: object): number =>
  Object.values(widths).reduce((one, other) => one + other, 0);

const visible = (columns: string[], visible: boolean) =>
  Object.fromEntries(columns.map((column) => [column, { visible }]));

/** What somebody sets in the menus of the panel, by the names under which it is kept. */
const SETTINGS = {
  // The system's, which can be changed while they run.
  "ui-theme": "systemPreferred",
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
 * Starts a Chromium with an empty page, and the Network panel of that page in a second tab. The
 * developer tools are set up for pictures: the language is English, and all that is not needed is
 * out of the way. The browser's profile is new, and gone once the browser is closed.
 * @param path where it is, as `findBrowser` says
 * @returns once the panel records: the page, the developer tools, and how to close the browser
 */
export async function launchWithDevtools(path: string) {
  const profile = mkdtempSync(join(tmpdir(), "in-flight-profile-"));
  let browser: Browser | undefined;
  const close = async (): Promise<void> => {
    await browser?.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
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
    browser = await launchBrowser("chromium", path, {
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
    const file = readFileSync(join(profile, "DevToolsActivePort"), "utf8");
    const [port] = file.split("\n");
    const tools = await openNetworkPanel(browser, page, `127.0.0.1:${port}`);
    return { page, tools, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Opens the developer tools of a page, which listens at `host`. */
async function openNetworkPanel(
  browser: Browser,
  page: Page,
  host: string,
): Promise<Page> {
  const session = await page.createCDPSession();
  const { targetInfo } = await session.send("Target.getTargetInfo");
  await session.detach();
  const target = `${host}/devtools/page/${targetInfo.targetId}`;
  const tools = await browser.newPage();
  await tools.evaluateOnNewDocument(DROP_OWN_REQUESTS);
  await tools.goto(`${DEVTOOLS}/devtools_app.html?panel=network&ws=${target}`);
  await tools.waitForSelector("text/Currently recording network activity");
  return tools;
}
