import { subscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { parseArgs } from "node:util";
import type { Browser, Page } from "puppeteer-core";
import { untilSignal } from "../base/command.ts";
import {
  type BrowserName,
  type Logouts,
  type Sending,
  writeResult,
} from "../base/results.ts";
import { ROOT } from "../base/root.ts";
import { startSnippet } from "../bed/snippet.ts";
import { launchBrowser } from "../browsers/installed-browsers.ts";
import { fileOf } from "../verify/snippet-files.ts";

// Logs out of snippets/broken.ts in real browsers, in real time, again and again, and counts how often
// alice is logged in after it. It takes a quarter of an hour on two cores that have nothing else to do.

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "10" },
    write: { type: "boolean" },
  },
});
const runs = Number(values.runs);
const cancel = untilSignal();

/** How long `/update` takes, in milliseconds: 0 to 2 s, and closer around the logout hop. */
const UPDATE_MS = [
  ...[0, 50, 100, 200, 400, 600, 700],
  ...[800, 900, 1000, 1200, 1600, 2000],
];
const IDP_MS = "800";

/** The browsers, and how they are set up. See https://web.dev/articles/bfcache */
const SETUPS: [setup: string, name: BrowserName, ...words: string[]][] = [
  ["Chromium", "chromium"],
  [
    "Chromium without back/forward cache",
    "chromium",
    "--disable-features=BackForwardCache",
  ],
  ["Firefox", "firefox"],
];

/** Runs in a page before its own script, and makes its `fetch` send in another way. */
const SENDINGS: [Sending, script: string][] = [
  ["fetch", ""],
  [
    "keepalive",
    `{
    const realFetch = window.fetch;
    window.fetch = (path, request) =>
      realFetch(path, { ...request, keepalive: true });
  }`,
  ],
  [
    "beacon",
    `window.fetch = async (path, { body }) => {
    const type = "application/json";
    navigator.sendBeacon(path, new Blob([body], { type }));
  };`,
  ],
];

/** The last POST /update that each server has got, by its host: until its response is out. */
const updates = new Map<string | undefined, Promise<unknown>>();
subscribe("http.server.request.start", (message) => {
  const { request, response } = message as {
    request: IncomingMessage;
    response: ServerResponse;
  };
  if (request.url !== "/update") return;
  updates.set(request.headers.host, once(response, "close"));
});

/** Presses the first link or button of a page, and waits for the page to which that leads. */
async function press(page: Page, address: string): Promise<void> {
  const there = new Promise<void>((resolve) => {
    const look = () => {
      if (!page.url().startsWith(address)) return;
      page.off("framenavigated", look);
      resolve();
    };
    page.on("framenavigated", look);
  });
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await there;
  await page.waitForSelector("h1");
}

/** Logs in and out, and tells whether alice is logged in then. */
async function logOut(page: Page, baseURL: string): Promise<boolean> {
  const context = page.browserContext();
  const { host } = new URL(baseURL);
  await context.deleteCookie(...(await context.cookies()));
  updates.delete(host);
  await page.goto(baseURL);
  await press(page, "http://127.0.0.1");
  await press(page, baseURL);
  await press(page, baseURL);
  // Firefox may have given it up before the server has seen it.
  await updates.get(host);
  // What the server sent before it saw this, the browser takes before the response to this.
  await page.reload();
  const title = await page.$eval("h1", (heading) => heading.textContent);
  return title === "alice is logged in";
}

/** Measures one browser, with all times and in all ways to send. */
async function measure(setup: string, browser: Browser) {
  const version = await browser.version();
  const all: Logouts[] = [];
  for (const updateMs of UPDATE_MS) {
    const settings = { UPDATE_MS: `${updateMs}`, IDP_MS };
    const { baseURL } = await startSnippet(fileOf("broken"), { settings });
    for (const [sending, script] of SENDINGS) {
      const page = await browser.newPage();
      await page.evaluateOnNewDocument(script);
      let losing = 0;
      for (let run = 0; run < runs; run += 1) {
        losing += Number(await logOut(page, baseURL));
      }
      await page.close();
      all.push({ setup, version, sending, updateMs, runs, losing });
      // A snippet has taken console.log.
      process.stdout.write(`${JSON.stringify(all.at(-1))}\n`);
    }
  }
  return all;
}

const browsers = await Promise.all(
  SETUPS.map(([, name, ...args]) => launchBrowser(name, undefined, { args })),
);
// From now on, a browser's profile goes with this process.
if (cancel.aborted) process.exit(cancel.reason);
cancel.onabort = () => process.exit(cancel.reason);
const all = await Promise.all(
  SETUPS.map(([setup], at) => measure(setup, browsers[at] as Browser)),
);
if (values.write) writeResult(ROOT, "bites", all.flat());
process.exit();
