import type { Browser as RealBrowser } from "puppeteer-core";
import {
  BrowserError,
  findBrowser,
  launchBrowser,
} from "../browsers/installed-browsers.ts";
import type { Asking } from "../cli/prompt.ts";
import {
  Browser,
  ForeignForm,
  ForeignHost,
  type Visited,
} from "../client/browser.ts";
import { BrowserJar, TooMuch } from "../client/cookie-jar.ts";
import { isSilence } from "./refusal.ts";
import { ProbeError } from "./target.ts";

/** How long all that the probe asks of an app may take, in milliseconds. */
const PATIENCE_MS = 60_000;

/** Makes a browser that nobody has logged in to. */
export const stranger = (app: Visited): Browser =>
  new Browser(app, PATIENCE_MS);

/**
 * Logs a user in with the form of the local provider, or with one like it.
 * @param address the app's login route
 * @throws {ProbeError} when there is no such form
 */
export async function logInAs(
  app: Visited,
  user: string,
  address: string,
): Promise<Browser> {
  const browser = stranger(app);
  await browser.logIn(user, address).catch((error) => {
    const isTold = [ForeignForm, ForeignHost, TooMuch, ProbeError].some(
      (kind) => error instanceof kind,
    );
    if (error.code || isTold || isSilence(error)) throw error;
    const [refused] =
      error.message.match(/^\w+ \S+ was answered with \d+/) ?? [];
    if (refused) {
      throw new ProbeError(
        `the login fails, ${refused}: leave out --as, and log in by hand`,
      );
    }
    throw new ProbeError(
      `GET ${address} leads to no form with a button “${user}”: ` +
        "leave out --as, and log in by hand",
    );
  });
  return browser;
}

/**
 * Takes a `Cookie` header, as a browser's network panel shows it. It has names and values only.
 * @param lines the header, with or without its name, and before it any `Set-Cookie` of a login
 */
export async function withCookies(
  app: Visited,
  lines: string[],
): Promise<Browser> {
  const jar = new BrowserJar();
  const url = new URL(app.baseURL);
  const isSet = (line: string) => /^set-cookie:/i.test(line);
  const header = lines.find((line) => !isSet(line)) ?? "";
  const values = new Map<string, string>();
  const cookies = header.replace(/^cookie:\s*/i, "").split(/;\s*/);
  for (const cookie of cookies.filter((text) => text.includes("="))) {
    if (!(await jar.guess(cookie, url))) {
      throw new ProbeError("one of the cookies is none that a browser sends");
    }
    const at = cookie.indexOf("=");
    values.set(cookie.slice(0, at), cookie.slice(at + 1));
  }
  for (const line of lines.filter(isSet)) {
    const [, name = "", value, rest] =
      line.match(/^set-cookie:\s*([^=;]+)=([^;]*)(.*)$/i) ?? [];
    // The value may have changed since the login.
    await jar.take(`${name}=${values.get(name) ?? value}${rest ?? ""}`, url);
  }
  if ((await jar.kept(url)).length === 0) {
    throw new ProbeError(
      "that was no Cookie header: it looks like name=value; name=value",
    );
  }
  return new Browser(app, PATIENCE_MS, jar);
}

/**
 * Starts a browser in which a user can log in by hand: Chromium or Chrome, else Firefox.
 * @throws {ProbeError} when there is none, or it can't show a window
 */
export async function openWindow(): Promise<RealBrowser> {
  const otherwise = "pipe in a Cookie header with --paste instead";
  const [name, path] = [
    ["chromium", findBrowser("chromium")] as const,
    ["firefox", findBrowser("firefox")] as const,
  ].find(([, path]) => path) ?? ["chromium"];
  if (!path) {
    throw new ProbeError(
      `there is no Chromium, Chrome or Firefox: ${otherwise}`,
    );
  }
  try {
    return await launchBrowser(name, path, {
      headless: false,
      // A page as large as its window.
      defaultViewport: null,
    });
  } catch (error) {
    if (!(error instanceof BrowserError)) throw error;
    throw new ProbeError(`no window can be shown here: ${otherwise}`);
  }
}

/**
 * Lets a user log in by hand, in a window that shares nothing with any other, and takes the
 * cookies from there that belong to the app, and no others.
 * @param real as {@link openWindow} starts it
 * @param question what to ask, to be answered with the Enter key
 */
export async function logInByHand(
  app: Visited,
  real: RealBrowser,
  ask: Asking["line"],
  question: string,
): Promise<Browser> {
  const context = await real.createBrowserContext();
  const page = await context.newPage();
  // The window that the browser has opened by itself would only be in the way.
  const others = await real.defaultBrowserContext().pages();
  await Promise.all(others.map((other) => other.close()));
  // It shows by itself what is wrong, in the window.
  await page.goto(app.baseURL).catch(() => {});
  await ask(question);
  const jar = new BrowserJar();
  const { hostname } = new URL(app.baseURL);
  const cookies = await context.cookies().catch(() => {
    throw new ProbeError(
      "the window is gone: leave it open, the probe closes it",
    );
  });
  for (const cookie of cookies) {
    const { name, value, domain, path, secure, partitionKey } = cookie;
    const isShared = domain.startsWith(".");
    const isOurs = isShared
      ? `.${hostname}`.endsWith(domain)
      : hostname === domain;
    if (!isOurs) continue;
    const attributes = [
      `Path=${path}`,
      ...(isShared ? [`Domain=${domain}`] : []),
      ...(secure ? ["Secure"] : []),
      ...(partitionKey ? ["Partitioned"] : []),
    ];
    const header = [`${name}=${value}`, ...attributes].join("; ");
    // A cookie of one path can be set from there only.
    await jar.take(header, new URL(path, app.baseURL));
  }
  await context.close();
  return new Browser(app, PATIENCE_MS, jar);
}
