import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../base/root.ts";
import type { Hop, SetCookie } from "./chromium.ts";
import type { Race } from "./late.ts";
import { does, type Login, type Logout, type Unasked } from "./logout.ts";
import { isSent } from "./people.ts";
import { isAsking, nameOf, printable, quote } from "./words.ts";

/** All that was seen. */
export interface Facts {
  login: Login;
  logout?: Logout;
  unasked?: Unasked | undefined;
  race?: Race;
}

/** What is wrong, by name. */
export interface Diagnosis {
  name: string;
  /** `found` breaks a logout, or hides it; a `note` is said beside that. */
  level: "found" | "note";
  title: string;
  seen: string[];
  /** What the post says to do, and where. */
  advice: string;
  link: string;
}

const POST = "posts/2026-11-27-is-it-this-bug.md";
const NOTES = ["back-shows-it", "open-stream", "mirror-race"];

/** Says in which attributes the line that clears differs from the cookie. */
function differences(
  { line, blocked }: SetCookie,
  logout: Logout,
  name: string,
) {
  const cookie = logout.before.find((one) => one.name === name);
  const has = (attribute: string) =>
    line.match(new RegExp(`;\\s*${attribute}\\s*(?:=([^;]*))?(?:;|$)`, "i"));
  const own = (logout.hop?.url.pathname ?? "/").replace(/\/[^/]*$/, "") || "/";
  const given = has("path")?.[1]?.trim() ?? "";
  const path = given.startsWith("/") ? given : own;
  const isShared = cookie?.domain.startsWith(".");
  return [
    cookie &&
      path !== cookie.path &&
      `with Path=${path}, and it has Path=${cookie.path}`,
    isShared &&
      !has("domain") &&
      `without Domain, and it has Domain=${cookie?.domain.slice(1)}`,
    !isShared && has("domain") && "with a Domain, and it has none",
    cookie?.partitionKey &&
      !has("partitioned") &&
      "without Partitioned, and it has that",
    blocked[0] && `in a way that browsers do not take (${blocked.join()})`,
    /^__(host|secure)-/i.test(name) &&
      !has("secure") &&
      "without Secure, which its prefix wants",
  ].filter((one) => typeof one === "string");
}

/** Names who asked: a page, one of its scripts, a prefetch. */
function askerOf({ kind, headers }: Hop): string {
  const isEarly = /purpose|prefetch/i.test(Object.keys(headers).join());
  if (kind === "Prefetch" || isEarly) return "a prefetch";
  return /Fetch|XHR/.test(kind) ? "a script of the page" : "the page";
}

const whatOf = (hop: Hop | undefined): string =>
  hop ? `${nameOf(hop)} (${hop.status ?? "no answer"})` : "The logout";

/** What a session's logout came to, in a sentence or more for each cause that fits. */
function seenOf({ login, unasked, race }: Facts, logout: Logout) {
  const { hop, trail, left, before, own, isIn, looks, shown } = logout;
  const { leak, lostBy } = login;
  const isMixed = new Set(looks).size > 1;
  const isFailed = (hop?.status ?? 0) >= 400;
  const isBroken =
    hop?.failure &&
    !hop.status &&
    !/ABORTED|BLOCKED_BY_CLIENT/.test(hop.failure);
  const isBare =
    hop?.cookie !== undefined &&
    login.needed.length > 0 &&
    !login.needed.some((name) => hop.cookie?.includes(`${name}=`));
  const isStill = isIn && !isMixed;
  // From here on it is what the logout did, and not that it did nothing.
  const acts = isStill && hop?.status && !hop.by && !isFailed && !isBare;
  const asking = trail.find(({ url }) => isAsking(url));
  const isSilent = (url: URL | undefined) =>
    url?.searchParams.get("prompt") === "none";
  const mine = asking ? trail.slice(0, trail.indexOf(asking)) : trail;
  const clearing = mine.flatMap(({ set }) =>
    set.filter(({ clears }) => clears),
  );
  const again = hop?.set.find(
    (one) => !one.clears && !one.blocked[0] && own.includes(one.name),
  );
  const setter = trail.find((one) => one !== hop && does(false, own, one));
  const isLate = setter && setter.sentAt < (hop?.answeredAt ?? 0);
  const valueIn = (cookies: typeof left, name: string) =>
    cookies.find((one) => one.name === name)?.value;
  const lives = own.filter((name) => {
    const isCleared = clearing.some(
      (one) => one.name === name && !one.blocked[0],
    );
    const isSetAgain = isCleared && setter && does(false, [name], setter);
    return (
      !isSetAgain &&
      valueIn(left, name) !== undefined &&
      valueIn(left, name) === valueIn(before, name)
    );
  });
  const wrong = clearing.find(
    (one) => !before.some(({ name }) => name === one.name),
  );
  const provider = login.hops.find(({ url }) => isAsking(url))?.url.origin;
  const leftAt = trail.some(
    ({ url }) =>
      url.origin === provider &&
      !isAsking(url) &&
      /end|logout/i.test(url.pathname),
  );
  const cut = trail.find(
    ({ failure, url }) => failure === "CORS" && url.origin === provider,
  );
  const isUnasked = !isStill && unasked?.isIn;
  const isOnlyOwn = acts && !asking && !again && !logout.isForAll;
  const isGone = isOnlyOwn && lives.length === 0 && !isLate;
  const isToken =
    !logout.credentials[0] &&
    !setter &&
    trail.some(({ headers }) => /bearer /i.test(Object.values(headers).join()));
  const kept =
    logout.stored.length > 0
      ? ` A script keeps ${quote(logout.stored.slice(0, 3))}.`
      : "";
  const what = whatOf(hop);
  const bitten =
    race?.findings.filter(({ verdict }) => verdict === "affected") ?? [];
  const thrown =
    race?.findings.filter(({ places }) =>
      Object.values(places).some(
        (one) => "next" in one && one.next === "nobody",
      ),
    ) ?? [];
  const seen: Record<string, unknown[]> = {
    "shared-cache": [
      leak === "cookie" &&
        "A stranger with no cookie asks for the page, gets the user's session cookie, and is logged in as the user.",
      leak === "page" &&
        "A stranger with no cookie asks for the page, and gets the user's. With another query after it, they do not.",
    ],
    "server-remembers": [
      leak === "anything" &&
        "Before the login, who came with no cookie was nobody. Since then they are taken for the user, by the server's own memory or by a cache.",
      acts &&
        logout.isForAll &&
        "Whoever comes with no cookie is still taken for the user.",
    ],
    "logs-out-by-itself": [
      lostBy &&
        `${whatOf(lostBy)} is asked for by ${askerOf(lostBy)}, without a click, and the session ends.`,
    ],
    "unshared-sessions": [
      new Set(login.looks).size > 1 &&
        "The page shows the user as logged in at one time and as a stranger at another, with no logout between.",
      isMixed &&
        "After the logout, the page shows the user as logged in at one time and as logged out at another.",
    ],
    "logout-failed": [
      isFailed &&
        hop &&
        `${nameOf(hop)} answers with ${hop.status}, and the user is ${isStill ? "still logged in" : "logged out all the same"}.`,
      isBroken && `${nameOf(hop)} is not answered (${hop.failure}).`,
    ],
    "logout-did-not-arrive": [
      isStill && !hop && "The click has sent nothing.",
      isStill &&
        hop?.by === "cache" &&
        `${nameOf(hop)} never reached the app: the browser has its ${hop.status} in its cache.`,
      isStill &&
        hop?.by === "worker" &&
        `${nameOf(hop)} never reached the app: a service worker answered it.`,
      isStill &&
        hop &&
        !hop.by &&
        !isFailed &&
        isBare &&
        `${what} went without the session cookie: the app does not know whose session to end.`,
    ],
    "silent-login": [
      acts &&
        asking &&
        isSilent(asking.url) &&
        `After ${what}, the app asks the provider at ${asking.url.origin} with prompt=none, and it answers.`,
      !isStill &&
        asking &&
        isSilent(asking.url) &&
        !leftAt &&
        `After ${what}, the app asks the provider at ${asking.url.origin} with prompt=none.`,
      !asking &&
        isUnasked &&
        isSilent(unasked.asking) &&
        `A click on log in asks the provider at ${unasked.asking?.origin} with prompt=none, and it answers.`,
    ],
    "provider-session": [
      acts &&
        asking &&
        !isSilent(asking.url) &&
        `After ${what}, the app sends the browser to the provider at ${asking.url.origin}. It asks nothing, and the user is logged in again.`,
      isUnasked &&
        unasked.asking &&
        !isSilent(unasked.asking) &&
        `After ${what}, a click on log in leads to the provider at ${unasked.asking.origin}. It asks nothing, and the user is logged in again.`,
      cut &&
        `The logout leads on to ${cut.url.origin}. A script fetches it, and the browser stops that there (CORS).`,
      !isStill &&
        !unasked &&
        hop &&
        provider &&
        !leftAt &&
        `The login led to the provider at ${provider}, and the logout never went there.`,
    ],
    "sets-it-again": [
      acts &&
        again &&
        `${what} ${clearing.some(({ name }) => name === again.name) ? "clears" : "does not clear"} ${quote([again.name])}, and sets it again itself.`,
    ],
    "clearing-does-not-match": !isOnlyOwn
      ? []
      : lives.map((name) => {
          const line = clearing.find((one) => one.name === name);
          if (line)
            return `${what} clears ${quote([name])} ${differences(line, logout, name).join(", ") || "to no effect"}. So the cookie lives on.`;
          return (
            wrong &&
            `${what} clears ${quote([wrong.name])}, which the browser does not have, and ${quote([name])} lives on.`
          );
        }),
    "clears-nothing": [
      isOnlyOwn &&
        lives.length > 0 &&
        !wrong &&
        !clearing.some(({ name }) => own.includes(name)) &&
        `${what} clears no session cookie, and ${quote(lives)} lives on: the server still takes it.`,
    ],
    "second-credential": [
      isGone &&
        logout.credentials.length > 0 &&
        `The session's cookie is cleared, and ${quote(logout.credentials)} is still there: the app takes that as well.`,
      isGone &&
        !logout.credentials[0] &&
        setter &&
        `After ${what}, ${whatOf(setter)} logs the user in again, asked for by ${askerOf(setter)}.${kept}`,
      isGone &&
        isToken &&
        `The session's cookie is gone, and a script of the page sends a token that it keeps.${kept}`,
      isUnasked &&
        !unasked.asking &&
        !unasked.isByBrowser &&
        `After ${what}, a click on log in asks nothing, and logs the user in again. A stranger is asked.`,
    ],
    "basic-auth": [
      ((isUnasked && unasked.isByBrowser) ||
        (isStill && trail.some(({ headers }) => isSent(headers)))) &&
        "After the logout, the browser sends a name and a password by itself (Authorization). No server can end that.",
    ],
    "logout-too-early": [
      !isIn &&
        !isMixed &&
        logout.atOnce === "first" &&
        shown.who !== "first" &&
        !shown.by &&
        `Right after ${what} has answered, the page shows the user. A moment later it does not.`,
    ],
    "only-looks-logged-in": [
      isGone &&
        !(logout.credentials[0] || setter || isToken) &&
        `The session's cookie is gone, and the page shows the user all the same: a script of it has kept that, it seems.${kept}`,
      !isIn &&
        !isMixed &&
        shown.who === "first" &&
        `The app takes the browser for logged out, and the page shows the user all the same, ${shown.by === "worker" ? "from a service worker" : shown.by === "cache" ? "from the browser's cache" : "by a script of it, it seems"}.${kept}`,
    ],
    "back-shows-it": [
      logout.isShownByBack &&
        "The back button shows the user's page again. It is history, as in most apps: a reload shows who is logged in.",
    ],
    "stream-lives-on": logout.streams.map(
      ({ url, isForAll }) =>
        !isForAll &&
        `${nameOf({ method: "GET", url })} was open before the logout, and still is.`,
    ),
    "open-stream": logout.streams.map(
      ({ url, isForAll }) =>
        isForAll &&
        `${nameOf({ method: "GET", url })} goes on after the logout. A stranger can open it, too, so it can't be told whose it is.`,
    ),
    race: [
      ...bitten.map(({ request }) => `A late ${request} undoes the logout.`),
      isStill &&
        isLate &&
        `${whatOf(setter)} was in flight when ${hop ? nameOf(hop) : "the logout"} was answered, and has set the session again.`,
    ],
    "mirror-race": [
      ...thrown.map(
        ({ request }) =>
          `When somebody else has logged in meanwhile, a late ${request} ends their session.`,
      ),
      race?.afterLateLogout === "nobody" &&
        `A script sends ${hop ? nameOf(hop) : "the logout"}. When somebody logs in before that is answered, its answer ends their session.`,
    ],
  };
  return seen;
}

const NOBODY: Login = {
  ...{ hops: [], use: [], looks: [], needed: [], isInCookies: false },
};

const NOTHING: Logout = {
  ...{
    trail: [],
    before: [],
    left: [],
    own: [],
    looks: [],
    isIn: false,
    credentials: [],
    stored: [],
  },
  ...{
    atOnce: "unknown",
    shown: { who: "unknown" },
    isForAll: false,
    streams: [],
    isShownByBack: false,
  },
};

/** The names of all causes. */
export const ROWS = Object.keys(seenOf({ login: NOBODY }, NOTHING));

/** Names what is wrong, by what was seen; it may be more than one thing. */
export function diagnose(facts: Facts): Diagnosis[] {
  const second = facts.race?.second;
  const { race: _, ...rest } = facts;
  const rounds = [
    seenOf(facts, facts.logout ?? NOTHING),
    second ? seenOf({ login: rest.login }, second) : {},
  ];
  const all = rounds.flatMap((round, at) =>
    Object.entries(round).flatMap(([name, lines]): Diagnosis[] => {
      const seen = lines
        .filter((line) => typeof line === "string")
        .map(printable);
      const level = NOTES.includes(name) ? "note" : "found";
      if (seen.length === 0 || (at > 0 && rounds[0]?.[name]?.some(Boolean)))
        return [];
      const told =
        at > 0 ? seen.map((line) => `The second time: ${line}`) : seen;
      return [{ name, level, seen: told, ...sectionOf(name) }];
    }),
  );
  // What the back button shows is no news where all is well.
  const isFound = all.some(({ level }) => level === "found");
  return all.filter(({ name }) => isFound || name !== "back-shows-it");
}

/** Finds what the post says of a cause: it has a section for each, with what to do at its end. */
export function sectionOf(
  name: string,
): Pick<Diagnosis, "title" | "advice" | "link"> {
  const text = readFileSync(join(ROOT, POST), "utf8");
  const sections = text.split(/^### /m).slice(1);
  const section = sections.find((one) => one.includes(`\`${name}\``)) ?? "";
  const [title = ""] = section.split("\n");
  const [, advice = ""] =
    section.match(/\*\*Do:\*\*\s*([\s\S]*?)(?:\n\n|$)/) ?? [];
  const plain = advice
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/[*`]/g, "")
    .replace(/\s+/g, " ");
  const anchor = title
    .toLowerCase()
    .replace(/[^\w\s-]/g, "")
    .trim()
    .replace(/\s+/g, "-");
  return { title, advice: plain.trim(), link: `${POST}#${anchor}` };
}
