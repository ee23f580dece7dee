import { Cookie } from "tough-cookie";
import type { RuleName, Stage } from "../base/results.ts";
import { type App, answerInWords, Browser } from "../bed/browser.ts";
import { effectOf } from "../bed/held-request.ts";
import type { Answer, InFlight, Outgoing } from "../bed/http.ts";
import {
  type Deed,
  type Flight,
  type History,
  isLogin,
  STAGES,
} from "./history.ts";
import { type AnswerFacts, type Entry, Ledger } from "./ledger.ts";
import { LiveHistories } from "./live-histories.ts";
import { letGo } from "./more-routes.ts";
import { type Break, judge } from "./rules.ts";

/** One thing that has happened, and what was seen of it. */
export interface Happened extends Flight {
  /** Which of the flights it was, from 1, in the order in which they began. */
  nr: number;
  stage: Stage;
  /** When it was sent: whether the session cookie went along. */
  withCookie?: boolean;
  /** When it was answered, or stored. */
  answer?: AnswerFacts;
}

/** What came of a history. */
export interface Played extends Pick<Ledger, "excused" | "doubted"> {
  /** How many of its steps were played. */
  steps: number;
  events: Happened[];
  /** The rules that it breaks, each once. */
  breaks: Break[];
}

/**
 * Plays a history with browsers of its own, and then looks in each of them who is logged in. Each
 * login goes all the way through the provider.
 * @param app a snippet that was started after more-routes.ts was loaded
 * @param options.until it is not played any further when this rule is broken
 * @param options.live the histories that are played at the same time. Without it, this one has to end
 * before the next one begins, since some remedies know users and not sessions.
 * @throws {Error} when the snippet does not answer at all
 */
export async function playHistory(
  app: App,
  { flights, steps }: History,
  options: { until?: RuleName; live?: LiveHistories } = {},
): Promise<Played> {
  const { until, live = new LiveHistories() } = options;
  const game = new Game(app, live, until);
  live.all.add(game);
  const attempts = new Map<Flight, Attempt>();
  const attemptAt = (flight: Flight) => {
    const nr = attempts.size + 1;
    const attempt = attempts.get(flight) ?? new Attempt(game, flight, nr);
    attempts.set(flight, attempt);
    return attempt;
  };
  try {
    for (const { flight, to } of steps) {
      const planned = flights[flight] as Flight;
      const attempt = attemptAt(planned);
      if (planned.deed === "13 hours pass") await attempt.pass();
      else await live.turn(() => attempt.go(to));
      game.played.steps += 1;
      if (game.isOver()) return game.played;
    }
    for (const browser of [...game.browsers.keys()].sort()) {
      // Each server is asked, since each attempt goes to the other one.
      for (const _ of app.otherURL ? [1, 2] : [1]) {
        const look = attemptAt({ browser, deed: "GET /look" });
        await live.turn(() => look.go("stored"));
      }
    }
    return game.played;
  } finally {
    for (const attempt of attempts.values()) await attempt.clearUp();
    live.all.delete(game);
  }
}

/** A history that is being played. */
class Game {
  readonly app: App;
  readonly live: LiveHistories;
  readonly ledger = new Ledger();
  readonly played: Played;
  readonly browsers = new Map<Flight["browser"], Browser>();
  /** The last login at the provider, by browser. */
  readonly atProvider: (Entry | undefined)[] = [];
  loginsInFlight = 0;
  readonly #until: RuleName | undefined;

  constructor(app: App, live: LiveHistories, until?: RuleName) {
    this.app = app;
    this.live = live;
    this.#until = until;
    const { excused, doubted } = this.ledger;
    this.played = { steps: 0, events: [], breaks: [], excused, doubted };
  }

  /** Judges an answer. After a mistake it goes on from there, so that one is not told as two. */
  judge(entry: Entry, answer: AnswerFacts): void {
    const { breaks } = this.played;
    const found = judge(entry, answer, this.ledger);
    const isNew = ({ rule }: Break) => !breaks.some((one) => one.rule === rule);
    breaks.push(...found.filter(isNew));
    if (found.length > 0) this.ledger.believe(entry, answer);
  }

  /** Whether nothing more is to be learned. */
  isOver = (): boolean =>
    this.played.breaks.some(({ rule }) => rule === this.#until);
}

/** Whether it is a request to a route of the app. The library has its own for logins and logouts. */
const isToApp = (deed: Deed) => deed.includes("/");

/** A flight that is being played. */
class Attempt {
  readonly #game: Game;
  readonly #flight: Flight;
  readonly #nr: number;
  readonly #hold = crypto.randomUUID();
  #stage = -1;
  #entry!: Entry;
  #request!: Outgoing;
  #inFlight?: InFlight;
  #nonce = "";
  #raw!: Answer;
  #answer!: AnswerFacts;

  constructor(game: Game, flight: Flight, nr: number) {
    this.#game = game;
    this.#flight = flight;
    this.#nr = nr;
  }

  get #browser() {
    const { browsers, app } = this.#game;
    const browser = browsers.get(this.#flight.browser) ?? new Browser(app);
    browsers.set(this.#flight.browser, browser);
    return browser;
  }

  /** Brings it so far, through all that comes before. */
  async go(to: Stage): Promise<void> {
    const last = STAGES.indexOf(to);
    while (this.#stage < last && !this.#game.isOver()) {
      this.#stage += 1;
      const stage = STAGES[this.#stage] as Stage;
      // The library's own routes answer at once, and what is not held need not be seen there.
      const isSeen = isToApp(this.#flight.deed) && this.#stage === last;
      if (stage === "received" && !isSeen) continue;
      const seen = await this.#do[stage]();
      if (!seen) return;
      this.#tell(stage, seen);
    }
  }

  #tell(stage: Stage, seen: Partial<Happened>): void {
    const { events } = this.#game.played;
    events.push({ ...this.#flight, nr: this.#nr, stage, ...seen });
  }

  /** Lets time pass, once. */
  async pass(): Promise<void> {
    if (this.#stage >= 0) return;
    this.#stage = STAGES.length;
    if (await this.#game.live.pass(13)) this.#tell("stored", {});
  }

  readonly #do = {
    sent: async () => {
      const { ledger, atProvider } = this.#game;
      const { deed, browser } = this.#flight;
      const item = `${deed.split("/")[1] ?? "login"} ${this.#nr}`;
      if (isLogin(deed)) this.#game.loginsInFlight += 1;
      const request = await (isLogin(deed)
        ? this.#goToCallback()
        : this.#compose(item));
      if (!request) return this.#giveUp();
      this.#request = request;
      const withCookie = /\bappSession/.test(request.headers.cookie ?? "");
      this.#entry = ledger.sent(this.#flight, item, withCookie);
      if (isLogin(deed)) atProvider[browser] = this.#entry;
      return { withCookie };
    },
    received: async () => {
      if (!this.#request.body) this.#request.headers["x-hold"] = this.#hold;
      this.#inFlight = this.#browser.send(this.#request);
      await this.#inFlight.received;
      this.#game.ledger.received(this.#entry);
      return {};
    },
    answered: async () => {
      const { ledger } = this.#game;
      letGo(this.#hold);
      if (!this.#inFlight) ledger.received(this.#entry);
      this.#inFlight ??= this.#browser.send(this.#request);
      this.#raw = await this.#inFlight.finish();
      this.#answer = this.#read();
      if (isLogin(this.#flight.deed)) this.#game.loginsInFlight -= 1;
      ledger.answered(this.#entry, this.#answer);
      this.#game.judge(this.#entry, this.#answer);
      return { answer: this.#answer };
    },
    stored: async () => {
      await this.#browser.store(this.#request, this.#raw);
      this.#game.ledger.stored(this.#entry, this.#answer);
      if (this.#flight.deed === "logout") await this.#leaveProvider();
      return { answer: this.#answer };
    },
  };

  #hasFailed = ({ status }: Answer) =>
    status === 503 && this.#game.live.mayFail;

  /** Who can't begin to log in does not go on with it. */
  #giveUp(): undefined {
    this.#stage = STAGES.length;
    this.#game.loginsInFlight -= 1;
  }

  /** An address at one server of two, each in its turn. */
  #urlOf(path: string): URL {
    const { baseURL, otherURL = baseURL } = this.#game.app;
    return new URL(path, this.#nr % 2 ? otherURL : baseURL);
  }

  /** Makes a request such as `POST /basket`, `page /look` or `logout`. */
  #compose(item: string): Promise<Outgoing> {
    const { deed } = this.#flight;
    const [word = "", path = "/logout"] = deed.split(" ");
    const url = this.#urlOf(path);
    if (deed === "page /basket") url.searchParams.set("item", item);
    const mode = /GET|POST/.test(word) ? "cors" : "navigate";
    return word === "POST"
      ? this.#browser.compose(mode, word, url.href, { item })
      : this.#browser.compose(mode, "GET", url.href);
  }

  /** Logs in at the provider, as somebody whom it does not know yet, and goes no further. */
  async #goToCallback(): Promise<Outgoing | undefined> {
    const browser = this.#browser;
    const [user = ""] = this.#flight.deed.split(" ");
    const { href: login } = this.#urlOf("/login");
    const request = await browser.compose("navigate", "GET", login);
    const answer = await browser.exchange(request);
    if (this.#hasFailed(answer)) return undefined;
    if (answer.status !== 302) throw new Error(answerInWords(request, answer));
    const { origin, searchParams } = new URL(answer.headers.location ?? "");
    this.#nonce = searchParams.get("nonce") ?? "";
    await browser.forgetSite(origin);
    const end = "/callback";
    const { href } = await browser.chooseUser(user, request, answer, end);
    return browser.compose("navigate", "GET", href);
  }

  /** Logs out at the provider, too, if it is this session's login that it knows. */
  async #leaveProvider(): Promise<void> {
    const { session } = this.#entry;
    const last = this.#game.atProvider[this.#flight.browser];
    if (!session || last?.begun !== session) return;
    const left = this.#browser.leaveProvider(this.#request, this.#raw);
    await left.catch((error: Error) => {
      // The way leads back to the app.
      if (!this.#game.live.mayFail || !/ with 503 /.test(error.message))
        throw error;
    });
  }

  #read(): AnswerFacts {
    const { status, headers, body } = this.#raw;
    const { deed } = this.#flight;
    const isTold = isToApp(deed) && status === 200;
    const told = isTold ? JSON.parse(body) : undefined;
    const { cookie = "" } = this.#request.headers;
    const values = (headers["set-cookie"] ?? []).flatMap(
      (text) => text.match(/^appSession(?:\.\d)?=([^;]+)/)?.[1] ?? [],
    );
    const hasFailed = this.#hasFailed(this.#raw);
    return {
      ...(hasFailed && { hasFailed }),
      ...(told && "login" in told && { told }),
      ...(isLogin(deed) && status === 302 && { login: this.#nonce }),
      cookie: effectOf(this.#raw),
      keepsCookie: values.some((value) => cookie.includes(value)),
      oddities: findOddities(deed, this.#raw, hasFailed),
    };
  }

  /** Lets a request end that is held. Nobody looks at what comes of it. */
  async clearUp(): Promise<void> {
    letGo(this.#hold);
    await this.#inFlight?.finish();
  }
}

/**
 * Finds what an answer has not as the library and the app have it, in a phrase each.
 * @param hasFailed it says that it could not be done: then it costs nobody the session
 */
export function findOddities(
  deed: Deed,
  { status, headers }: Answer,
  hasFailed = false,
): string[] {
  const all = (headers["set-cookie"] ?? []).flatMap(
    (header) => Cookie.parse(header) ?? [],
  );
  const oddityOf = ({ key, value, path, ...cookie }: Cookie) => {
    if (!/^appSession(\.\d)?$/.test(key)) return false;
    if (hasFailed) return `a failed request touches ${key}`;
    const { httpOnly, sameSite, secure } = cookie;
    // Browsers don't look at the others when a cookie is cleared.
    const isRight = !value || (httpOnly && sameSite === "lax" && !secure);
    return (path !== "/" || !isRight) && `${key} has other attributes`;
  };
  const expected = isToApp(deed) ? 200 : 302;
  const isDone = isToApp(deed) && status === 200;
  const hasMore = all.some(({ key }) => key === "last-route");
  return [
    !hasFailed && status !== expected && `the status is ${status}`,
    ...all.map(oddityOf),
    isDone && !hasMore && "another cookie is missing",
    isDone && !headers["x-last-route"] && "a header is missing",
  ].filter((phrase) => typeof phrase === "string");
}
