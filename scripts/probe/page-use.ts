import type { Browser } from "../client/browser.ts";
import { attributesOf } from "../client/form-post.ts";
import { elementsIn } from "../client/html.ts";
import type { Answer } from "../client/http.ts";
import type { Target } from "./target.ts";

/** What a browser may do with a page, by its headers and scripts. */
export interface PageUse {
  /** Whether *back* shows the page as it was, without asking the app. */
  isKeptForBack: boolean;
  /** For how many seconds it is shown again without asking. */
  isKeptFor: number;
  /** Whether a service worker answers from a cache of its own. */
  hasWorker: boolean;
  /** Whether a real browser has shown the user's page after the logout, or has not. */
  isShown?: boolean;
  /** Whether a script of it logs out with `fetch`. */
  isFetched: boolean;
}

/** More scripts of a page than this are not read. */
const MOST_SCRIPTS = 4;

/** Reads what a browser may do with a page, in its headers and in those scripts that are the app's. */
export async function useOf(
  target: Target,
  browser: Browser,
  { headers, body }: Answer,
): Promise<PageUse> {
  const here = new URL(target.page, target.app.baseURL);
  const scripts = await scriptsOf(here, browser, body);
  const control = String(headers["cache-control"] ?? "");
  const isStored = !/no-store/i.test(control);
  const asksAgain = /persisted|pageshow/.test(scripts);
  return {
    isKeptForBack: isStored && !asksAgain,
    isKeptFor: isStored ? secondsOf(headers) : 0,
    hasWorker: await hasCachingWorker(here, browser, scripts),
    isFetched: isLogoutFetched(target, scripts),
  };
}

/** How long a page is fresh (RFC 9111, 4.2); a page that varies by cookie is another one then. */
function secondsOf(headers: Answer["headers"]): number {
  const control = String(headers["cache-control"] ?? "");
  if (/no-cache/i.test(control)) return 0;
  if (/\*|cookie/i.test(String(headers.vary ?? ""))) return 0;
  const [, age] = control.match(/\bmax-age="?(\d{1,9})/i) ?? [];
  if (age) return Number(age);
  const at = (name: string) => Date.parse(String(headers[name] ?? ""));
  const now = at("date") || Date.now();
  // Where nothing says for how long, browsers take a tenth of its age (RFC 9111, 4.2.2).
  const fresh = headers.expires
    ? at("expires") - now
    : (now - at("last-modified")) / 10;
  return fresh > 0 ? Math.round(fresh / 1000) : 0;
}

/**
 * Reads all script of a page: what stands in it, and the files of the app.
 * @param here the page's address
 */
export async function scriptsOf(
  here: URL,
  browser: Browser,
  html: string,
): Promise<string> {
  const scripts = elementsIn(html, "script");
  const handlers = html.match(/\bon\w+="[^"]*"/gi) ?? [];
  const files = scripts
    .flatMap((script) => {
      const { src } = attributesOf(script);
      return src && URL.canParse(src, here.href) ? new URL(src, here) : [];
    })
    .filter(({ origin }) => origin === here.origin)
    .slice(0, MOST_SCRIPTS);
  const texts = [...scripts, ...handlers];
  for (const file of files) texts.push(await read(browser, file));
  return texts.join("\n");
}

/** Reads a file of the app, as a page does; empty when it is not there. */
async function read(browser: Browser, { href }: URL): Promise<string> {
  const request = await browser.compose("cors", "GET", href);
  const { status, body } = await browser.exchange(request);
  return status === 200 ? body : "";
}

async function hasCachingWorker(
  here: URL,
  browser: Browser,
  scripts: string,
): Promise<boolean> {
  if (!/serviceWorker|workbox/i.test(scripts)) return false;
  const [, named] =
    scripts.match(/serviceWorker\s*\.\s*register\(\s*["'`]([^"'`]+)/) ?? [];
  // Where it is not named there, it is one of the other scripts that are.
  const files = named
    ? [named]
    : [...scripts.matchAll(/["'`]([^"'`\s]{1,200}\.m?js)["'`?]/g)].map(
        ([, file = ""]) => file,
      );
  for (const file of [...new Set(files)].slice(0, MOST_SCRIPTS)) {
    const url = URL.canParse(file, here.href) && new URL(file, here);
    if (!url || url.origin !== here.origin) continue;
    const worker = await read(browser, url);
    const first = worker.replace(OFFLINE, "");
    if (/respondWith|workbox/i.test(first) && /match\(|workbox/i.test(first)) {
      return true;
    }
  }
  return false;
}

/** What a worker does when the app can't be reached; what it keeps for that hides no logout. */
const OFFLINE =
  /\bcatch\s{0,9}[({][^;]{0,300}?match\([^)]{0,200}\)|\bNetwork(?:First|Only)\b/g;

/** Whether a script calls the logout, and goes nowhere by that. */
function isLogoutFetched({ logout }: Target, scripts: string): boolean {
  const path = logout.path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const call = String.raw`(?:fetch|axios(?:\.\w+)?|\$\.\w+|ajax|\.open)\(\s*`;
  return new RegExp(`${call}(?:["'\`]\\w+["'\`],\\s*)?["'\`]${path}\\b`).test(
    scripts,
  );
}
