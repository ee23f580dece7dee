import { setTimeout } from "node:timers/promises";
import { Cookie } from "tough-cookie";
import type { Who } from "../base/results.ts";
import { effectOf } from "../bed/held-request.ts";
import { isClearing, isTrustworthy, type Kept } from "./cookie-jar.ts";
import { attributesIn } from "./html.ts";
import type { PageUse, Recognizer } from "./pages.ts";
import { Browser } from "./played-browser.ts";
import { inWords, type Target } from "./target.ts";
import {
  asksForLogin,
  type Exchange,
  isSilent,
  type Left,
  nameOf,
  playedAgent,
  type Trail,
  type UserAgent,
} from "./trail.ts";

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

/** How long a session may take to end after the logout has answered, in milliseconds, in steps. */
const WAITS_MS = [100, 200, 400, 800];

/**
 * Logs a user out, and looks what came of it.
 * @param needed the names of the cookies without which nobody is logged in
 * @param page what is known of the page already
 * @returns what was seen, and the logout, if it was answered
 */
export async function logOut(
  target: Target,
  agent: UserAgent,
  who: Recognizer,
  needed: string[],
  page: PageUse,
): Promise<{ seen: PlainLogout; logout?: Logout }> {
  const before = await (await agent.cookies()).fork();
  const kept = await before.kept();
  const { trail, ...silence } = await agent.logOut();
  const after = await (await agent.cookies()).fork();
  const look = async () => {
    const seen: Who[] = [];
    while (seen.length < 4) seen.push(await who(await agent.cookies()));
    return seen;
  };
  const atOnce = await look();
  let later = atOnce;
  for (const wait of WAITS_MS) {
    if (!later.includes("first")) break;
    await setTimeout(wait);
    later = await look();
  }
  const [first] = trail.steps;
  const seen: PlainLogout = {
    logout: inWords(target.logout),
    ...(first && { status: first.answer.status }),
    atOnce,
    later,
    uncleared: [],
    credentials: [],
    isCutOff: trail.leftAt !== undefined,
    hasForm: first !== undefined && hasForm(first),
    page,
    clearsCache: trail.steps.some(clearsCache),
    ...silence,
  };
  noteProviders(seen, trail, target);
  const left = elsewhere(trail, target)[0];
  // What comes after a login is no part of the logout.
  if (left && !asksForLogin(left)) seen.leftProvider = left.origin;
  // What the cookies are then, a logout that goes on may still change.
  if (silence.failure) return { seen };
  const had = new Set(kept.map(({ name }) => withoutChunk(name)));
  // A login on the way may set and clear cookies of its own.
  const cleared = clearedBy(trail).filter((name) => had.has(name));
  const names = [...needed, ...cleared];
  if (later.includes("first")) {
    await noteCookies(seen, trail, { before, after, kept, who }, needed);
    noteAgain(seen, trail.steps, names, target);
  } else {
    await openPage(seen, await agent.fork(), target, who, names, trail);
    if (!seen.again) {
      await clickLogIn(seen, await agent.fork(), target, who, names);
    }
  }
  return { seen, ...(first && { logout: { before, after, trail } }) };
}

const clearsCache = ({ answer }: Exchange): boolean =>
  /"(cache|\*)"/.test(String(answer.headers["clear-site-data"]));

const hasForm = ({ answer }: Exchange): boolean =>
  attributesIn(answer.body, /^<form\b/i).some(({ method }) =>
    /^post$/i.test(method ?? ""),
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
  const asked = elsewhere(trail, target).find(asksForLogin);
  if (asked) seen.provider ??= asked.origin;
  const { leftAt } = trail;
  if (leftAt && asksForLogin(leftAt) && isSilent(leftAt)) {
    seen.wouldAsk = leftAt.origin;
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
  noteProviders(seen, opened, target);
  if ((await who(await agent.cookies())) !== "first") {
    if (agent.shows) seen.page = await agent.shows(who, seen.page);
    return;
  }
  seen.later = ["first"];
  noteAgain(seen, [...trail.steps, ...opened.steps], names, target);
  seen.again ??= { isSilent: false };
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
  noteProviders(seen, trail, target);
  if ((await who(await agent.cookies())) !== "first") return;
  // Some log in whoever comes.
  const anyone = playedAgent(target, new Browser(target.app));
  await anyone.open(target.login);
  if ((await who(await anyone.cookies())) === "first") return;
  const asked = trail.steps.findIndex(({ request }) =>
    asksForLogin(request.url),
  );
  const set = trail.steps.findIndex(
    ({ answer }, at) => at > asked && effectOf(answer, names).effect === "set",
  );
  seen.unasked = loggedInBy(trail.steps, set, target);
}

/** A cookie that a logout has not cleared. */
export interface Uncleared {
  name: string;
  /** Why browsers keep it, in words; empty when nothing has tried to clear it. */
  reasons: string[];
}

/** A large session has its cookie in chunks, whose names end with a number. */
export const withoutChunk = (name: string): string =>
  name.replace(/\.\d+$/, "");

/**
 * Says why a cookie is still there after a logout: what in a `Set-Cookie` that should have cleared
 * it is not as it was when it was set.
 * @param cookie as the browser keeps it
 * @param steps where the logout led
 * @param had the names of all cookies that the browser had
 */
export function whyUncleared(
  cookie: Kept,
  steps: Exchange[],
  had: string[],
): Uncleared {
  const { name } = cookie;
  const headers = steps.flatMap(({ request, answer }) =>
    (answer.headers["set-cookie"] ?? []).flatMap((header) => {
      const one = Cookie.parse(header);
      return one && isClearing(one) ? { one, url: request.url } : [];
    }),
  );
  const reasons = headers
    .filter(({ one }) => one.key === name)
    .map(
      ({ one, url }) =>
        differences(cookie, one, url).join(", ") ||
        "in a way that browsers do not take",
    );
  if (reasons.length > 0) return { name, reasons: [...new Set(reasons)] };
  // It may clear one that is not there: by an old name, or the first of several chunks.
  const strange = headers.map(({ one }) => one.key);
  const others = strange.filter((one) => !had.includes(one));
  return {
    name,
    reasons: [...new Set(others)].map(
      (other) => `by another name, ${printable(other)}`,
    ),
  };
}

function differences(cookie: Kept, clearing: Cookie, url: URL): string[] {
  const { name, path, domain, isShared, isSecure, isPartitioned } = cookie;
  const itsPath = clearing.path?.startsWith("/")
    ? clearing.path
    : defaultPath(url);
  const isPartitionedThere =
    clearing.extensions?.some((one) => /^partitioned$/i.test(one)) ?? false;
  const set = attributes(path, isShared ? domain : null, isPartitioned);
  const there = attributes(itsPath, clearing.domain, isPartitionedThere);
  const lines = set.flatMap((one, at) =>
    one === there[at] ? [] : `with ${there[at]}, and it was set with ${one}`,
  );
  const [prefix] = name.match(/^__(Host|Secure)-/) ?? [];
  if (prefix && !clearing.secure) {
    lines.push(`without Secure, which the prefix ${prefix} asks for`);
  }
  if (isPartitionedThere && !clearing.secure) {
    lines.push("with Partitioned and without Secure");
  }
  const isOpen = !isTrustworthy(url) && (isSecure || clearing.secure);
  return isOpen && lines.length === 0 ? ["over http, and it is Secure"] : lines;
}

/** What tells one cookie from another of its name, in words. */
const attributes = (
  path: string,
  domain: string | null,
  isPartitioned: boolean,
): string[] => [
  `Path=${path}`,
  domain === null ? "no Domain" : `Domain=${domain}`,
  isPartitioned ? "Partitioned" : "no Partitioned",
];

/** The path of a cookie that names none (RFC 6265, 5.1.4). */
const defaultPath = ({ pathname }: URL): string =>
  pathname.slice(0, pathname.lastIndexOf("/")) || "/";

/** A name that an app has made up, so that it does nothing to a terminal. */
export const printable = (name: string): string =>
  name.replace(/[^\x21-\x7e]/g, "?").slice(0, 60);
