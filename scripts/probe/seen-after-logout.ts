import type { ElementHandle, Page } from "puppeteer-core";

/** What a user sees after the logout. */
export type Seen =
  | "logged in"
  | "logged in, unasked"
  | "looks so"
  | "logged out";

/**
 * Logs alice in and out in a real browser, as she does herself.
 * @param page a new one, in a context of its own
 * @param url where the app is
 */
export async function logOutIn(page: Page, url: string): Promise<Seen> {
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
