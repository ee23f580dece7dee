import type { Browser, LaunchOptions } from "puppeteer-core";
import which from "which";

/** The browsers that are tried, by their names in tables. */
export const BROWSER_NAMES = ["chromium", "firefox"] as const;
export type BrowserName = (typeof BROWSER_NAMES)[number];

/** Where an installed browser is looked for: on the PATH, then where installers put it. */
const PLACES: Record<BrowserName, string[]> = {
  chromium: [
    ...["chromium", "chromium-browser", "google-chrome", "chrome"],
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
  ],
  firefox: [
    ...["firefox-esr", "firefox"],
    "/Applications/Firefox.app/Contents/MacOS/firefox",
    "C:\\Program Files\\Mozilla Firefox\\firefox.exe",
  ],
};

/** The install hints. */
export const HOW_TO_INSTALL: Record<BrowserName, string> = {
  chromium: "apt-get install chromium",
  firefox: "apt-get install firefox-esr",
};

/**
 * Finds an installed Chromium or Chrome, or an installed Firefox. None is downloaded.
 * @returns its path, or undefined when there is none, or when `HIDE_OPTIONAL` is set; `CHROMIUM` and
 * `FIREFOX` in the environment name another one
 */
export function findBrowser(name: BrowserName): string | undefined {
  const told = process.env[name.toUpperCase()];
  if (process.env.HIDE_OPTIONAL && !told) return undefined;
  for (const place of told ? [told] : PLACES[name]) {
    const path = which.sync(place, { nothrow: true });
    if (path) return path;
  }
  return undefined;
}

/** A browser that does not start, in a line. */
export class BrowserError extends Error {}

/**
 * Starts an installed browser without a window and with a new profile, which is gone when the
 * browser is closed.
 * @param path where it is, as {@link findBrowser} says
 * @param args more options for its command line
 * @throws {BrowserError} when it does not start
 */
export async function launchBrowser(
  name: BrowserName,
  path: string,
  { args = [], ...options }: LaunchOptions = {},
): Promise<Browser> {
  // It takes a while to load, and most of those who import this file start no browser.
  const { default: puppeteer } = await import("puppeteer-core");
  // Chromium's sandbox refuses to run as root, as continuous integration does.
  const isRoot = process.getuid?.() === 0;
  const forChromium = isRoot ? ["--no-sandbox"] : [];
  const launched = puppeteer.launch({
    browser: name === "chromium" ? "chrome" : "firefox",
    executablePath: path,
    args: [...(name === "chromium" ? forChromium : []), ...args],
    // Over a pipe, Chromium ends when we do. What a signal does, each command decides.
    pipe: name === "chromium",
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
    ...options,
  });
  return launched.catch((error) => {
    const [reason] = String(error.message).trim().split("\n");
    throw new BrowserError(`${name} does not start from ${path}: ${reason}`);
  });
}
