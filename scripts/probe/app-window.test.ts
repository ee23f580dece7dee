import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Page, Browser as RealBrowser } from "puppeteer-core";
import {
  findBrowser,
  HOW_TO_INSTALL,
  launchBrowser,
} from "../browsers/installed-browsers.ts";
import { ROOT } from "../cli/root.ts";
import { skipUnless } from "../cli/testing.ts";
import { startSnippet, withSnippet } from "../servers/snippet.ts";
import { VERDICTS } from "../verify/verdicts.ts";
import { AppWindow } from "./app-window.ts";
import { type Options, readCommandLine } from "./command-line.ts";
import { probe } from "./probe-app.ts";
import { closeProviders, REPORT_APPS } from "./report-apps.ts";
import { serveMade } from "./small-app.ts";

// The plain logout in the window in which somebody has logged in by hand: here a user who is played,
// and a window that is not shown.

after(closeProviders);

const path = findBrowser("chromium");
let real: RealBrowser;
before(async () => {
  if (path) real = await launchBrowser("chromium", path);
});
after(() => real?.close());
const skip = skipUnless("chromium", Boolean(path), HOW_TO_INSTALL.chromium);

/** What the window tells of an app: the names of what was found, and whether the race was next. */
interface Told {
  names: string[];
  isRaced: boolean;
}

const holds = (...names: string[]): Told => ({ names, isRaced: true });
const fails = (...names: string[]): Told => ({ names, isRaced: false });

const TOLD: Record<string, Told> = {
  "nothing is wrong": holds(),
  "nothing is wrong, and browsers keep the pages for back": holds(
    "only-looks-logged-in",
  ),
  "login required, and the provider's session stays": fails("provider-session"),
  "login optional, and the provider's session stays": holds("provider-session"),
  "a logout by fetch, which CORS stops": holds("provider-session"),
  "the logout ends both sessions": holds(),
  "a silent login, and a logout of one's own": fails("silent-login"),
  "another Path": fails("clearing-does-not-match"),
  "the prefix __Host- without Secure": fails("clearing-does-not-match"),
  "without Partitioned": fails("clearing-does-not-match"),
  "a function that is not there": fails("logout-failed"),
  "a logout that hangs up": fails("logout-failed"),
  "a refresh token that a redirect uses": fails("second-credential"),
  "the browser's cache": holds("only-looks-logged-in"),
  "a service worker": holds("only-looks-logged-in"),
  "a service worker for those who are offline": holds(),
  "a page that keeps what it has shown": holds("only-looks-logged-in"),
  "a logout that wants a token of the page": holds("race"),
  "a logout by DELETE, while a PUT is in flight": holds("race"),
};

for (const [name, expected] of Object.entries(TOLD)) {
  test(`in the window, ${name}`, { skip }, async (t) => {
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
      await userIn(options),
      () => {},
    );
    assert.deepEqual(
      { names: diagnoses.map((one) => one.name), isRaced: Boolean(race) },
      expected,
      JSON.stringify(diagnoses, null, 2),
    );
  });
}

/** Lets a played user log in, in a window. */
async function userIn({ target }: Pick<Options, "target">, user = "alice") {
  let page: Page | undefined;
  const ask = async () => {
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
  const window = await AppWindow.open(target, real, ask, "");
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
  skip,
}, async () => {
  const file = join(ROOT, "snippets", "broken.ts");
  const never = new AbortController().signal;
  await withSnippet(startSnippet(file, never), async ({ baseURL }) => {
    const options = readCommandLine([baseURL, "--post", "/update"]);
    const users = await userIn(options);
    const bob = (await userIn(options, "bob")).alice;
    const { headers } = await users.alice.compose("navigate", "GET", "/");
    assert.match(headers.cookie ?? "", /^appSession=[^;]*$/);
    const { race } = await probe(options.target, { ...users, bob }, () => {});
    assert.equal(race?.orders?.browser, VERDICTS.broken?.browser);
  });
});
