import { setTimeout } from "node:timers/promises";
import { Agent, request } from "undici";
import type { LateOutcome, Place, Unclear, Who } from "../base/results.ts";
import {
  BLANK,
  type Cookie,
  type Hop,
  now,
  readSetCookie,
  type Window,
} from "./chromium.ts";
import type { Target } from "./command-line.ts";
import {
  cookiesOf,
  does,
  type Login,
  type Logout,
  type Stage,
  seeLogout,
  splitAt,
  whoWith,
} from "./logout.ts";
import { lookPastCaches } from "./sights.ts";
import {
  isAsking,
  isLoginPath,
  isLogoutPath,
  nameOf,
  ProbeError,
} from "./words.ts";

/** More often than this, a request is not sent again. */
export const MOST_SENT = 12;

/** What became of a late request. */
export interface Finding {
  request: string;
  status: number;
  isStream: boolean;
  ms: number;
  effect: "set" | "cleared" | "untouched";
  verdict: "held" | "affected" | "unclear";
  places: Record<Place, LateOutcome | Unclear>;
  /** When the request without a body was sent and answered. */
  when?: string | undefined;
}

export interface Race {
  findings: Finding[];
  /** Whom the server takes the bearer of a copy for after a logout with nothing in flight. */
  copy: Who;
  /** Who is logged in when the next user was, before the answer to a script's logout arrived. */
  afterLateLogout?: Who | undefined;
  /** The logout with requests in flight, if that did not hold. */
  second?: Logout;
}

type Route = Pick<Hop, "method" | "url" | "headers" | "body">;

/** Picks what is sent again: what was named, or what sets the cookie or is slowest, one with a body and one without. */
function pickRoutes(
  { route, url, body, headers }: Target,
  { use, needed }: Login,
  page: string,
): Route[] {
  if (route) {
    const to = new URL(route.path, url);
    const isIt = (hop: Hop) =>
      hop.method === route.method && hop.url.pathname === to.pathname;
    const seen = use.findLast(isIt);
    const isBare = /GET|DELETE/.test(route.method);
    const sent = body ?? (seen ? seen.body : isBare ? undefined : "{}");
    const isJson = /^\s*[[{]/.test(sent ?? "");
    const type = isJson
      ? "application/json"
      : "application/x-www-form-urlencoded";
    const made = {
      accept: "*/*",
      origin: to.origin,
      referer: page,
      "sec-fetch-mode": "cors",
      "sec-fetch-site": "same-origin",
      ...(sent && { "content-type": type }),
    };
    const all = { ...(seen?.headers ?? made), ...headers };
    return [
      { method: route.method, url: seen?.url ?? to, headers: all, body: sent },
    ];
  }
  const took = ({ sentAt, answeredAt = sentAt }: Hop) => answeredAt - sentAt;
  const score = (hop: Hop) => took(hop) + (does(false, needed, hop) ? 1e6 : 0);
  const { hostname } = new URL(page);
  const all = use.filter(
    (hop) =>
      hop.url.hostname === hostname &&
      !(
        hop.by ||
        isAsking(hop.url) ||
        isLogoutPath(hop.url) ||
        isLoginPath(hop.url)
      ) &&
      !/^(OPTIONS|HEAD)$/.test(hop.method) &&
      (does(false, needed, hop) ||
        /Document|XHR|Fetch|Event|Other|Ping/.test(hop.kind)) &&
      (hop.status ?? 999) < 400,
  );
  all.sort((one, other) => score(other) - score(one));
  const picked = [all.find((hop) => hop.body), all.find((hop) => !hop.body)];
  // The newest has the newest token.
  return picked.flatMap(
    (best) =>
      (best && use.findLast((one) => nameOf(one) === nameOf(best))) ?? [],
  );
}

interface Answer {
  status: number;
  set: string[];
  body: string;
  isStream: boolean;
  at: number;
}

const UNSENT =
  /^(:.*|host|connection|content-length|cookie|accept-encoding|transfer-encoding|if-.*|expect|upgrade.*|keep-alive|te|trailer)$/i;
const MOST_BYTES = 1_000_000;

/** Sends requests again, and ends what is open when it is closed. */
class Sender {
  readonly #agent: Agent;
  readonly #milliseconds: number;
  readonly #ends = new AbortController();

  constructor({ ca, seconds }: Target) {
    this.#agent = new Agent({ connect: ca ? { ca } : {} });
    this.#milliseconds = seconds * 1000;
  }

  /** @param isHeld whether all but the first byte of its body waits for `finish` */
  send(
    { method, url, headers, body = "" }: Route,
    cookie: string,
    isHeld = false,
  ) {
    const bytes = Buffer.from(body);
    const stop = new AbortController();
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    async function* inParts() {
      yield bytes.subarray(0, 1);
      if (isHeld) await released;
      yield bytes.subarray(1);
    }
    const kept = Object.entries(headers).filter(([name]) => !UNSENT.test(name));
    const length = bytes.length > 0 && { "content-length": `${bytes.length}` };
    const ask = async (): Promise<Answer> => {
      const got = await request(url, {
        ...{ method: method as "POST", dispatcher: this.#agent },
        headers: { ...Object.fromEntries(kept), cookie, ...length },
        body: length ? (inParts() as never) : null,
        signal: AbortSignal.any([this.#ends.signal, stop.signal]),
      });
      const at = now();
      const type = String(got.headers["content-type"]);
      const isStream = type.startsWith("text/event-stream");
      let text = "";
      for await (const part of isStream ? [] : got.body) {
        text += part;
        if (text.length > MOST_BYTES) break;
      }
      const set = [got.headers["set-cookie"] ?? []].flat();
      const same = text.replace(/\d+/g, "0");
      return { status: got.statusCode, set, body: same, isStream, at };
    };
    const sent = { isOver: false, at: now() };
    const answer = ask().finally(() => {
      sent.isOver = true;
    });
    answer.catch(() => {});
    const finish = async () => {
      release();
      const late = setTimeout(this.#milliseconds, undefined, { ref: false });
      const got = await Promise.race([answer.catch(() => {}), late]);
      stop.abort();
      if (got) return got;
      throw new ProbeError(
        `it does not answer ${nameOf({ method, url })}, sent again`,
      );
    };
    return Object.assign(sent, { finish });
  }

  close(): void {
    this.#ends.abort();
    this.#agent.destroy().catch(() => {});
  }
}

/** A route that is late, with what was seen of it so far. */
interface Late {
  route: Route;
  answered: Answer;
  stranger: Answer;
  ms: number;
  received?: ReturnType<Sender["send"]>;
  places: Partial<Finding["places"]>;
  when?: string;
}

const untold = (unclear: string): Unclear => ({ unclear });

/** Logs out once more, with requests in flight; the next user has a window of their own. */
export class LateRequests {
  readonly #stage: Stage;
  readonly #login: Login;
  readonly #first: Logout;
  readonly #next: Window | undefined;
  readonly #sender: Sender;
  #copy: Who = "unknown";
  #before: Cookie[] = [];
  #left: Cookie[] = [];

  constructor(
    stage: Stage,
    target: Target,
    login: Login,
    first: Logout,
    next?: Window,
  ) {
    this.#stage = stage;
    this.#login = login;
    this.#first = first;
    this.#next = next;
    this.#sender = new Sender(target);
  }

  close = (): void => this.#sender.close();

  async run(target: Target): Promise<Race> {
    const { me, person, who, page } = this.#stage;
    this.#copy = await whoWith(this.#stage, this.#first.before);
    const from = now();
    const lates: Late[] = [];
    // A request without a body that was not in its handler then is sent once more.
    for (let round = 0; round < 3; round++) {
      // An old page would look as if somebody were logged in.
      await me.forget();
      await person.logIn(me, true);
      const isIn = async () =>
        who.who(await lookPastCaches(me, page)) === "first";
      for (let at = 0; !(await isIn()) && !person.saysIn; at++)
        if (at > 4) throw new ProbeError("the second login does not hold");
      this.#before = await cookiesOf(this.#stage);
      if (round === 0) {
        const { use } = splitAt(me.since(from), this.#login.needed);
        const all = { ...this.#login, use: [...this.#login.use, ...use] };
        for (const route of pickRoutes(target, all, page))
          lates.push(await this.#ask(route));
        for (const late of lates.filter(({ route }) => route.body))
          late.received = this.#sender.send(
            late.route,
            await me.cookiesFor(late.route.url),
            true,
          );
        // A server has seen them, and has loaded their session, when it has answered some more.
        await lookPastCaches(me, page);
      }
      const bare = lates.find(({ route }) => !route.body);
      const logout = await this.#logOut(lates, round);
      if (logout.isIn)
        return { findings: [], copy: this.#copy, second: logout };
      if (!bare || "browser" in (bare.places.received ?? {})) break;
      if (
        person.saysIn !== undefined ||
        this.#copy === "first" ||
        lates.length > 1 ||
        bare.ms < 20
      )
        break;
    }
    const findings = [];
    for (const late of lates) findings.push(await this.#finish(late));
    const { hop } = this.#first;
    const isFetched = this.#next && /Fetch|XHR/.test(hop?.kind ?? "");
    const afterLateLogout =
      hop && isFetched
        ? await this.#asNext(
            hop.set.map(({ line }) => line),
            hop.url,
          )
        : undefined;
    return { findings, copy: this.#copy, afterLateLogout };
  }

  /** Sends a route as the user and as nobody, with nothing else going on. */
  async #ask(route: Route): Promise<Late> {
    const from = now();
    const cookie = await this.#stage.me.cookiesFor(route.url);
    const answered = await this.#sender.send(route, cookie).finish();
    const ms = answered.at - from;
    const { status } = answered;
    const why = {
      400: "is the body right? Give it with --body",
      403: "if it wants a CSRF token, give that with --header, or send it in the window",
      404: "is the path right?",
    }[status];
    if (status >= 400)
      throw new ProbeError(
        `${nameOf(route)} answers with ${status}: ${why ?? "it has to succeed, or nothing can be told"}`,
      );
    const again = now();
    const stranger = await this.#sender.send(route, "").finish();
    // The first one opens a connection.
    const isSame = stranger.status === status;
    const took = isSame ? Math.min(ms, stranger.at - again) : ms;
    return { route, answered, stranger, ms: took, places: {} };
  }

  /** Logs out; a request without a body is on its way then for a part of the time that it takes. */
  async #logOut(lates: Late[], round: number): Promise<Logout> {
    const { me } = this.#stage;
    const { hop: first } = this.#first;
    const bare = lates.find(({ route }) => !route.body);
    const waits = bare ? Math.min(bare.ms / (3 + round), 300) : 0;
    delete bare?.received;
    me.isKept = true;
    me.intercept = async (url, method) => {
      const is = (one: Pick<Hop, "method" | "url"> | undefined) =>
        method === one?.method && url.pathname === one.url.pathname;
      if (is(first) && bare && !bare.received) {
        const cookie = await me.cookiesFor(bare.route.url);
        bare.received = this.#sender.send(bare.route, cookie);
        await setTimeout(waits);
      }
      // What is replayed takes the place of what the page sends then.
      return !is(first) && lates.some(({ route }) => route.body && is(route))
        ? BLANK
        : undefined;
    };
    const logout = await seeLogout(this.#stage, this.#login, true);
    me.intercept = undefined;
    me.isKept = false;
    this.#left = logout.left;
    if (!bare || logout.isIn) return logout;
    const { received } = bare as Late;
    const late = await received?.finish();
    const after =
      (late?.at ?? 0) - (logout.hop?.answeredAt ?? Number.POSITIVE_INFINITY);
    const seen = late && (await this.#see(late.set, bare.route.url));
    const wasThere = late && after > 0 && (isHers(bare, late) ?? waits >= 25);
    const why = `it answers in ${Math.round(bare.ms)} ms, and was not surely in its handler during the logout`;
    bare.places.received =
      seen && (wasThere || this.#isBitten(seen)) ? seen : untold(why);
    if (after > 0)
      bare.when = `It was sent ${Math.round(waits)} ms before the logout, and answered ${Math.round(after)} ms after that was.`;
    return logout;
  }

  /** Lets a late answer arrive, and sees who is logged in, and whether a copy works. */
  async #see(lines: string[], url: URL): Promise<LateOutcome> {
    const { scratch, page, who } = this.#stage;
    await scratch.have(this.#left);
    await scratch.deliver(url, lines);
    const browser = who.who(await lookPastCaches(scratch, page));
    const server = await whoWith(this.#stage, this.#before);
    const next = this.#next && { next: await this.#asNext(lines, url) };
    return { browser, server, ...next };
  }

  /** The same where the next user has logged in meanwhile, in the same browser. */
  async #asNext(lines: string[], url: URL): Promise<Who> {
    const { scratch, page, who } = this.#stage;
    const theirs = (await this.#next?.context.cookies()) ?? [];
    const keyOf = ({ name, domain, path }: Cookie) =>
      `${name};${domain};${path}`;
    const keys = theirs.map(keyOf);
    const others = this.#left.filter((one) => !keys.includes(keyOf(one)));
    await scratch.have([...others, ...theirs]);
    await scratch.deliver(url, lines);
    return who.who(await lookPastCaches(scratch, page));
  }

  #isBitten = ({ browser, server, next }: LateOutcome): boolean =>
    [browser, next].includes("first") ||
    (server === "first" && this.#copy !== "first");

  async #finish(late: Late): Promise<Finding> {
    const { route, answered, received, places, ms, when } = late;
    const { url } = route;
    const revived = untold("the session lived again by then");
    const isAlive = async () =>
      this.#copy !== "first" &&
      (await whoWith(this.#stage, this.#before)) === "first";
    places.answered = (await isAlive())
      ? revived
      : await this.#see(answered.set, url);
    const fits = this.#before.filter(({ path }) =>
      url.pathname.startsWith(path),
    );
    const cookie = fits.map(({ name, value }) => `${name}=${value}`).join("; ");
    places.sent = (await isAlive())
      ? revived
      : await this.#see(
          (await this.#sender.send(route, cookie).finish()).set,
          url,
        );
    if (route.body && received) {
      const isEarly = received.isOver;
      const isDead = !(await isAlive());
      const answer = await received.finish();
      const seen = await this.#see(answer.set, url);
      const isTold = (!isEarly && isHers(late, answer)) || this.#isBitten(seen);
      const why = isEarly
        ? "it answers before it has read its body"
        : "it loads the session after its body, or answers the same to all";
      places.received = !isDead ? revived : isTold ? seen : untold(why);
    }
    // A server that takes a copy for good can't tell that there was a logout.
    if (this.#copy === "first" && !("browser" in (places.received ?? {})))
      places.received = places.sent;
    places.received ??= untold("it was not in flight");
    const whole = places as Finding["places"];
    const known = Object.values(whole).flatMap((one) =>
      "unclear" in one ? [] : one,
    );
    const isGood =
      known.length === 3 &&
      known.every(
        ({ browser, next }) => browser === "nobody" && next !== "unknown",
      );
    const own = answered.set
      .map(readSetCookie)
      .filter(({ name }) => this.#login.needed.includes(name));
    const isCleared = own.every(({ clears }) => clears);
    return {
      ...{ request: nameOf(route), ms: Math.round(ms), places: whole, when },
      ...{ status: answered.status, isStream: answered.isStream },
      effect: own.length === 0 ? "untouched" : isCleared ? "cleared" : "set",
      verdict: known.some(this.#isBitten)
        ? "affected"
        : isGood
          ? "held"
          : "unclear",
    };
  }
}

/** Whether an answer was made for the user; undefined when it does not tell. */
function isHers({ answered, stranger }: Late, answer: Answer) {
  const is = (one: Answer) =>
    one.status === answer.status && one.body === answer.body;
  return is(answered) === is(stranger) ? undefined : is(answered);
}
