import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Page, Browser as RealBrowser } from "puppeteer-core";
import {
  BROWSER_NAMES,
  type BrowserName,
  findBrowser,
  HOW_TO_INSTALL,
  launchBrowser,
} from "../browsers/installed-browsers.ts";
import { ROOT } from "../cli/root.ts";
import { skipUnless } from "../cli/testing.ts";
import { startSnippet, withSnippet } from "../servers/snippet.ts";
import { readVerdicts } from "../verify/verdicts.ts";
import { AppWindow } from "./app-window.ts";
import { type Options, readCommandLine } from "./command-line.ts";
import { closeProviders } from "./make-report-apps.ts";
import { probe } from "./probe-app.ts";
import { REPORT_APPS } from "./report-apps.ts";
import { logOutIn, type Seen } from "./seen-after-logout.ts";
import { serve, serveMade, smallApp } from "./small-app.ts";

// The plain logout in the window in which somebody has logged in by hand: here a user who is played,
// and a window that is not shown.

after(closeProviders);

const paths = {
  chromium: findBrowser("chromium"),
  firefox: findBrowser("firefox"),
};
const started = new Map<BrowserName, Promise<RealBrowser>>();
before(() => {
  // Firefox takes its time to start: the tests in Chromium are run meanwhile.
  for (const name of BROWSER_NAMES) {
    const path = paths[name];
    if (path) started.set(name, launchBrowser(name, path));
  }
});
after(async () => {
  for (const real of started.values()) await (await real).close();
});
const skipIn = (name: BrowserName) =>
  skipUnless(name, Boolean(paths[name]), HOW_TO_INSTALL[name]);
const realOf = (name: BrowserName) => started.get(name) as Promise<RealBrowser>;

/** What the window tells of an app: the names of what was found, and whether the race was next. */
interface Told {
  names: string[];
  isRaced: boolean;
}

const holds = (...names: string[]): Told => ({ names, isRaced: true });
const fails = (...names: string[]): Told => ({ names, isRaced: false });

const IN_CHROMIUM: Record<string, Told> = {
  "nothing is wrong, and browsers keep the pages for back": holds(
    "only-looks-logged-in",
  ),
  "login required, and the provider's session stays": fails("provider-session"),
  "a logout by fetch, which CORS stops": holds("provider-session"),
  "the logout ends both sessions": holds(),
  "a silent login, and a logout of one's own": fails("silent-login"),
  "another Path": fails("clearing-does-not-match"),
  "without Partitioned": fails("clearing-does-not-match"),
  "a refresh token that a redirect uses": fails("second-credential"),
  "the browser's cache": holds("only-looks-logged-in"),
  "a service worker": holds("only-looks-logged-in"),
  "a logout that wants a token of the page": holds("race"),
  "a logout by DELETE, while a PUT is in flight": holds("race"),
};

/** Firefox keeps even the login for *back*, in which there is the user's name. */
const IN_FIREFOX: Record<string, Told> = {
  "nothing is wrong": holds(),
  "nothing is wrong, and browsers keep the pages for back": holds(
    "only-looks-logged-in",
  ),
};

const ROWS = { chromium: IN_CHROMIUM, firefox: IN_FIREFOX };
for (const browser of BROWSER_NAMES) {
  for (const [name, expected] of Object.entries(ROWS[browser])) {
    test(`in a window of ${browser}, ${name}`, {
      skip: skipIn(browser),
    }, async (t) => {
      const app = REPORT_APPS.find((one) => one.name === name);
      assert.ok(app);
      const { url } = await serveMade(t, "localhost", app.make);
      const words = app.words ?? [];
      const isOther = words.includes("--put");
      const options = readCommandLine([
        url + (app.under ?? ""),
        ...(isOther ? [] : ["--post", "/update"]),
        ...words,
      ]);
      const { diagnoses, race } = await probe(
        options.target,
        await userIn(options, await realOf(browser)),
        () => {},
      );
      assert.deepEqual(
        { names: diagnoses.map((one) => one.name), isRaced: Boolean(race) },
        expected,
        JSON.stringify(diagnoses, null, 2),
      );
    });
  }
}

/** Lets a played user log in, in a window. */
async function userIn(
  { target }: Pick<Options, "target">,
  real: RealBrowser,
  user = "alice",
) {
  let page: Page | undefined;
  const prompt = async () => {
    // It is the last one that has been opened, the first time.
    page ??= (await real.pages()).at(-1);
    assert.ok(page);
    await page.goto(new URL(target.login ?? "/login", target.app.baseURL).href);
    const button = `::-p-xpath(//button[text()="${user}"])`;
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
  skip: skipIn("chromium"),
}, async () => {
  const file = join(ROOT, "snippets", "broken.ts");
  const never = new AbortController().signal;
  await withSnippet(startSnippet(file, never), async ({ baseURL }) => {
    const options = readCommandLine([baseURL, "--post", "/update"]);
    const real = await realOf("chromium");
    const users = await userIn(options, real);
    const bob = (await userIn(options, real, "bob")).alice;
    const { headers } = await users.alice.compose("navigate", "GET", "/");
    assert.match(headers.cookie ?? "", /^appSession=[^;]*$/);
    const { race } = await probe(options.target, { ...users, bob }, () => {});
    assert.equal(race?.orders?.browser, readVerdicts().broken?.browser);
  });
});

const CLOSED = {
  message: /^the browser window or its tab is closed: start again/,
};

for (const browser of BROWSER_NAMES) {
  test(`in ${browser}, who closes the window is told so, and asked nothing more`, {
    skip: skipIn(browser),
    // Whose question stays open waits for ever.
    timeout: 120_000,
  }, async (t) => {
    const { url } = await serve(t, smallApp({}));
    const { target } = readCommandLine([url, "--post", "/update"]);
    const real = await realOf(browser);
    const never = async () => {
      await (await real.pages()).at(-1)?.close();
      return new Promise<string>(() => {});
    };
    await assert.rejects(AppWindow.open(target, real, never, ""), CLOSED);
  });
}

test("who closes the tab and keeps another is told so", {
  skip: skipIn("chromium"),
}, async (t) => {
  const { url } = await serve(t, smallApp({}));
  const { target } = readCommandLine([url, "--post", "/update"]);
  const real = await realOf("chromium");
  let page: Page | undefined;
  const window = await AppWindow.open(
    target,
    real,
    async () => {
      page = (await real.pages()).at(-1);
      await page?.browserContext().newPage();
      return "";
    },
    "",
  );
  await page?.close();
  await assert.rejects(window.cookies(), CLOSED);
});

/**
 * What browsers show of the apps in which they go ways of their own. It is what the probe says of them.
 * What Chromium shows of the others is seen above: there it is the browser in which the probe logs out.
 */
const SEEN: Record<string, Seen> = {
  "another Path": "logged in",
  "the prefix __Host- without Secure": "logged in",
  "without Partitioned": "logged in",
  "another name": "logged in",
  "the back button": "looks so",
  "the browser's cache": "looks so",
  "a service worker": "looks so",
  "a cache that keeps Set-Cookie": "logged in",
  "Clear-Site-Data": "logged out",
};

for (const browser of BROWSER_NAMES) {
  test(`${browser} shows what the probe says of the apps`, {
    skip: skipIn(browser),
  }, async (t) => {
    const seen: Record<string, Seen> = {};
    for (const app of REPORT_APPS.filter((one) => one.name in SEEN)) {
      const { url } = await serveMade(t, "localhost", app.make);
      const context = await (await realOf(browser)).createBrowserContext();
      const page = await context.newPage();
      seen[app.name] = await logOutIn(page, url + (app.under ?? ""));
      await context.close();
    }
    assert.deepEqual(seen, SEEN);
  });
}
