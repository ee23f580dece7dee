import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Page, Browser as RealBrowser } from "puppeteer-core";
import type { BrowserName } from "../base/results.ts";
import { ROOT } from "../base/root.ts";
import { skipUnless } from "../base/testing.ts";
import { startSnippet } from "../bed/snippet.ts";
import {
  BROWSER_NAMES,
  findBrowser,
  HOW_TO_INSTALL,
  launchBrowser,
} from "../browsers/installed-browsers.ts";
import { readVerdicts } from "../verify/verdicts.ts";
import { AppWindow } from "./app-window.ts";
import { readCommandLine } from "./command-line.ts";
import { logInAs } from "./log-in.ts";
import { probe } from "./probe-app.ts";
import { plain, REPORT_APPS, type ReportApp } from "./report-apps.ts";
import { serve } from "./run-here.ts";
import type { Target } from "./target.ts";

// The plain logout in the window in which somebody has logged in by hand: here a user who is played,
// and a window that is not shown.

const started = new Map<BrowserName, Promise<RealBrowser>>();
before(() => {
  // Firefox takes its time to start: the tests in Chromium are run meanwhile.
  for (const name of BROWSER_NAMES) {
    const path = findBrowser(name);
    if (path) started.set(name, launchBrowser(name, path));
  }
});
after(async () => {
  for (const real of started.values()) await (await real).close();
});
const skipIn = (name: BrowserName) => ({
  skip: skipUnless(name, Boolean(findBrowser(name)), HOW_TO_INSTALL[name]),
  // Whose question stays open waits for ever.
  timeout: 240_000,
});
const realOf = (name: BrowserName) => started.get(name) as Promise<RealBrowser>;

/** Reads what a command line says of an app at an address. */
const targetAt = (url: string, words: string[] = []): Target =>
  readCommandLine([
    ...[url, "--timeout", "30"],
    ...(words.includes("--put") ? [] : ["--post", "/update"]),
    ...words,
  ]).target;

/** What the window tells of apps: the names of what was found. */
const TOLD: Record<BrowserName, Record<string, string[]>> = {
  chromium: {
    "nothing is wrong, and browsers keep the pages for back": [
      "only-looks-logged-in",
    ],
    "login required, and the provider's session stays": ["provider-session"],
    "a logout by fetch, which CORS stops": ["provider-session"],
    "the logout ends both sessions": [],
    "a silent login, and a logout of one's own": ["silent-login"],
    "another Path": ["clearing-does-not-match"],
    "the prefix __Host- without Secure": ["clearing-does-not-match"],
    "without Partitioned": ["clearing-does-not-match"],
    "another name": ["clearing-does-not-match"],
    "a refresh token that a redirect uses": ["second-credential"],
    "the browser's cache": ["only-looks-logged-in"],
    "a service worker": ["only-looks-logged-in"],
    "a cache that keeps Set-Cookie": ["shared-cache"],
    "Clear-Site-Data": ["race"],
    "a logout that wants a token of the page": ["race"],
    "a logout by DELETE, while a PUT is in flight": ["race"],
  },
  // Firefox keeps even the login for *back*, in which there is the user's name.
  firefox: {
    "nothing is wrong": [],
    "nothing is wrong, and browsers keep the pages for back": [
      "only-looks-logged-in",
    ],
  },
};

for (const browser of BROWSER_NAMES) {
  for (const [name, expected] of Object.entries(TOLD[browser])) {
    test(`in a window of ${browser}, ${name}`, skipIn(browser), async () => {
      const { make, under = "", words } = REPORT_APPS[name] as ReportApp;
      const { url } = await serve(make);
      // The window sees by itself that a script logs out.
      const target = { ...targetAt(url + under, words), isFetched: false };
      const users = await userIn(target, await realOf(browser));
      const { diagnoses } = await probe(target, users, () => {});
      const names = diagnoses.map((one) => one.name);
      assert.deepEqual(names, expected, JSON.stringify(diagnoses, null, 2));
    });
  }
}

/** Lets a played user log in, in a window. */
async function userIn(target: Target, real: RealBrowser) {
  let page: Page | undefined;
  const prompt = async () => {
    // It is the last one that has been opened, the first time.
    page ??= (await real.pages()).at(-1);
    assert.ok(page);
    await page.goto(new URL(target.login ?? "/login", target.app.baseURL).href);
    const button = `::-p-xpath(//button[text()="alice"])`;
    // The provider may know the user, and ask nothing.
    if (await page.$(button)) {
      await Promise.all([page.waitForNavigation(), page.click(button)]);
    }
    return "";
  };
  const window = await AppWindow.open(target, real, prompt, "");
  return {
    alice: await window.cookies(),
    window,
    async again() {
      await window.logIn("");
      return window.cookies();
    },
  };
}

test("who logs in by hand gives the app's cookies, and no others", {
  ...skipIn("chromium"),
}, async () => {
  const { baseURL } = await startSnippet(join(ROOT, "snippets", "broken.ts"));
  const target = targetAt(baseURL);
  const users = await userIn(target, await realOf("chromium"));
  const bob = await logInAs({ baseURL }, "bob", "/login");
  const { headers } = await users.alice.compose("navigate", "GET", "/");
  assert.match(headers.cookie ?? "", /^appSession=[^;]*$/);
  const found = await probe(target, { ...users, bob }, () => {});
  const { browser } = found.race?.orders ?? {};
  const told = JSON.stringify(found, null, 2);
  assert.equal(browser, readVerdicts().broken?.browser, told);
});

const CLOSED = {
  message: /^the browser window or its tab is closed: start again/,
};

for (const browser of BROWSER_NAMES) {
  test(`in ${browser}, who closes the window is told so, and asked nothing more`, {
    ...skipIn(browser),
  }, async () => {
    const target = targetAt((await serve(plain({}))).url);
    const real = await realOf(browser);
    const never = async () => {
      await (await real.pages()).at(-1)?.close();
      return new Promise<string>(() => {});
    };
    await assert.rejects(AppWindow.open(target, real, never, ""), CLOSED);
  });
}

test("who closes the tab and keeps another is told so", {
  ...skipIn("chromium"),
}, async () => {
  const target = targetAt((await serve(plain({}))).url);
  const real = await realOf("chromium");
  let page: Page | undefined;
  const opensAnother = async () => {
    page = (await real.pages()).at(-1);
    await page?.browserContext().newPage();
    return "";
  };
  const window = await AppWindow.open(target, real, opensAnother, "");
  await page?.close();
  await assert.rejects(window.cookies(), CLOSED);
});
