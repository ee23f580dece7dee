import { Browser } from "../../client/browser.ts";
import { effectOf } from "../../client/cookie-effect.ts";
import type {
  InFlight,
  Outgoing,
  Answer as Response,
} from "../../client/http.ts";
import type { Snippet } from "../../servers/snippet.ts";
import type { TwoProcesses } from "../../servers/two-processes.ts";
import { findOddities } from "./as-before.ts";
import {
  type Deed,
  type Flight,
  type History,
  STAGES,
  type Stage,
} from "./history.ts";
import {
  type Answer,
  type Doubt,
  type Excuse,
  Ledger,
  type Visit,
} from "./ledger.ts";
import { type Live, LiveHistories } from "./live-histories.ts";
import { type Break, judge, type RuleName } from "./reference.ts";

/** A snippet, or two processes of one, into which more-routes.ts is loaded. */
export type Playable = Snippet &
  Partial<Pick<TwoProcesses, "otherURL" | "both">>;

/** One thing that has happened, and what was seen of it. */
export interface Happened extends Flight {
  /** Which of the flights it was, from 1, in the order in which they began. */
  nr: number;
  stage: Stage;
  /** When it was sent: whether the session cookie went along. */
  withCookie?: boolean;
  /** When it was answered, or stored. */
  answer?: Answer;
}

/** What came of a history. */
export interface Played {
  /** How many of its steps were played. */
  steps: number;
  events: Happened[];
  /** The rules that it breaks, each once. */
  breaks: Break[];
  /** What happened that no server can prevent. */
  excused: Excuse[];
  /** What came of sessions of which nobody knows whether they have ended. */
  doubted: Doubt[];
}

const HOURS = 13;
const HOUR_MS = 60 * 60 * 1000;
const PATIENCE_MS = 300_000;

/**
 * Plays a history with browsers of its own, and then looks in each of them who is logged in. Each
 * login goes all the way through the provider.
 * @param options.until it is not played any further when this rule is broken
 * @param options.live the histories that are played at the same time. Without it, this one has to end
 * before the next one begins, since some remedies know users and not sessions.
 * @throws {Error} when the snippet does not answer at all
 */
export async function playHistory(
  snippet: Playable,
  { flights, steps }: History,
  {
    until,
    live = new LiveHistories(),
  }: { until?: RuleName; live?: LiveHistories } = {},
): Promise<Played> {
  const game = new Game(snippet, live, until);
  live.all.add(game);
  const attempts = new Map<number, Attempt>();
  try {
    for (const { flight, to } of steps) {
      const planned = flights[flight] as Flight;
      const attempt = attempts.get(flight) ?? game.begin(planned);
      attempts.set(flight, attempt);
      if (planned.deed === "13 hours pass") await attempt.pass();
      else await live.turn(() => attempt.go(to));
      game.played.steps += 1;
      if (game.isOver()) return game.played;
    }
    for (const browser of game.usedBrowsers()) {
      for (const _ of snippet.both ?? [snippet]) {
        const look = game.begin({ browser, deed: "GET /look" });
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
class Game implements Live {
  readonly snippet: Playable;
  readonly live: LiveHistories;
  readonly ledger = new Ledger();
  readonly played: Played;
  /** The last login at the provider, by browser. */
  readonly atProvider: (Visit | undefined)[] = [];
  loginsInFlight = 0;
  #count = 0;
  readonly #until: RuleName | undefined;
  readonly #browsers: (Browser | undefined)[] = [];

  constructor(snippet: Playable, live: LiveHistories, until?: RuleName) {
    this.snippet = snippet;
    this.live = live;
    this.#until = until;
    const { excused, doubted } = this.ledger;
    this.played = { steps: 0, events: [], breaks: [], excused, doubted };
  }

  /** Begins with a flight. */
  begin(flight: Flight): Attempt {
    this.#count += 1;
    return new Attempt(this, flight, this.#count);
  }

  /** Judges an answer. After a mistake it goes on from there, so that one is not told as two. */
  judge(visit: Visit, answer: Answer): void {
    const { breaks } = this.played;
    const found = judge(visit, answer, this.ledger);
    const isNew = ({ rule }: Break) => !breaks.some((one) => one.rule === rule);
    breaks.push(...found.filter(isNew));
    if (found.length > 0) this.ledger.believe(visit, answer);
  }

  /** Whether nothing more is to be learned. */
  isOver = (): boolean =>
    this.played.breaks.some(({ rule }) => rule === this.#until);

  browser(number: number): Browser {
    this.#browsers[number] ??= new Browser(this.snippet, PATIENCE_MS);
    return this.#browsers[number];
  }

  usedBrowsers = (): (1 | 2)[] =>
    ([1, 2] as const).filter((number) => this.#browsers[number]);
}

const ROUTES: Partial<
  Record<Deed, ["navigate" | "cors", "GET" | "POST", string]>
> = {
  logout: ["navigate", "GET", "/logout"],
  "GET /look": ["cors", "GET", "/look"],
  "POST /update": ["cors", "POST", "/update"],
  "POST /basket": ["cors", "POST", "/basket"],
  "POST /token": ["cors", "POST", "/token"],
  "page /look": ["navigate", "GET", "/look"],
  "page /basket": ["navigate", "GET", "/basket"],
};

/** A flight that is being played. */
class Attempt {
  readonly #game: Game;
  readonly #flight: Flight;
  readonly #nr: number;
  readonly #hold = crypto.randomUUID();
  #stage = -1;
  #visit!: Visit;
  #request!: Outgoing;
  #inFlight?: InFlight;
  #nonce = "";
  #response!: Response;
  #answer!: Answer;

  constructor(game: Game, flight: Flight, nr: number) {
    this.#game = game;
    this.#flight = flight;
    this.#nr = nr;
  }

  get #browser() {
    return this.#game.browser(this.#flight.browser);
  }
  get #isLogin() {
    return this.#flight.deed.endsWith("logs in");
  }

  /** Brings it so far, through all that comes before. */
  async go(to: Stage): Promise<void> {
    const last = STAGES.indexOf(to);
    while (this.#stage < last && !this.#game.isOver()) {
      this.#stage += 1;
      const stage = STAGES[this.#stage] as Stage;
      if (stage === "received") {
        // The library's own routes answer at once, and what is not held need not be seen there.
        if (!ROUTES[this.#flight.deed] || this.#flight.deed === "logout")
          continue;
        if (this.#stage < last) continue;
      }
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
    const { snippet, live } = this.#game;
    if (this.#stage >= 0) return;
    this.#stage = STAGES.length;
    const travel = () => snippet.travel(HOURS * HOUR_MS);
    if (await live.pass(HOURS, travel)) this.#tell("stored", {});
  }

  readonly #do = {
    sent: async () => {
      const { ledger, atProvider } = this.#game;
      const item = `${this.#flight.deed.split("/")[1] ?? "login"} ${this.#nr}`;
      if (this.#isLogin) this.#game.loginsInFlight += 1;
      const request = await (this.#isLogin
        ? this.#goToCallback()
        : this.#compose(item));
      if (!request) return this.#giveUp();
      this.#request = request;
      const { cookie = "" } = this.#request.headers;
      const withCookie = /\bappSession/.test(cookie);
      this.#visit = ledger.sent(this.#flight, item, withCookie);
      if (this.#isLogin) atProvider[this.#flight.browser] = this.#visit;
      return { withCookie };
    },
    received: async () => {
      if (!this.#request.body) this.#request.headers["x-hold"] = this.#hold;
      this.#inFlight = this.#browser.send(this.#request);
      await this.#inFlight.received;
      this.#game.ledger.received(this.#visit);
      return {};
    },
    answered: async () => {
      if (this.#inFlight) await this.#letGo();
      else this.#game.ledger.received(this.#visit);
      this.#inFlight ??= this.#browser.send(this.#request);
      this.#response = await this.#inFlight.finish();
      this.#answer = this.#read();
      if (this.#isLogin) this.#game.loginsInFlight -= 1;
      this.#game.ledger.answered(this.#visit, this.#answer);
      this.#game.judge(this.#visit, this.#answer);
      return { answer: this.#answer };
    },
    stored: async () => {
      await this.#browser.store(this.#request, this.#response);
      this.#game.ledger.stored(this.#visit, this.#answer);
      if (this.#flight.deed === "logout") await this.#leaveProvider();
      return { answer: this.#answer };
    },
  };

  #hasFailed = ({ status }: Response) =>
    status === 503 && this.#game.live.mayFail;

  /** Who can't begin to log in does not go on with it. */
  #giveUp(): undefined {
    this.#stage = STAGES.length;
    this.#game.loginsInFlight -= 1;
  }

  /** The address of one process of two, each in its turn. */
  get #baseURL() {
    const { baseURL, otherURL = baseURL } = this.#game.snippet;
    return this.#nr % 2 ? otherURL : baseURL;
  }

  #compose(item: string): Promise<Outgoing> {
    const [mode, method, path] = ROUTES[this.#flight.deed] as [
      "navigate",
      "GET",
      string,
    ];
    const url = new URL(path, this.#baseURL);
    if (this.#flight.deed === "page /basket")
      url.searchParams.set("item", item);
    const body = method === "GET" ? undefined : { item };
    return this.#browser.compose(mode, method, url.href, body);
  }

  /** Logs in at the provider, as somebody whom it does not know yet, and goes no further. */
  async #goToCallback(): Promise<Outgoing | undefined> {
    const browser = this.#browser;
    const [user = ""] = this.#flight.deed.split(" ");
    const { href: login } = new URL("/login", this.#baseURL);
    const request = await browser.compose("navigate", "GET", login);
    const answer = await browser.exchange(request);
    if (this.#hasFailed(answer)) return undefined;
    const { status, body } = answer;
    if (status !== 302) throw new Error(`/login gives ${status}: ${body}`);
    const { origin, searchParams } = new URL(answer.headers.location ?? "");
    this.#nonce = searchParams.get("nonce") ?? "";
    await browser.forgetSite(origin);
    const { href } = await browser.chooseUser(
      user,
      request,
      answer,
      "/callback",
    );
    return browser.compose("navigate", "GET", href);
  }

  /** Logs out at the provider, too, if it is this session's login that it knows. */
  async #leaveProvider(): Promise<void> {
    const { session } = this.#visit;
    const last = this.#game.atProvider[this.#flight.browser];
    if (!session || last?.begun !== session) return;
    const left = this.#browser.leaveProvider(this.#request, this.#response);
    await left.catch((error: Error) => {
      // The way leads back to the app.
      if (!this.#game.live.mayFail || !/ with 503:/.test(error.message))
        throw error;
    });
  }

  #read(): Answer {
    const { status, headers, body } = this.#response;
    const isOurs =
      ROUTES[this.#flight.deed]?.[2] !== "/logout" && !this.#isLogin;
    const told = isOurs && status === 200 ? JSON.parse(body) : undefined;
    const { cookie = "" } = this.#request.headers;
    const values = (headers["set-cookie"] ?? []).flatMap(
      (text) => text.match(/^appSession(?:\.\d)?=([^;]+)/)?.[1] ?? [],
    );
    const hasFailed = this.#hasFailed(this.#response);
    return {
      ...(hasFailed && { hasFailed }),
      ...(told && "login" in told && { told }),
      ...(this.#isLogin && status === 302 && { login: this.#nonce }),
      cookie: effectOf(this.#response),
      keepsCookie: values.some((value) => cookie.includes(value)),
      oddities: findOddities(this.#flight.deed, this.#response, hasFailed),
    };
  }

  async #letGo(): Promise<void> {
    if (this.#request.body) return;
    const { snippet } = this.#game;
    const all = snippet.both ?? [snippet];
    await Promise.all(all.map((one) => one.call("letGo", this.#hold)));
  }

  /** Lets a request end that is held. Nobody looks at what comes of it. */
  async clearUp(): Promise<void> {
    if (!this.#inFlight) return;
    await this.#letGo();
    await this.#inFlight.finish();
  }
}
