import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { ElementHandle, Page } from "puppeteer-core";
import {
  BROWSER_NAMES,
  findBrowser,
  HOW_TO_INSTALL,
  launchBrowser,
} from "../browsers/installed-browsers.ts";
import { skipUnless } from "../cli/testing.ts";
import { closeProviders } from "./make-report-apps.ts";
import { REPORT_APPS } from "./report-apps.ts";
import { serveMade } from "./small-app.ts";

// What the probe says of the apps is what a real browser shows.

after(closeProviders);

/** What a user sees after the logout. */
type Seen = "logged in" | "logged in, unasked" | "looks so" | "logged out";

/**
 * Where browsers go ways of their own. What Chromium shows of the others, app-window.test.ts sees: there it is the
 * browser in which the probe logs out.
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

for (const name of BROWSER_NAMES) {
  const path = findBrowser(name);
  const skip = skipUnless(name, Boolean(path), HOW_TO_INSTALL[name]);

  test(`${name} shows what the probe says of the apps`, { skip }, async (t) => {
    const real = await launchBrowser(name, path as string);
    t.after(() => real.close());
    const seen: Record<string, Seen> = {};
    for (const app of REPORT_APPS.filter((one) => one.name in SEEN)) {
      const { url } = await serveMade(t, "localhost", app.make);
      const context = await real.createBrowserContext();
      const page = await context.newPage();
      seen[app.name] = await logOutIn(page, url + (app.under ?? ""));
      await context.close();
    }
    assert.deepEqual(seen, SEEN);
  });
}

async function logOutIn(page: Page, url: string): Promise<Seen> {
  const open = async (address: string) => {
    // What does not answer, or hangs up, shows nothing.
    await page.goto(address, { timeout: 5000 }).catch(() => {});
    return isAlice();
  };
  const isAlice = async () => {
    // A page that goes on to another one by itself, as a posted form does, shows nothing.
    const text = await page
      .evaluate("document.body?.textContent")
      .catch(() => "");
    return String(text).includes("alice is logged in");
  };
  await open(`${url}/login`);
  const button = `::-p-xpath(//button[text()="alice"])`;
  await Promise.all([page.waitForNavigation(), page.click(button)]);
  await open(`${url}/`);
  await page.evaluate("window.worker");
  await open(`${url}/?mine`);
  const out = await page.$("button[onclick]");
  if (out) await clickAndWait(page, out);
  else await open(`${url}/logout`);
  const isShown = await open(`${url}/`);
  const isReal = await isAliceWithoutCache(page, url);
  if (isReal) return "logged in";
  if (isShown) return "looks so";
  if (await open(`${url}/login`)) return "logged in, unasked";
  for (let back = 0; back < 5; back++) {
    await page.goBack({ timeout: 5000 }).catch(() => {});
    if (await isAlice()) return "looks so";
  }
  return "logged out";
}

/** Clicks, and waits until what that asks for has been answered, or stopped. */
async function clickAndWait(page: Page, button: ElementHandle) {
  const done = new Promise<void>((resolve) => {
    page.once("requestfailed", () => resolve());
    page.once("requestfinished", (request) => {
      if (request.url().endsWith("/logout")) resolve();
    });
  });
  await button.click();
  await done;
}

/** Whether the page is the user's when it comes from the app itself. */
const isAliceWithoutCache = async (page: Page, url: string) => {
  const text = await page.evaluate(
    `fetch("${url}/?fresh=" + Math.random(), { cache: "no-store" }).then((r) => r.text())`,
  );
  return String(text).includes("alice is logged in");
};
