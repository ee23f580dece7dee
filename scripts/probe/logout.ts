import { setTimeout } from "node:timers/promises";
import type { Who } from "../base/results.ts";
import { type Cookie, type Hop, now, type Window } from "./chromium.ts";
import { isSent, type Person } from "./people.ts";
import {
  look,
  lookPastCaches,
  type Recognizer,
  type Sight,
  sightOf,
} from "./sights.ts";
import {
  isAsking,
  isLoginPath,
  isLogoutPath,
  nameOf,
  ProbeError,
  quote,
} from "./words.ts";

/** Who and what takes part. */
export interface Stage {
  /** The page that is looked at, and whether somebody has named it. */
  page: string;
  isNamed: boolean;
  person: Person;
  /** Where the user is, where nobody is, and where it is tried what some cookies are good for. */
  me: Window;
  stranger: Window;
  scratch: Window;
  who: Recognizer;
}

/** What was seen of a login, and before the logout. */
export interface Login {
  hops: Hop[];
  /** What was asked after it. */
  use: Hop[];
  looks: Who[];
  /** What logged the user out, when nobody had. */
  lostBy?: Hop | undefined;
  /** What somebody without a cookie got after the user. */
  leak?: "cookie" | "page" | "anything" | undefined;
  /** The names of the cookies without which nobody is logged in. */
  needed: string[];
  /** Whether cookies are all that is needed. */
  isInCookies: boolean;
}

/** What was seen of a logout. */
export interface Logout {
  hop?: Hop | undefined;
  /** That one, and what was asked after it. */
  trail: Hop[];
  before: Cookie[];
  left: Cookie[];
  /** The cookies of the session, as far as they are known. */
  own: string[];
  looks: Who[];
  isIn: boolean;
  /** Whom the page showed right after it, and whom a reload does. */
  atOnce: Who;
  shown: { who: Who; by?: Hop["by"] };
  /** The other cookies by which the user is still known, and what a script has kept. */
  credentials: string[];
  stored: string[];
  /** Whether somebody without a cookie is taken for the user, too. */
  isForAll: boolean;
  streams: { url: URL; isForAll: boolean }[];
  isShownByBack: boolean;
}

/** Whether a browser takes a line that sets one of some cookies, or clears it. */
export const does = (clears: boolean, names: string[], { set }: Hop): boolean =>
  set.some(
    (one) =>
      one.clears === clears && names.includes(one.name) && !one.blocked[0],
  );

const MOST_COOKIES = 15;

/** The cookies that belong to the app, and no others. */
export async function cookiesOf({ me, page }: Stage): Promise<Cookie[]> {
  const host = `.${new URL(page).hostname}`;
  return (await me.context.cookies()).filter(
    ({ domain }) => domain === host.slice(1) || host.endsWith(`${domain}`),
  );
}

/** Who is logged in with these cookies alone. */
export async function whoWith(
  { scratch, who, page }: Stage,
  cookies: Cookie[],
) {
  await scratch.have(cookies);
  return who.who(await lookPastCaches(scratch, page));
}

/** Lets somebody log in, and sees what that is good for. */
export async function seeLogin(stage: Stage): Promise<Login> {
  const { me, person, stranger, who } = stage;
  const nobody: Sight[] = [];
  const lookAsNobody = async (query = "") => {
    await stranger.have([]);
    const sight = await look(stranger, stage.page + query);
    return sight;
  };
  for (const _ of [1, 2]) nobody.push(await lookAsNobody());
  who.add("nobody", ...nobody);
  const from = now();
  await person.logIn(me, false);
  const here = new URL(me.page.url());
  const isOther =
    here.href !== stage.page &&
    here.href.startsWith(new URL(stage.page).origin);
  if (person.saysIn && isOther && !stage.isNamed) {
    // Where the user is tells more than the first page.
    stage.page = here.origin + here.pathname;
    nobody.push(await lookAsNobody());
    who.add("nobody", ...nobody.slice(-1));
  }
  const own = await sightOf(me);
  const isSame = (one: Sight, other: Sight) =>
    `${one.text}${one.labels}` === `${other.text}${other.labels}`;
  const isIn = (sight: Sight) =>
    person.saysIn === undefined
      ? who.looksIn(sight, "first")
      : person.saysIn && !nobody.some((one) => isSame(one, sight));
  const sights: Sight[] = [];
  while (sights.length < 3 || (sights.length < 8 && !sights.some(isIn)))
    sights.push(await lookPastCaches(me, stage.page));
  // As somebody does whose page is an old one.
  if (own && person.saysIn === undefined && !isIn(own))
    await me.page.reload().catch(() => null);
  const looks = sights.map((one): Who => (isIn(one) ? "first" : "nobody"));
  const hops = me.since(from);
  const login: Login = { hops, use: [], looks, needed: [], isInCookies: false };
  if (!looks.includes("first")) {
    login.lostBy = hops.find(({ url }) => isLogoutPath(url));
    if (login.lostBy) return login;
    throw new ProbeError(whyNotIn(stage, hops));
  }
  who.add("first", ...sights.filter(isIn));
  if (looks.includes("nobody")) return login;
  const cookies = await cookiesOf(stage);
  if (isIn(await lookAsNobody())) {
    const got = (await stranger.context.cookies()).map(({ value }) => value);
    const isGiven = cookies.some(({ value }) => got.includes(value));
    const isKept = !isIn(await lookAsNobody(`?probe=${crypto.randomUUID()}`));
    return {
      ...login,
      leak: isGiven ? "cookie" : isKept ? "page" : "anything",
    };
  }
  login.isInCookies = (await whoWith(stage, cookies)) === "first";
  const theirs = (await stranger.context.cookies()).map(({ value }) => value);
  const mine = cookies.filter(({ value }) => !theirs.includes(value));
  // What no script can read is more often the session's.
  mine.sort((one, other) => Number(other.httpOnly) - Number(one.httpOnly));
  const names = new Set(mine.map(({ name }) => name));
  for (const name of login.isInCookies
    ? [...names].slice(0, MOST_COOKIES)
    : []) {
    const others = cookies.filter((one) => one.name !== name);
    if ((await whoWith(stage, others)) !== "first") login.needed.push(name);
  }
  return { ...login, ...splitAt(me.since(from), login.needed) };
}

/** Splits what was asked where the login ends: at the last answer that gives a session to whoever has none. */
export function splitAt(all: Hop[], needed: string[]) {
  const isLogin = (hop: Hop) =>
    isAsking(hop.url) ||
    (does(false, needed, hop) &&
      (isLoginPath(hop.url) ||
        !needed.every((name) => hop.cookie?.includes(`${name}=`))));
  const end = all.findLastIndex(isLogin) + 1;
  return { hops: all.slice(0, end), use: all.slice(end) };
}

function whyNotIn({ page, person }: Stage, hops: Hop[]): string {
  const refused = hops
    .flatMap(({ set }) => set)
    .find(({ blocked }) => blocked[0]);
  const failed = hops.findLast(
    ({ status = 0, kind }) => status >= 400 && /Document|Fetch|XHR/.test(kind),
  );
  if (person.saysIn === false)
    return "then there is no login, and no logout to look at";
  if (failed)
    return `the login fails: ${nameOf(failed)} answers with ${failed.status}`;
  if (refused)
    return `the login does not hold: the browser refuses the cookie ${quote([refused.name])} (${refused.blocked.join()})`;
  return `GET ${new URL(page).pathname} does not show who is logged in: name a page that does, with --page`;
}

/** Lets somebody log out, and sees what became of it. */
export async function seeLogout(
  stage: Stage,
  { needed }: Login,
  again = false,
): Promise<Logout> {
  const { me, person, who } = stage;
  const before = await cookiesOf(stage);
  // What a page listens to is to be seen in another tab than the one that logs out.
  const tab = again ? undefined : await me.tab();
  // Of a page that is gone, nobody says that its sockets are.
  me.streams.clear();
  if (tab) await me.go(stage.page, tab);
  const open = [...me.streams.keys()];
  await me.page.bringToFront().catch(() => {});
  const from = now();
  await person.logOut(me, again);
  const { saysIn } = person;
  const own = await sightOf(me);
  // What is asked past the cache would take its place there, so this comes first.
  if (saysIn === undefined && !again) await me.go(stage.page);
  let reloaded = (await sightOf(me)) ?? own;
  const sights: Sight[] = [];
  const isMixed = () => new Set(sights.map((one) => who.who(one))).size > 1;
  while (sights.length < 2 || (sights.length < 6 && isMixed()))
    sights.push(await lookPastCaches(me, stage.page));
  // It may have been too early for that, and not an old page.
  if (
    saysIn !== false &&
    !again &&
    reloaded &&
    !reloaded.by &&
    who.who(sights.at(-1) as Sight) === "nobody"
  ) {
    await me.go(stage.page);
    reloaded = (await sightOf(me)) ?? reloaded;
  }
  // Whether they are logged out, a person knows.
  if (saysIn === false) who.add("nobody", ...sights);
  const looks = sights.map((sight) => {
    const seen = who.who(sight);
    const said = saysIn ? "first" : "nobody";
    return seen === "unknown" && saysIn !== undefined ? said : seen;
  });
  const hop = findLogout(me.since(from), needed, stage.page);
  const trail = me.since(hop?.sentAt ?? from);
  const left = await cookiesOf(stage);
  const cleared = trail.flatMap(({ set }) =>
    set.filter(({ clears }) => clears),
  );
  const had = [...new Set(before.map(({ name }) => name))];
  // Where each of two is enough, none is needed: then it is the one that the logout means.
  const meant = had.filter((name) => cleared.some((one) => one.name === name));
  const known = [needed, meant].find(({ length }) => length > 0) ?? had;
  const shown = saysIn ? "first" : reloaded ? who.who(reloaded) : "unknown";
  const logout: Logout = {
    ...{ hop, trail, before, left, looks, own: known },
    isIn: looks.at(-1) === "first",
    atOnce: own ? who.who(own) : "unknown",
    shown: { who: shown, by: reloaded?.by },
    ...{ credentials: [], isForAll: false, isShownByBack: false, streams: [] },
    stored: ((await me.ask(STORED)) ?? []) as string[],
  };
  if (again) return logout;
  logout.streams = await seeStreams(stage, open);
  await tab?.close().catch(() => {});
  if (logout.isIn) await seeWhy(stage, logout);
  else if (saysIn === undefined) logout.isShownByBack = await goBack(stage);
  return logout;
}

const STORED =
  "[localStorage, sessionStorage].flatMap((one) => Object.keys(one))";

/** Finds the request that is the logout: what ends the session, or is called so. */
function findLogout(hops: Hop[], needed: string[], page: string) {
  const asked = hops.filter(
    ({ method, kind, url }) =>
      !(method === "GET" && url.href === page) &&
      method !== "OPTIONS" &&
      !/Image|Script|Style|Font|Prefetch/.test(kind),
  );
  const named = asked.filter(({ url }) => isLogoutPath(url));
  const isSent = ({ method }: Hop) => method !== "GET";
  const ends = (hop: Hop) => does(true, needed, hop) && !isAsking(hop.url);
  return [
    ...asked.filter(ends),
    ...[...named.filter(isSent), ...named],
    ...[...asked.filter(isSent), ...asked],
  ][0];
}

/** How long a stream may take to end after a logout, in milliseconds. */
const LISTEN_MS = 1500;

/** Finds the streams of the user that go on, and whether anybody can open them. */
async function seeStreams({ me, stranger, page }: Stage, open: string[]) {
  const left = () => open.flatMap((id) => me.streams.get(id) ?? []);
  const end = now() + LISTEN_MS;
  while (left().length > 0 && now() < end) await setTimeout(50);
  const streams = [];
  for (const url of left()) {
    await stranger.have([]);
    await look(stranger, page);
    const isForAll = await stranger.ask(`new Promise((done) => {
      const address = ${JSON.stringify(url.href)};
      const one = /^ws/.test(address) ? new WebSocket(address) : new EventSource(address);
      one.onopen = () => done(!one.close()); one.onerror = () => done(false);
    })`);
    streams.push({ url, isForAll: isForAll === true });
  }
  return streams;
}

/** Tells by what the user is still known. */
async function seeWhy(stage: Stage, logout: Logout): Promise<void> {
  const isStill = async (cookies: Cookie[]) =>
    (await whoWith(stage, cookies)) === "first";
  logout.isForAll = await isStill([]);
  const isOther = ({ name }: Cookie) => !logout.own.includes(name);
  const others = logout.left.filter(isOther);
  if (logout.isForAll || !(await isStill(others))) return;
  for (const { name } of others.slice(0, MOST_COOKIES)) {
    const without = others.filter((one) => one.name !== name);
    if (!(await isStill(without))) logout.credentials.push(name);
  }
}

/** Whether the back button shows the user's page. */
async function goBack({ me, who, page }: Stage): Promise<boolean> {
  for (let back = 0; back < 4; back++) {
    const there = await me.page.goBack().catch(() => null);
    const isPage = me.page.url().startsWith(page);
    const sight = isPage ? await sightOf(me) : undefined;
    if (sight && who.who(sight) === "first") return true;
    if (!there) break;
  }
  return false;
}

/** What a login without a question came to. */
export interface Unasked {
  isIn: boolean;
  asking: URL | undefined;
  isByBrowser: boolean;
}

/** Goes to the login again as the user after the logout, and as a stranger. */
export async function seeUnasked(stage: Stage, { hops }: Login) {
  const { me, stranger, who, page } = stage;
  const { origin } = new URL(page);
  const led = hops[hops.findIndex(({ url }) => isAsking(url)) - 1];
  const starts = hops.filter(
    ({ kind, url }) => kind === "Document" && isLoginPath(url),
  );
  const start = [led, ...starts].find(
    (hop) => hop?.method === "GET" && hop.url.origin === origin,
  );
  if (!start) return undefined;
  const goes = async (window: Window): Promise<Unasked> => {
    const from = now();
    const tab = await window.tab();
    window.mayTell = false;
    await window.go(start.url.origin + start.url.pathname, tab);
    window.mayTell = true;
    await tab.close().catch(() => {});
    const asked = window.since(from);
    const asking = asked.find(({ url }) => isAsking(url))?.url;
    const isByBrowser = asked.some(({ headers }) => isSent(headers));
    const isIn = who.who(await lookPastCaches(window, page)) === "first";
    return { isIn, asking, isByBrowser };
  };
  const seen = await goes(me);
  await stranger.have([]);
  // Where a stranger comes in by that, too, it tells nothing.
  if (seen.isIn && (await goes(stranger)).isIn) seen.isIn = false;
  return seen;
}
