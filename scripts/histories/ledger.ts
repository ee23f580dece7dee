import type { CookieEffect, Doubt, Excuse } from "../base/results.ts";
import { type Deed, type Flight, isLogin } from "./history.ts";
import type { Told } from "./more-routes.ts";

/** What the rules go by in an answer. */
export interface AnswerFacts {
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
export interface LedgerSession {
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
  session?: LedgerSession | undefined;
  /** Something takes its place, as a new access token does. */
  isReplaced: boolean;
}

/** The entry of one request, with what was true of it. */
export interface Entry extends Flight {
  item: string;
  /** The session that the browser had when it was sent, as far as anybody can know. */
  session: LedgerSession | undefined;
  /** Who had logged in last in the browser then. */
  lastUser: string | null;
  /** What the session has to have, with the request that wrote it. */
  kept: Map<string, Entry>;
  /** Whether it came with a session cookie. */
  withCookie: boolean;
  /** Since when the cookie that it came with is good, in hours. */
  goodSince: number;
  /** What was in flight with it, in the same browser. */
  alongside: Set<Entry>;
  receivedAt: number;
  /** The cookie that it came with had not expired when it was received. */
  isGood: boolean;
  /** The session had to be good when it was received. */
  mustBeIn: boolean;
  answeredAtHour: number;
  /** The cookie of the response was right, but may come too late. */
  excuse?: Excuse | undefined;
  /** The session that the response has begun. */
  begun?: LedgerSession | undefined;
  /** What Redis has lost while it was under way. */
  shaken?: Doubt;
}

class BrowserState {
  session?: LedgerSession | undefined;
  lastUser: string | null = null;
  goodSince = 0;
  kept = new Map<string, Entry>();
  readonly open = new Set<Entry>();
}

/** Sessions that nobody uses live for a day. Some are renewed only when half of it is over. */
const HALF_LIFE_HOURS = 13;
const LIFE_HOURS = 24;

/** Whoever is not logged in may go to the logout, too, and that is a page load like any other. */
const isPage = (deed: Deed) => deed.startsWith("page") || deed === "logout";
const isChange = (deed: Deed) => /basket|token/.test(deed);
const isAlive = (session?: LedgerSession) =>
  session !== undefined && !session.isUnsure && session.endedAt === undefined;
/** As far as anybody can know. */
const mayLive = (session?: LedgerSession) =>
  isAlive(session) || session?.doubt !== undefined;

/** Keeps account of one history: who has logged in where, what has ended, who wrote what. */
export class Ledger {
  readonly sessions = new Map<string, LedgerSession>();
  readonly items = new Map<string, Item>();
  readonly excused: Excuse[] = [];
  readonly doubted: Doubt[] = [];
  #events = 0;
  #hours = 0;
  readonly #browsers = [new BrowserState(), new BrowserState()];

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
      for (const entry of open) {
        entry.shaken = doubt;
        if (entry.session?.doubt) entry.mustBeIn = false;
      }
    }
  }

  /**
   * Takes down that a request is made.
   * @param item what it writes, if it does
   * @param withCookie whether a session cookie goes along
   */
  sent(flight: Flight, item: string, withCookie: boolean): Entry {
    const browser = this.#browserOf(flight);
    const isOver = this.#hours - browser.goodSince >= LIFE_HOURS;
    // Other responses may have cleared the cookie of one that has ended.
    const isForgotten = !withCookie && !isAlive(browser.session);
    if (isOver || isForgotten) {
      browser.session = undefined;
      browser.kept.clear();
    }
    const { session, lastUser, goodSince, open } = browser;
    const entry: Entry = {
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
    for (const other of open) other.alongside.add(entry);
    open.add(entry);
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
    return entry;
  }

  received(entry: Entry): void {
    const { session, goodSince } = entry;
    this.#events += 1;
    entry.receivedAt = this.#events;
    entry.isGood = this.#hours - goodSince <= HALF_LIFE_HOURS;
    entry.mustBeIn = isAlive(session) && entry.isGood;
  }

  answered(
    entry: Entry,
    { told, cookie, login, hasFailed }: AnswerFacts,
  ): void {
    this.#events += 1;
    entry.answeredAtHour = this.#hours;
    const { session, deed, mustBeIn } = entry;
    if (hasFailed) {
      const isEnding = isLogin(deed) || deed === "logout";
      if (isEnding && isAlive(session)) doubtIt(session, "failed request");
      return;
    }
    if (told) this.#countDoubt(entry, told);
    const item = this.items.get(entry.item) as Item;
    const isStillIn = mustBeIn && isAlive(session);
    const isDue = this.#hours - entry.goodSince >= HALF_LIFE_HOURS;
    if (deed === "logout" && session?.user) {
      if (isStillIn || session.doubt) entry.excuse = "logout cookie";
      // Without its cookie, the server does not know whose logout it is.
      const isKnown = mustBeIn || (entry.isGood && mayLive(session));
      this.#end(entry, entry.withCookie && isKnown);
    } else if (login) {
      this.#begin(entry, login);
    } else if (isStillIn) {
      if (isPage(deed) || isDue) entry.excuse = "renewed cookie";
      if (isChange(deed) && told?.isDone) entry.excuse = "changed cookie";
    } else if (told && (!session || isPage(deed))) {
      entry.excuse = "begun cookie";
      // The server can't tell this page load from that of whoever comes next.
      if (told.isDone) item.user = null;
    }
    if (told && !told.login && cookie.effect === "set" && !isStillIn) {
      entry.begun = { user: null };
      this.sessions.set(entry.item, entry.begun);
      if (!session?.user) item.session = entry.begun;
    }
    if (entry.begun !== session) doubtIt(entry.begun, entry.shaken);
  }

  /** Counts what would break a rule, if Redis had lost nothing. */
  #countDoubt({ session, receivedAt }: Entry, told: Told): void {
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
  #begin(entry: Entry, nonce: string): void {
    const user = entry.deed.split(" ")[0] as string;
    const { session } = entry;
    const goesOn = isAlive(session) && session?.user === user;
    const takesOver = isAlive(session) && session?.user === null;
    entry.begun = goesOn ? session : { user };
    for (const item of this.items.values()) {
      if (takesOver && item.session === session) item.user ??= user;
    }
    if (!goesOn) this.#end(entry, entry.mustBeIn);
    if (!goesOn && !takesOver) entry.kept.clear();
    // It may be the same one all the same, which whatever ends one of them ends.
    if (session?.user === user && session.doubt !== "emptied store")
      doubtIt(entry.begun, session.doubt);
    this.sessions.set(nonce, entry.begun as LedgerSession);
  }

  #end({ session, shaken }: Entry, isSure: boolean): void {
    if (!session) return;
    if (shaken) doubtIt(session, shaken);
    else if (!isSure) session.isUnsure = true;
    else {
      if (session.doubt) delete session.endedAt;
      delete session.doubt;
      session.endedAt ??= this.#events;
    }
  }

  stored(entry: Entry, { told, cookie, login, hasFailed }: AnswerFacts): void {
    const browser = this.#browserOf(entry);
    browser.open.delete(entry);
    if (hasFailed) return;
    const { session, begun, deed, excuse, item, answeredAtHour } = entry;
    if (login && begun === session && cookie.effect === "untouched") return;
    if (login && begun) {
      browser.kept = entry.kept;
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
      const isOlder = entry.goodSince < browser.goodSince && !entry.isGood;
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
    browser.kept.set(item, entry);
  }

  /** Goes on from what an answer tells, after that has broken a rule. */
  believe(entry: Entry, { told }: AnswerFacts): void {
    const browser = this.#browserOf(entry);
    if (!told || browser.session !== entry.session) return;
    browser.session = this.sessions.get(told.login ?? "");
    browser.kept.clear();
  }

  /** Finds what a session has to have and does not; what can be excused is counted, and forgotten. */
  lost({ kept, mustBeIn, ...entry }: Entry, told: Told): string[] {
    if (!mustBeIn) return [];
    return [...kept].flatMap(([item, writer]) => {
      const isThere = [...told.basket, told.token].includes(item);
      if (isThere || this.items.get(item)?.isReplaced) return [];
      const excuse = whyLost(writer);
      if (!excuse) return item;
      if (this.#browserOf(entry).kept.delete(item)) this.excused.push(excuse);
      return [];
    });
  }
}

function doubtIt(session?: LedgerSession, doubt?: Doubt): void {
  if (session && doubt) Object.assign(session, { isUnsure: true, doubt });
}

/** Why a change may be lost, although it has been answered: something else went on at the same time. */
function whyLost({ alongside }: Entry): Excuse | undefined {
  const others = [...alongside];
  const isChanging = ({ deed }: Entry) =>
    isChange(deed) || isLogin(deed) || deed === "logout";
  if (others.some(isChanging)) return "two writes";
  const isRenewed = others.some(({ excuse }) => excuse === "renewed cookie");
  return isRenewed ? "undone change" : undefined;
}
