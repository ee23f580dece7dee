import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, LaunchOptions } from "puppeteer-core";
import which from "which";
import type { BrowserName } from "../base/results.ts";

/** The browsers that are tried, by their names in tables. */
export const BROWSER_NAMES = ["chromium", "firefox"] as const;

/** Where an installed browser is looked for: on the PATH, then where installers put it. */
const PLACES: Record<BrowserName, string[]> = {
  chromium: [
    ...["chromium", "chromium-browser", "google-chrome", "chrome"],
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
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
 * Finds an installed browser, or the one that `CHROMIUM` or `FIREFOX` in the environment names.
 * @returns its path, or undefined when there is none, or when `HIDE_OPTIONAL` is set
 */
export function findBrowser(name: BrowserName): string | undefined {
  const told = process.env[name.toUpperCase()];
  if (process.env.HIDE_OPTIONAL && !told) return undefined;
  return (told ? [told] : PLACES[name])
    .map((place) => which.sync(place, { nothrow: true }))
    .find((path) => path !== null);
}

/** A browser that is not there or does not start, in a line. */
export class BrowserError extends Error {}

/**
 * Starts a browser without a window and with a new profile. Both are gone when it is closed, or this
 * process has ended, in whatever way: see browser-process.mjs.
 * @throws {BrowserError} when there is none, or it does not start
 */
export async function launchBrowser(
  name: BrowserName,
  path = findBrowser(name),
  options: LaunchOptions = {},
): Promise<Browser> {
  const hint = HOW_TO_INSTALL[name];
  if (!path)
    throw new BrowserError(`${name} is skipped: it is missing (${hint})`);
  // It takes a while to load, and most of those who import this file start no browser.
  const { default: puppeteer } = await import("puppeteer-core");
  const keeper = fileURLToPath(new URL("browser-process.mjs", import.meta.url));
  const folder = `in-flight-profile-${crypto.randomUUID()}`;
  const profile = options.userDataDir ?? join(tmpdir(), folder);
  // Chromium's sandbox refuses to run as root, as continuous integration does.
  const isRoot = name === "chromium" && process.getuid?.() === 0;
  const browser = name === "chromium" ? "chrome" : name;
  const words = puppeteer.defaultArgs({
    ...{ ...options, browser, userDataDir: profile },
    args: [...(isRoot ? ["--no-sandbox"] : []), ...(options.args ?? [])],
  });
  try {
    return await puppeteer.launch({
      ...{ ...options, browser, pipe: name === "chromium" },
      ...{ executablePath: process.execPath, ignoreDefaultArgs: true },
      // Beside other tests, Firefox may take longer than the 30 seconds that are the default.
      timeout: 180_000,
      args: [keeper, profile, path, ...words],
      // What a signal does, each command decides.
      ...{ handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false },
    });
  } catch (error) {
    const [reason] = (error as Error).message.trim().split("\n");
    throw new BrowserError(`${name} does not start from ${path}: ${reason}`);
  } finally {
    // When this process exits, puppeteer kills the browser, and what would delete its profile.
    const options = { recursive: true, force: true, maxRetries: 9 };
    process.once("exit", () => rmSync(profile, options));
  }
}
