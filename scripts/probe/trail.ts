import { composeLogout } from "./compose.ts";
import { attributesIn, readFormPost } from "./html.ts";
import type { PageUse, Recognizer } from "./pages.ts";
import type { Browser } from "./played-browser.ts";
import { isHanging, isSilence, ProbeError, reasonOf } from "./refusal.ts";
import type { Answer, Outgoing } from "./requests.ts";
import { inWords, type Target } from "./target.ts";

/** A request, and its answer. */
export interface Exchange {
  request: Outgoing;
  answer: Answer;
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
 * @throws {ProbeError} when that does not end, or a form would go elsewhere
 */
export async function followTrail(
  browser: Browser,
  first: Outgoing,
  { app, goesOn, isFetched }: Pick<Target, "app" | "goesOn" | "isFetched">,
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
    steps.push({ request: next, answer });
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
async function loadFrames(
  browser: Browser,
  { steps }: Trail,
  target: Target,
): Promise<Trail> {
  const all: Trail = { steps: [] };
  const { origin } = new URL(target.app.baseURL);
  const addresses = steps.flatMap(({ request: { url }, answer }) =>
    attributesIn(answer.body, /^<iframe\b/i).flatMap(({ src }) =>
      src && URL.canParse(src, url.href) ? new URL(src, url) : [],
    ),
  );
  for (const url of addresses.slice(0, MOST_FRAMES)) {
    const isNamed = target.goesOn && target.app.mayAsk?.(url);
    const request = await browser.compose("navigate", "GET", url.href);
    // Of a frame that can't be loaded, where it is from is known.
    const inner: Trail | undefined =
      url.origin === origin || isNamed
        ? await followTrail(browser, request, target).catch(() => undefined)
        : undefined;
    const { steps = [], leftAt } = inner ?? { leftAt: url };
    all.steps.push(...steps);
    if (leftAt && asksForLogin(leftAt)) all.leftAt ??= leftAt;
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
    const isAddress = URL.canParse(headers.location, url.href);
    const to = isAddress ? new URL(headers.location, url) : undefined;
    if (!to || !/^https?:$/.test(to.protocol)) {
      throw new ProbeError(`${nameOf(request)} leads to no web address`);
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
  const tags = attributesIn(body, /^<meta\b/i);
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

/** Where a logout has led, or why it was not answered. */
export interface Left {
  trail: Trail;
  failure?: string;
  /** Whether an answer may come later. */
  isHanging?: boolean;
  /** Whether a script has sent it, and goes nowhere by that. */
  isFetched?: boolean;
}

/** What a user has in front of them: a browser that is played, or a real one. */
export interface UserAgent {
  /** A played browser that has its cookies, to ask the app with. */
  cookies(): Promise<Browser>;
  /** Logs out, as a page of the app does it. */
  logOut(): Promise<Left>;
  /** Opens a page of the app, and goes where it leads. */
  open(path: string): Promise<Trail>;
  /** Makes another one that goes on from here, where that can be. */
  fork(): Promise<UserAgent>;
  /**
   * Tells what it shows of the user, when it has opened the page after the logout. A browser that
   * is played shows nothing.
   */
  shows?(who: Recognizer, use: PageUse): Promise<PageUse>;
}

/** Plays a browser. */
export function playedAgent(target: Target, browser: Browser): UserAgent {
  return {
    cookies: async () => browser,
    async logOut() {
      const request = await composeLogout(browser, target);
      try {
        const trail = await followTrail(browser, request, target);
        if (target.isFetched) return { trail, isFetched: true };
        const { steps } = await loadFrames(browser, trail, target);
        return { trail: { ...trail, steps: [...trail.steps, ...steps] } };
      } catch (error) {
        if (!isSilence(error)) throw error;
        // That the app hangs, or hangs up, is something that can be seen of it.
        return {
          trail: { steps: [] },
          failure: reasonOf(error, target.app.baseURL),
          isHanging: isHanging(error),
        };
      }
    },
    async open(path) {
      const request = await browser.compose("navigate", "GET", path);
      const trail = await followTrail(browser, request, target);
      const frames = await loadFrames(browser, trail, target);
      return { ...frames, ...trail, steps: [...trail.steps, ...frames.steps] };
    },
    fork: async () => playedAgent(target, await browser.fork()),
  };
}
