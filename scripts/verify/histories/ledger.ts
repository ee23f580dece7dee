import type { CookieEffect } from "../../client/cookie-effect.ts";
import type { Told } from "../../servers/inside/more-routes.ts";
import type { Deed, Flight } from "./history.ts";

/** What was seen of a response. */
export interface Answer {
  /** What the route tells of the session; undefined where it can't, or is the library's own. */
  told?: Told;
  /** What it does to the session cookie. */
  cookie: CookieEffect;
  /** A login that has come about, by its nonce. */
  login?: string;
  /** The session cookie has the value that the request came with. */
  keepsCookie: boolean;
  /** What is not as the library has it, in a phrase each. */
  oddities: string[];
  /** It says that it could not be done, while something was wrong with Redis. */
  hasFailed?: boolean;
}

/** What one login begins, or somebody who is not logged in; the cookie of one browser stands for it. */
export interface Session {
  user: string | null;
  /** When it has ended, as a number of events. */
  endedAt?: number;
  /** Something that ends it came with a cookie that may have expired, so nobody knows. */
  isUnsure?: boolean;
  /** Something was wrong with Redis, and so nobody knows. */
  doubt?: Doubt;
}

/** Something that was written into a session. */
interface Item {
  /** Who wrote it; null for somebody who had not logged in yet, in that browser. */
  user: string | null;
  browser: number;
  session?: Session | undefined;
  /** Something takes its place, as a new access token does. */
  isReplaced: boolean;
}

/** Why no server can keep a thing from happening: see {@link EXCUSES}. */
export type Excuse = keyof typeof EXCUSES;

/**
 * What no server can prevent. Each cookie is right when the server sends it, and on its way back
 * while somebody logs in, whose cookie it replaces then. They are out, and nobody else is in.
 */
export const EXCUSES = {
  "logout cookie": "a logout's cookie arrives after the next user's login",
  "changed cookie": "a changed session's cookie arrives after that login",
  "renewed cookie": "an extended session's cookie arrives after that login",
  "begun cookie": "the cookie of a basket without a login arrives after it",
  "expired cookie": "a page load that took a day clears an extended cookie",
  "undone change": "an extended session's cookie undoes a change",
  "two logins": "two logins at once: the first session lives on",
  "two writes": "two changes of one session at once: the last one counts",
};

/** Why nobody knows whether a session has ended: see {@link DOUBTS}. */
export type Doubt = keyof typeof DOUBTS;

/** What a Redis costs that is gone for a while, or comes back empty. */
export const DOUBTS = {
  "failed request": "a logout or a login failed, and may have ended a session",
  "emptied store": "the sessions are lost, and their users are out",
  "emptied list": "what had ended is lost, and old cookies are good again",
};

/** A request that somebody has made, and what was true of it. */
export interface Visit extends Flight {
  item: string;
  /** The session that the browser had when it was sent, as far as anybody can know. */
  session: Session | undefined;
  /** Who had logged in last in the browser then. */
  lastUser: string | null;
  /** What the session has to have, with the request that wrote it. */
  kept: Map<string, Visit>;
  /** Whether it came with a session cookie. */
  withCookie: boolean;
  /** Since when the cookie that it came with is good, in hours. */
  goodSince: number;
  /** What was in flight with it, in the same browser. */
  alongside: Set<Visit>;
  receivedAt: number;
  /** The cookie that it came with had not expired when it was received. */
  isGood: boolean;
  /** The session had to be good when it was received. */
  mustBeIn: boolean;
  answeredAtHour: number;
  /** The cookie of the response was right, but may come too late. */
  excuse?: Excuse | undefined;
  /** The session that the response has begun. */
  begun?: Session | undefined;
  /** What Redis has lost while it was under way. */
  shaken?: Doubt;
}

interface BrowserState {
  session?: Session | undefined;
  lastUser: string | null;
  goodSince: number;
  kept: Map<string, Visit>;
  open: Set<Visit>;
}

/** Sessions that nobody uses live for a day. Some are renewed only when half of it is over. */
const HALF_LIFE_HOURS = 13;
const LIFE_HOURS = 24;

const isLogin = (deed: Deed) => deed.endsWith("logs in");
/** Whoever is not logged in may go to the logout, too, and that is a page load like any other. */
const isPage = (deed: Deed) => deed.startsWith("page") || deed === "logout";
const isChange = (deed: Deed) => /basket|token/.test(deed);
const isAlive = (session?: Session) =>
  session !== undefined && !session.isUnsure && session.endedAt === undefined;
/** As far as anybody can know. */
const mayLive = (session?: Session) =>
  isAlive(session) || session?.doubt !== undefined;

/** Keeps account of one history: who has logged in where, what has ended, who wrote what. */
export class Ledger {
  readonly sessions = new Map<string, Session>();
  readonly items = new Map<string, Item>();
  readonly excused: Excuse[] = [];
  readonly doubted: Doubt[] = [];
  #events = 0;
  #hours = 0;
  readonly #browsers = [1, 2].map(
    (): BrowserState => ({
      lastUser: null,
      goodSince: 0,
      kept: new Map(),
      open: new Set(),
    }),
  );

  #browserOf = ({ browser }: Flight) =>
    this.#browsers[browser - 1] as BrowserState;

  pass(hours: number): void {
    this.#hours += hours;
  }

  /** Takes down that Redis has lost all that it had. */
  lose(doubt: "emptied store" | "emptied list"): void {
    const isOfEnded = doubt === "emptied list";
    for (const session of this.sessions.values()) {
      if ((session.endedAt !== undefined) === isOfEnded)
        doubtIt(session, doubt);
    }
    for (const { open } of this.#browsers) {
      for (const visit of open) {
        visit.shaken = doubt;
        if (visit.session?.doubt) visit.mustBeIn = false;
      }
    }
  }

  /**
   * Takes down that a request is made.
   * @param item what it writes, if it does
   * @param withCookie whether a session cookie goes along
   */
  sent(flight: Flight, item: string, withCookie: boolean): Visit {
    const browser = this.#browserOf(flight);
    const isOver = this.#hours - browser.goodSince >= LIFE_HOURS;
    // Other responses may have cleared the cookie of one that has ended.
    const isForgotten = !withCookie && !isAlive(browser.session);
    if (isOver || isForgotten) {
      browser.session = undefined;
      browser.kept.clear();
    }
    const { session, lastUser, goodSince, open } = browser;
    const visit: Visit = {
      ...flight,
      item,
      session,
      lastUser,
      kept: new Map(browser.kept),
      withCookie,
      goodSince,
      alongside: new Set(open),
      receivedAt: 0,
      isGood: false,
      mustBeIn: false,
      answeredAtHour: 0,
    };
    for (const other of open) other.alongside.add(visit);
    open.add(visit);
    this.items.set(item, {
      user: session?.user ?? null,
      browser: flight.browser,
      session,
      isReplaced: false,
    });
    // Each login brings a token of its own, too.
    if (flight.deed === "POST /token" || isLogin(flight.deed)) {
      for (const item of browser.kept.keys()) {
        const known = this.items.get(item) as Item;
        if (item.startsWith("token")) known.isReplaced = true;
      }
    }
    return visit;
  }

  received(visit: Visit): void {
    const { session, goodSince } = visit;
    this.#events += 1;
    visit.receivedAt = this.#events;
    visit.isGood = this.#hours - goodSince <= HALF_LIFE_HOURS;
    visit.mustBeIn = isAlive(session) && visit.isGood;
  }

  answered(visit: Visit, { told, cookie, login, hasFailed }: Answer): void {
    this.#events += 1;
    visit.answeredAtHour = this.#hours;
    const { session, deed, mustBeIn } = visit;
    if (hasFailed) {
      const isEnding = isLogin(deed) || deed === "logout";
      if (isEnding && isAlive(session)) doubtIt(session, "failed request");
      return;
    }
    if (told) this.#countDoubt(visit, told);
    const item = this.items.get(visit.item) as Item;
    const isStillIn = mustBeIn && isAlive(session);
    const isDue = this.#hours - visit.goodSince >= HALF_LIFE_HOURS;
    if (deed === "logout" && session?.user) {
      if (isStillIn || session.doubt) visit.excuse = "logout cookie";
      // Without its cookie, the server does not know whose logout it is.
      const isKnown = mustBeIn || (visit.isGood && mayLive(session));
      this.#end(visit, visit.withCookie && isKnown);
    } else if (login) {
      this.#begin(visit, login);
    } else if (isStillIn) {
      if (isPage(deed) || isDue) visit.excuse = "renewed cookie";
      if (isChange(deed) && told?.isDone) visit.excuse = "changed cookie";
    } else if (told && (!session || isPage(deed))) {
      visit.excuse = "begun cookie";
      // The server can't tell this page load from that of whoever comes next.
      if (told.isDone) item.user = null;
    }
    if (told && !told.login && cookie.effect === "set" && !isStillIn) {
      visit.begun = { user: null };
      this.sessions.set(visit.item, visit.begun);
      if (!session?.user) item.session = visit.begun;
    }
    if (visit.begun !== session) doubtIt(visit.begun, visit.shaken);
  }

  /** Counts what would break a rule, if Redis had lost nothing. */
  #countDoubt({ session, receivedAt }: Visit, told: Told): void {
    const seen = this.sessions.get(told.login ?? "");
    if (seen?.doubt && (seen.endedAt ?? receivedAt) < receivedAt)
      this.doubted.push(seen.doubt);
    const isOut = seen !== session && session?.endedAt === undefined;
    if (isOut && session?.user && session.doubt)
      this.doubted.push(session.doubt);
  }

  /** Whether a route tells of a session that had ended, which the list does not know any more. */
  isForgotten(told?: Told): boolean {
    const { endedAt, doubt } = this.sessions.get(told?.login ?? "") ?? {};
    return endedAt !== undefined && doubt !== undefined;
  }

  /** A login goes on with the session of the same user, or begins one with what is in an anonymous one. */
  #begin(visit: Visit, nonce: string): void {
    const user = visit.deed.split(" ")[0] as string;
    const { session } = visit;
    const goesOn = isAlive(session) && session?.user === user;
    const takesOver = isAlive(session) && session?.user === null;
    visit.begun = goesOn ? session : { user };
    for (const item of this.items.values()) {
      if (takesOver && item.session === session) item.user ??= user;
    }
    if (!goesOn) this.#end(visit, visit.mustBeIn);
    if (!goesOn && !takesOver) visit.kept.clear();
    // It may be the same one all the same, which whatever ends one of them ends.
    if (session?.user === user && session.doubt !== "emptied store")
      doubtIt(visit.begun, session.doubt);
    this.sessions.set(nonce, visit.begun as Session);
  }

  #end({ session, shaken }: Visit, isSure: boolean): void {
    if (!session) return;
    if (shaken) doubtIt(session, shaken);
    else if (!isSure) session.isUnsure = true;
    else {
      if (session.doubt) delete session.endedAt;
      delete session.doubt;
      session.endedAt ??= this.#events;
    }
  }

  stored(visit: Visit, { told, cookie, login, hasFailed }: Answer): void {
    const browser = this.#browserOf(visit);
    browser.open.delete(visit);
    if (hasFailed) return;
    const { session, begun, deed, excuse, item, answeredAtHour } = visit;
    if (login && begun === session && cookie.effect === "untouched") return;
    if (login && begun) {
      browser.kept = visit.kept;
      browser.session = begun;
      browser.lastUser = begun.user;
      browser.goodSince = answeredAtHour;
    } else if (deed === "logout" && session === browser.session) {
      if (!session?.user) return;
      browser.session = undefined;
      browser.kept.clear();
    } else if (cookie.effect !== "untouched") {
      const isOthers = browser.session !== session;
      const isBack = mayLive(session) && cookie.effect === "set";
      const isOlder = visit.goodSince < browser.goodSince && !visit.isGood;
      if (!isOthers && isOlder && cookie.effect === "cleared") {
        browser.session = undefined;
        browser.kept.clear();
        this.excused.push("expired cookie");
        return;
      }
      if (isOthers && isAlive(browser.session) && browser.session?.user) {
        if (session?.doubt) this.doubted.push(session.doubt);
        else if (!excuse) return;
        else this.excused.push(isBack && session?.user ? "two logins" : excuse);
      }
      if (isOthers || begun) {
        browser.session = begun ?? (isBack ? session : undefined);
        browser.lastUser = browser.session?.user ?? browser.lastUser;
        browser.kept.clear();
      }
      if (cookie.effect === "set") browser.goodSince = answeredAtHour;
    }
    const isKept = told?.isDone && isChange(deed);
    const isHere = browser.session === (begun ?? session);
    if (!isKept || !isHere || !isAlive(browser.session)) return;
    browser.kept.set(item, visit);
  }

  /** Goes on from what an answer tells, after that has broken a rule. */
  believe(visit: Visit, { told }: Answer): void {
    const browser = this.#browserOf(visit);
    if (!told || browser.session !== visit.session) return;
    browser.session = this.sessions.get(told.login ?? "");
    browser.kept.clear();
  }

  /** Finds what a session has to have and does not; what can be excused is counted, and forgotten. */
  lost({ kept, mustBeIn, ...visit }: Visit, told: Told): string[] {
    if (!mustBeIn) return [];
    return [...kept].flatMap(([item, writer]) => {
      const isThere = [...told.basket, told.token].includes(item);
      if (isThere || this.items.get(item)?.isReplaced) return [];
      const excuse = whyLost(writer);
      if (!excuse) return item;
      if (this.#browserOf(visit).kept.delete(item)) this.excused.push(excuse);
      return [];
    });
  }
}

function doubtIt(session?: Session, doubt?: Doubt): void {
  if (session && doubt) Object.assign(session, { isUnsure: true, doubt });
}

/** Why a change may be lost, although it has been answered: something else went on at the same time. */
function whyLost({ alongside }: Visit): Excuse | undefined {
  const others = [...alongside];
  const isChanging = ({ deed }: Visit) =>
    isChange(deed) || isLogin(deed) || deed === "logout";
  if (others.some(isChanging)) return "two writes";
  const isRenewed = others.some(({ excuse }) => excuse === "renewed cookie");
  return isRenewed ? "undone change" : undefined;
}
