import { type Browser, hostOf } from "../client/browser.ts";
import { attributesOf, readFormPost } from "../client/form-post.ts";
import { elementsIn, tagsIn } from "../client/html.ts";
import type { Answer, Outgoing } from "../client/http.ts";
import { inWords, ProbeError, type Target } from "./target.ts";

/** A request, and its answer. */
export interface Exchange {
  request: Outgoing;
  answer: Answer;
  /** When the answer was there, in milliseconds by the clock of `performance.now`. */
  at: number;
}

/** Where a request has led, one after the other. */
export interface Trail {
  steps: Exchange[];
  /** The address of another site to which it would have gone on. */
  leftAt?: URL;
}

/** Logins and logouts have fewer steps. */
const MOST_HOPS = 15;

/**
 * Sends a request and follows where that leads, as a browser does: redirects, a page that
 * goes on by itself, the form that a provider has a script send, and the local provider's question whether to log out.
 * @throws {ProbeError} when that does not end
 * @throws {ForeignForm} when a form would go elsewhere
 */
export async function followTrail(
  browser: Browser,
  first: Outgoing,
  { app, goesOn, isFetched }: Target,
): Promise<Trail> {
  const steps: Exchange[] = [];
  const { origin } = new URL(app.baseURL);
  let next: Outgoing | undefined = first;
  while (next) {
    if (steps.length === MOST_HOPS) {
      throw new ProbeError(
        `${nameOf(first)} is redirected more than ${MOST_HOPS} times`,
      );
    }
    const answer = await browser.exchange(next);
    steps.push({ request: next, answer, at: performance.now() });
    next = await onwardFrom(browser, next, answer, steps);
    if (!next || next.url.origin === origin) continue;
    if (isFetched && first.headers["sec-fetch-mode"] === "cors") break;
    if (goesOn && (app.mayAsk?.(next.url) ?? true)) continue;
    break;
  }
  return next ? { steps, leftAt: next.url } : { steps };
}

/** A page has few frames that log somebody in or out. */
const MOST_FRAMES = 4;

/** Loads the frames of the pages to which a trail has led, as a browser does. */
export async function loadFrames(
  browser: Browser,
  { steps }: Trail,
  target: Target,
): Promise<Trail> {
  const all: Trail = { steps: [] };
  const { origin } = new URL(target.app.baseURL);
  const addresses = steps.flatMap(({ request, answer }) =>
    elementsIn(answer.body, "iframe").flatMap((frame) => {
      const [{ src }, { href }] = [attributesOf(frame), request.url];
      return src && URL.canParse(src, href) ? new URL(src, href) : [];
    }),
  );
  for (const url of addresses.slice(0, MOST_FRAMES)) {
    const isNamed = target.goesOn && target.app.mayAsk?.(url);
    const go = async () => {
      const request = await browser.compose("navigate", "GET", url.href);
      return followTrail(browser, request, target);
    };
    // Of a frame that can't be loaded, where it is from is known.
    const inner: Trail =
      url.origin === origin || isNamed
        ? await go().catch(() => ({ steps: [], leftAt: url }))
        : { steps: [], leftAt: url };
    all.steps.push(...inner.steps);
    if (inner.leftAt && asksForLogin(inner.leftAt)) all.leftAt ??= inner.leftAt;
  }
  return all;
}

async function onwardFrom(
  browser: Browser,
  request: Outgoing,
  { headers, body }: Answer,
  steps: Exchange[],
): Promise<Outgoing | undefined> {
  const { url } = request;
  if (headers.location) {
    if (!URL.canParse(headers.location, url.href)) {
      throw new ProbeError(`${nameOf(request)} leads to no address`);
    }
    const to = new URL(headers.location, url);
    if (!/^https?:$/.test(to.protocol)) {
      throw new ProbeError(`${nameOf(request)} leads to ${hostOf(to)}`);
    }
    return browser.compose("navigate", "GET", to.href);
  }
  const refresh = refreshOf(headers, body, url);
  // A page may also show itself anew from time to time.
  const isNew = steps.every(
    (step) => step.request.url.pathname !== refresh?.pathname,
  );
  if (refresh && isNew) return browser.compose("navigate", "GET", refresh.href);
  const form = readFormPost(body);
  if (form) return browser.composeForm(url, form.action, form.fields);
  const [, action] = body.match(/\baction="([^"]+)"/) ?? [];
  const [, xsrf] = body.match(/name="xsrf" value="([^"]+)"/) ?? [];
  if (!action || !xsrf) return undefined;
  const yes = new URLSearchParams({ xsrf, logout: "yes" });
  return browser.composeForm(url, action, yes);
}

/** Reads where a page goes on to by itself, in a few seconds. */
function refreshOf(
  headers: Answer["headers"],
  body: string,
  url: URL,
): URL | undefined {
  const tags = tagsIn(body)
    .filter((tag) => /^<meta\b/i.test(tag))
    .map(attributesOf);
  const meta = tags.find((one) => /^refresh$/i.test(one["http-equiv"] ?? ""));
  const text = String(headers.refresh ?? meta?.content ?? "");
  const [, to] =
    text.match(/^\s*\d(?:\.\d*)?\s*[;,]\s*url\s*=\s*["']?([^"']+)/i) ?? [];
  if (!to || !URL.canParse(to.trim(), url.href)) return undefined;
  const address = new URL(to.trim(), url.href);
  return /^https?:$/.test(address.protocol) ? address : undefined;
}

/** Tells a request, without what may be secret in its address. */
export const nameOf = ({ method, url }: Outgoing): string =>
  inWords({ method, path: url.pathname.replace(/[^/]{25,}/g, "…") });

/** Whether an address asks a provider to log somebody in (OpenID Connect Core, 3.1.2.1; SAML). */
export const asksForLogin = ({ searchParams }: URL): boolean =>
  searchParams.has("SAMLRequest") ||
  (searchParams.has("client_id") &&
    (searchParams.has("response_type") || searchParams.has("redirect_uri")));

/** Whether it does so without a question to the user (`prompt=none`). */
export const isSilent = ({ searchParams }: URL): boolean =>
  searchParams.get("prompt") === "none";
