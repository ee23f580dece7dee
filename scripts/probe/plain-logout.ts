import { setTimeout } from "node:timers/promises";
import type { Browser } from "../client/browser.ts";
import { effectOf } from "../client/cookie-effect.ts";
import type { Kept } from "../client/cookie-jar.ts";
import { attributesOf } from "../client/form-post.ts";
import { elementsIn } from "../client/html.ts";
import { type Uncleared, whyUncleared, withoutChunk } from "./clearing.ts";
import { stranger } from "./log-in.ts";
import { type PageUse, scriptsOf } from "./page-use.ts";
import type { Recognizer } from "./pages.ts";
import { inWords, type Target, type Who } from "./target.ts";
import {
  asksForLogin,
  type Exchange,
  isSilent,
  nameOf,
  type Trail,
} from "./trail.ts";
import { type Left, playedAgent, type UserAgent } from "./user-agent.ts";

/** A logout, and the browser before and after it. */
export interface Logout {
  before: Browser;
  after: Browser;
  trail: Trail;
}

/** How somebody got a session without being asked. */
export interface LoggedIn {
  /** The request that set the cookie, if one did. */
  by?: string;
  /** The site of the provider that was on the way. */
  via?: string;
  isSilent: boolean;
}

/** What was seen of a logout of which no late response has arrived. */
export interface PlainLogout extends Omit<Left, "trail"> {
  logout: string;
  /** The status of its first response; undefined when there was none. */
  status?: number;
  /** Who was logged in right after it, and later. */
  atOnce: Who[];
  later: Who[];
  /** The cookies that still log the user in, though they are the session's. */
  uncleared: Uncleared[];
  /** The cookies that log the user in, and are not the session's. */
  credentials: string[];
  /** The site of the provider that a login asks, and of the one that the logout went to. */
  provider?: string;
  leftProvider?: string;
  /** The provider that would have been asked to log the user in again, with no click. */
  wouldAsk?: string;
  /** Whether the logout was to go on from the app to another site, and did not. */
  isCutOff: boolean;
  /** Whether its first answer has a form to send, which may ask whether to log out. */
  hasForm: boolean;
  /** How the user was logged in again, with no click. */
  again?: LoggedIn;
  /** How a click on *log in* did it, with no question. */
  unasked?: LoggedIn;
  page: PageUse;
  /** Whether the logout has the browser drop the pages that it keeps. */
  clearsCache: boolean;
}

/** What is known of a user before a logout. */
interface Before {
  agent: UserAgent;
  who: Recognizer;
  /** The names of the cookies without which nobody is logged in. */
  needed: string[];
}

/** How long a session may take to end after the logout has answered, in milliseconds, in steps. */
const WAITS_MS = [100, 200, 400, 800];

/**
 * Logs a user out, and looks what came of it.
 * @param page what is known of the page already
 * @returns what was seen, and the logout, if it was answered
 */
export async function logOut(
  target: Target,
  { agent, who, needed }: Before,
  page: PageUse,
): Promise<{ seen: PlainLogout; logout?: Logout }> {
  const before = await (await agent.cookies()).fork();
  const kept = await before.kept();
  const { trail, ...silence } = await agent.logOut();
  const after = await (await agent.cookies()).fork();
  const atOnce = await looks(who, agent, 4);
  const seen: PlainLogout = {
    logout: inWords(target.logout),
    atOnce,
    later: await lookUntilOut(who, agent, atOnce),
    uncleared: [],
    credentials: [],
    isCutOff: trail.leftAt !== undefined,
    hasForm: trail.steps.slice(0, 1).some(hasForm),
    page,
    clearsCache: trail.steps.some(clearsCache),
    ...silence,
  };
  const [first] = trail.steps;
  if (first) seen.status = first.answer.status;
  noteProviders(seen, trail, target);
  noteSilence(seen, trail);
  // What the cookies are then, a logout that goes on may still change.
  if (silence.failure) return { seen };
  const had = new Set(kept.map(({ name }) => withoutChunk(name)));
  // A login on the way may set and clear cookies of its own.
  const names = [
    ...needed,
    ...clearedBy(trail).filter((name) => had.has(name)),
  ];
  if (seen.later.includes("first")) {
    const changed = { before, after, kept, who };
    await noteCookies(seen, trail, changed, needed);
    noteAgain(seen, trail.steps, names, target);
  } else {
    await openPage(seen, await agent.fork(), target, who, names, trail);
    if (!seen.again) {
      await clickLogIn(seen, await agent.fork(), target, who, names);
    }
  }
  return {
    seen,
    ...(first && { logout: { before, after, trail } }),
  };
}

async function looks(
  who: Recognizer,
  agent: UserAgent,
  times: number,
): Promise<Who[]> {
  const seen: Who[] = [];
  for (let time = 0; time < times; time++) {
    seen.push(await who(await agent.cookies()));
  }
  return seen;
}

/** Looks again until the user is logged out, for a while. */
async function lookUntilOut(
  who: Recognizer,
  agent: UserAgent,
  atOnce: Who[],
): Promise<Who[]> {
  let later = atOnce;
  for (const wait of WAITS_MS) {
    if (!later.includes("first")) break;
    await setTimeout(wait);
    later = await looks(who, agent, 4);
  }
  return later;
}

const clearsCache = ({ answer }: Exchange): boolean =>
  /"(cache|\*)"/.test(String(answer.headers["clear-site-data"]));

const hasForm = ({ answer }: Exchange): boolean =>
  elementsIn(answer.body, "form").some((form) =>
    /^post$/i.test(attributesOf(form).method ?? ""),
  );

/** The names of the cookies that a logout clears. */
const clearedBy = ({ steps }: Trail): string[] =>
  steps.flatMap(({ answer }) =>
    (answer.headers["set-cookie"] ?? [])
      .map((header) => withoutChunk(header.split("=")[0]?.trim() ?? ""))
      .filter((name) => effectOf(answer, [name]).effect === "cleared"),
  );

/** The addresses of a trail that are a provider's, which may be at the same site. */
const elsewhere = ({ steps, leftAt }: Trail, { app }: Target): URL[] =>
  [
    ...steps.map(({ request }) => request.url),
    ...(leftAt ? [leftAt] : []),
  ].filter(
    (url) =>
      url.origin !== new URL(app.baseURL).origin ||
      asksForLogin(url) ||
      url.searchParams.has("post_logout_redirect_uri"),
  );

function noteProviders(seen: PlainLogout, trail: Trail, target: Target): void {
  for (const url of elsewhere(trail, target)) {
    if (asksForLogin(url)) {
      seen.provider ??= url.origin;
      // What comes after this is a login, and no part of the logout.
      return;
    }
    seen.leftProvider ??= url.origin;
  }
}

/** Finds which of the cookies that are left log the user in. */
async function noteCookies(
  seen: PlainLogout,
  { steps }: Trail,
  changed: { before: Browser; after: Browser; kept: Kept[]; who: Recognizer },
  needed: string[],
): Promise<void> {
  const { before, after, kept, who } = changed;
  const still = await after.kept();
  const left = kept.filter((one) =>
    still.some((other) => isSame(one, other) && other.value === one.value),
  );
  const only = await before.fork();
  for (const { name } of kept) {
    if (!left.some((one) => one.name === name)) await only.forget(name);
  }
  if ((await who(await only.fork())) !== "first") return;
  const had = kept.map(({ name }) => name);
  const critical = [];
  for (const cookie of left) {
    const lacking = await only.fork();
    await lacking.forget(cookie.name);
    if ((await who(lacking)) === "nobody") critical.push(cookie);
  }
  for (const cookie of critical) {
    const uncleared = whyUncleared(cookie, steps, had);
    const isSessions =
      uncleared.reasons.length > 0 ||
      needed.includes(withoutChunk(cookie.name));
    if (isSessions) seen.uncleared.push(uncleared);
    else seen.credentials.push(cookie.name);
  }
}

/** Whether a browser would put one cookie in the place of the other. */
const isSame = (one: Kept, other: Kept): boolean =>
  (["name", "domain", "isShared", "path", "isPartitioned"] as const).every(
    (key) => one[key] === other[key],
  );

/** Finds which response has set the session cookie again, after one has cleared it. */
function noteAgain(
  seen: PlainLogout,
  steps: Exchange[],
  names: string[],
  target: Target,
): void {
  const effects = steps.map(({ answer }) => effectOf(answer, names).effect);
  const cleared = effects.indexOf("cleared");
  const set = effects.findIndex(
    (effect, at) => effect === "set" && at > cleared,
  );
  if (set >= 1) seen.again = loggedInBy(steps, set, target);
}

function loggedInBy(steps: Exchange[], at: number, target: Target): LoggedIn {
  const urls = steps
    .slice(0, at < 0 ? undefined : at)
    .map(({ request }) => request.url);
  const way = urls.filter(asksForLogin);
  const asked =
    way.find(({ origin }) => origin !== new URL(target.app.baseURL).origin) ??
    way[0];
  const by = steps[at];
  return {
    ...(by && { by: nameOf(by.request) }),
    ...(asked && { via: asked.origin }),
    isSilent: way.some(isSilent),
  };
}

/** Opens the page, as a browser does after the logout, and goes where it leads. */
async function openPage(
  seen: PlainLogout,
  agent: UserAgent,
  target: Target,
  who: Recognizer,
  names: string[],
  trail: Trail,
): Promise<void> {
  const opened = await agent.open(target.page);
  noteProviderOf(seen, opened, target);
  noteSilence(seen, opened);
  if ((await who(await agent.cookies())) !== "first") {
    // A real browser has done all that the page's scripts do.
    if (agent.shows) seen.page = await agent.shows(who, seen.page);
    else await useNarrowCookies(seen, await agent.cookies(), who, opened);
    return;
  }
  seen.later = ["first"];
  noteAgain(seen, [...trail.steps, ...opened.steps], names, target);
  seen.again ??= { isSilent: false };
}

/** More addresses than this are not asked of those that a page's scripts have. */
const MOST_CALLS = 3;

/**
 * Sends what is left of the cookies that the page itself does not get, as a script of it may do:
 * to the addresses in its scripts to which they go, such as that of a refresh token.
 */
async function useNarrowCookies(
  seen: PlainLogout,
  browser: Browser,
  who: Recognizer,
  { steps }: Trail,
): Promise<void> {
  const [end] = steps.slice(-1);
  if (!end) return;
  const { url } = end.request;
  const isUnder = (place: string, path: string) =>
    `${place}/`.startsWith(path.replace(/\/?$/, "/"));
  const narrow = (await browser.kept()).filter(
    ({ path }) => !isUnder(url.pathname, path),
  );
  if (narrow.length === 0) return;
  const scripts = await scriptsOf(url, browser, end.answer.body);
  const places = [...scripts.matchAll(/["'`]([\w./-]{1,200})["'`?]/g)]
    .flatMap(([, text = ""]) =>
      URL.canParse(text, url.origin) ? new URL(text, url.origin).pathname : [],
    )
    .filter((place) => narrow.some(({ path }) => isUnder(place, path)));
  for (const place of [...new Set(places)].slice(0, MOST_CALLS)) {
    for (const method of ["POST", "GET"]) {
      const one = await browser.fork();
      const request = await one.compose("cors", method, place);
      await one.store(request, await one.exchange(request));
      if ((await who(one)) !== "first") continue;
      seen.later = ["first"];
      seen.again = { by: nameOf(request), isSilent: false };
      return;
    }
  }
}

/** Clicks on *log in*, and sees whether that asks who it is. */
async function clickLogIn(
  seen: PlainLogout,
  agent: UserAgent,
  target: Target,
  who: Recognizer,
  names: string[],
): Promise<void> {
  if (!target.login) return;
  const trail = await agent.open(target.login);
  noteProviderOf(seen, trail, target);
  if ((await who(await agent.cookies())) !== "first") return;
  // Some log in whoever comes.
  const anyone = playedAgent(target, stranger(target.app));
  await anyone.open(target.login);
  if ((await who(await anyone.cookies())) === "first") return;
  const effects = trail.steps.map(
    ({ answer }) => effectOf(answer, names).effect,
  );
  const asked = trail.steps.findIndex(({ request }) =>
    asksForLogin(request.url),
  );
  const set = effects.findIndex((one, at) => one === "set" && at > asked);
  seen.unasked = loggedInBy(trail.steps, set, target);
}

function noteProviderOf(seen: PlainLogout, trail: Trail, target: Target): void {
  const asked = elsewhere(trail, target).find(asksForLogin);
  if (asked) seen.provider ??= asked.origin;
}

function noteSilence(seen: PlainLogout, { leftAt }: Trail): void {
  if (leftAt && asksForLogin(leftAt) && isSilent(leftAt)) {
    seen.wouldAsk = leftAt.origin;
  }
}
