import type { Browser, Visited } from "../client/browser.ts";
import { type CookieEffect, effectOf } from "../client/cookie-effect.ts";
import type { Answer, InFlight, Outgoing } from "../client/http.ts";
import { ORDERS } from "../verify/orders.ts";
import { ProbeError, stranger } from "./log-in.ts";
import { learn, type Recognize } from "./recognize.ts";

/** A route of an app that is not ours. */
export interface Route {
  method: "GET" | "POST";
  path: string;
}

/** What to ask, and of which app. */
export interface Target {
  app: Visited;
  /** The route whose response may be late. */
  route: Route;
  /** Its body. Without one, a request can't be held in its handler. */
  body: string | undefined;
  /** Headers for what is posted, such as a CSRF token, by their names in lower case. */
  headers: Record<string, string>;
  logout: Route;
  /** The path of a page that shows who is logged in. */
  page: string;
  /** The session cookie's name, when it need not be found. */
  cookie: string | undefined;
  /** Whether a logout goes on to other sites, as one can that has their cookies, too. */
  goesOn: boolean;
}

/** Those who log in: the first logs out, and the second comes after her on the same browser. */
export type User = "first" | "second";

/** Who is logged in; `unknown` when a page tells nothing. */
export type Who = User | "nobody" | "unknown";

/** The places in which a request can be when its user logs out, by what happened to it before. */
export const PLACES = ["sent", "received", "answered"] as const;
export type Place = (typeof PLACES)[number];

/** What came of a request that was late. */
export interface Outcome {
  /** Who is logged in in the browser, after the late response. */
  browser: Who;
  /** The same, when the response to the logout arrives even later. */
  overtaking: Who;
  /** Whom the server takes the bearer of a copy of the cookie for, taken before the logout. */
  server: Who;
  /** Who is logged in when the next user was, before the late response arrived. */
  next?: Who;
}

/** Why an outcome is not known. */
export interface Unclear {
  unclear: string;
}

/** What the probe found. */
export interface Finding {
  verdict: "safe" | "affected" | "unclear";
  /** The names of the cookies without which nobody is logged in. */
  cookies: string[];
  route: CookieEffect & { status: number };
  logout: CookieEffect & { status: number };
  /** Whom the server takes the bearer of a copy for after a logout with nothing in flight. */
  copy: Who;
  /** The site to which the logout would have gone on, if it was not followed there. */
  leftAt?: string;
  places: Record<Place, Outcome | Unclear>;
  /** How many of all orders leave the browser logged in, and how many let a copy in. */
  orders?: { of: number; browser: number; server: number };
}

/** A request, and its answer. */
interface Exchange {
  request: Outgoing;
  answer: Answer;
  /** When the answer was there, in milliseconds by the clock of `performance.now`. */
  at: number;
}

/** More cookies than this are not tried one by one. */
const MOST_COOKIES = 20;

/**
 * Points the race at an app that is not ours. One user logs out, once, while three requests of
 * hers are in flight: one on its way to the server, one in the handler, one on its way back. (Once,
 * since she may have logged in by hand.) The probe looks at cookies, and at a page that shows who
 * is logged in.
 * @param users browsers that are logged in: hers, and the next user's, if there is one
 * @param again logs in once more, for a route that can be caught in its handler by chance only
 * @param progress is told how much of it is done, from 0 to 1
 * @throws {ProbeError} when the app does something by which nothing can be told
 */
export async function probe(
  target: Target,
  [alice, bob]: [Browser, Browser?],
  again: (() => Promise<Browser>) | undefined,
  progress: (share: number) => void,
): Promise<Finding> {
  // What her page shows may change with what she does, so it is looked at before and after that.
  const hers = await load(alice, target.page);
  const answers = await askRoute(target, alice);
  const who = await recognizer(
    target,
    [hers, await load(alice, target.page)],
    bob,
  );
  const needed = target.cookie
    ? [target.cookie]
    : await neededCookies(alice, who);
  progress(0.3);

  const there = await composeRoute(alice, target);
  const back = await exchange(alice, await composeRoute(alice, target));
  const handled = await hold(alice, target);
  const had = await cookieNames(alice);
  const logout = await logOut(target, alice, who).catch((error) => {
    // Nobody waits for it any more, and it would keep the process alive.
    if ("inFlight" in handled) handled.inFlight.abort();
    throw error;
  });
  progress(0.5);

  const left = await cookieNames(alice);
  const cleared = had.filter((name) => !left.includes(name));
  const cookies = needed.length > 0 ? needed : cleared;
  if (cookies.length === 0) {
    throw new ProbeError(
      `no cookie was found to be the session's, of ${had.join(", ")}: ` +
        "name it with --cookie",
    );
  }
  const copy = await who(await logout.before.fork());
  const outcome = (late: Exchange) => outcomeOf(late, logout, who, bob);
  const finishHeld = async (held: Held): Promise<Outcome | Unclear> => {
    const isEarly = held.inFlight.isEarly();
    const late = await finish(held);
    if (isEarly) {
      return {
        unclear: `${inWords(target.route)} answers (${late.answer.status}) before it has read the body`,
      };
    }
    const seen = await outcome(late);
    // Only if the request was surely in the handler during the logout is that known.
    if (answers.isHers(late) || isBitten(seen, copy)) return seen;
    return {
      unclear: `${inWords(target.route)} loads the session after its body, it seems, or a proxy waits for that`,
    };
  };
  // What is late on its way back can't change anything on the server, so it comes first.
  const answered = await outcome(back);
  const sent = await outcome(await exchange(alice, there));
  progress(0.7);
  let received = "unclear" in handled ? handled : await finishHeld(handled);
  // A server that takes a copy for good can't tell that there was a logout, so it answers the same
  // before and after it.
  if ("unclear" in received && copy === "first") received = sent;
  if ("unclear" in received && again) {
    received = await byChance(target, await again(), received);
  }
  const places = { sent, received, answered };
  return {
    verdict: verdictOf(places, copy),
    cookies,
    route: { status: answers.status, ...effectOf(answers.first, cookies) },
    logout: {
      status: logout.exchanges[0].answer.status,
      ...effectOf(logout.exchanges[0].answer, cookies),
    },
    copy,
    ...(logout.leftAt && { leftAt: logout.leftAt }),
    places,
    ...countOrders(places, copy),
  };
}

/** Tells who is logged in in a browser, by the page that shows it. */
type Recognizer = (browser: Browser) => Promise<Who>;

async function recognizer(
  { app, page }: Target,
  hers: Answer[],
  bob?: Browser,
): Promise<Recognizer> {
  const twice = async (make: () => Browser) => [
    await load(make(), page),
    await load(make(), page),
  ];
  const examples = new Map<Who, Answer[]>([
    ["nobody", await twice(() => stranger(app))],
    ["first", hers],
  ]);
  if (!learn(examples)) {
    const [{ status }] = hers as [Answer];
    throw new ProbeError(
      `GET ${page} answers with ${status}, and the same to the user and to nobody. ` +
        "Is the user logged in? If so, name a page that shows it, with --page",
    );
  }
  if (bob) examples.set("second", await twice(() => bob));
  const recognize = learn(examples) as Recognize<Who> | undefined;
  if (!recognize) {
    throw new ProbeError(
      `GET ${page} answers the same to both users. Are they two? ` +
        "If so, name a page that tells them apart, with --page",
    );
  }
  return async (browser) => recognize(await load(browser, page)) ?? "unknown";
}

/** Loads a page, and takes its cookies, but goes nowhere from there. */
const load = async (browser: Browser, page: string): Promise<Answer> =>
  browser.exchange(await browser.compose("navigate", "GET", page));

/** The names of the cookies that a browser has for the app. */
async function cookieNames(browser: Browser): Promise<string[]> {
  const { headers } = await browser.compose("navigate", "GET", "/");
  return namesIn(headers.cookie);
}

const namesIn = (header = ""): string[] =>
  header.split("; ").flatMap((cookie) => cookie.split("=")[0] || []);

/** A large session has its cookie in chunks, whose names end with a number. */
const withoutChunk = (name: string): string => name.replace(/\.\d+$/, "");

/** Finds the cookies without which nobody is logged in, by leaving out one after the other. */
async function neededCookies(
  browser: Browser,
  who: Recognizer,
): Promise<string[]> {
  const names = await cookieNames(browser);
  const needed = new Set<string>();
  for (const name of names.slice(0, MOST_COOKIES)) {
    const lacking = await browser.fork();
    await lacking.forget(name);
    if ((await who(lacking)) === "nobody") needed.add(withoutChunk(name));
  }
  return [...needed];
}

/** Makes a request to the route, as a page of the app does. */
async function composeRoute(
  browser: Browser,
  { app, route, body, headers }: Target,
): Promise<Outgoing> {
  const request = await browser.compose("cors", route.method, route.path);
  Object.assign(request.headers, {
    accept: "*/*",
    "sec-fetch-site": "same-origin",
    "sec-fetch-dest": "empty",
    ...(route.method === "POST" && { origin: new URL(app.baseURL).origin }),
    ...(body !== undefined && {
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(body)),
    }),
    ...headers,
  });
  return body === undefined ? request : { ...request, body };
}

/** Sends a request whole, and leaves its cookies alone. */
const exchange = (browser: Browser, request: Outgoing): Promise<Exchange> =>
  finish({ request, inFlight: browser.send(request) });

/** A request that has been sent, up to its body. */
interface Held {
  request: Outgoing;
  inFlight: InFlight;
}

async function finish(held: Held): Promise<Exchange> {
  const answer = await held.inFlight.finish();
  return { request: held.request, answer, at: performance.now() };
}

/** Asks the route as the user and as nobody, with nothing else going on. */
async function askRoute(target: Target, browser: Browser) {
  const twice = async (make: () => Browser) => {
    const answers = [];
    for (let times = 0; times < 2; times++) {
      const asker = make();
      const { request, answer } = await exchange(
        asker,
        await composeRoute(asker, target),
      );
      await asker.store(request, answer);
      answers.push(answer);
      if (asker === browser) checkRoute(target, answer);
    }
    return answers;
  };
  const hers = await twice(() => browser);
  const nobodys = await twice(() => stranger(target.app));
  const recognize = learn(
    new Map([
      [true, hers],
      [false, nobodys],
    ]),
  );
  const [first] = hers as [Answer];
  return {
    first,
    status: first.status,
    /** Whether an answer was made for the user; never, when the route does not tell. */
    isHers: ({ answer }: Exchange) => recognize?.(answer) === true,
  };
}

/** Says what to do when the route refuses what it is sent. */
function checkRoute({ route }: Target, { status }: Answer): void {
  if (status < 400) return;
  const what = `${inWords(route)} answers with ${status}`;
  const advice: Record<number, string> = {
    400: "is the body right? Give another with --body, and its type with --header",
    401: "it does not know the user, though the page does. Does it want a header?",
    403: "if it wants a CSRF token, give that with --header or in --body",
    404: "is the path right?",
    405: `it takes no ${route.method}`,
    415: "give another body with --body, and its type with --header",
    419: "if it wants a CSRF token, give that with --header or in --body",
    422: "is the body right? Give another with --body",
  };
  throw new ProbeError(
    `${what}: ${advice[status] ?? "it has to succeed, or nothing can be told"}`,
  );
}

/** Sends a request up to its body, so that it waits in the handler. */
async function hold(browser: Browser, target: Target): Promise<Held | Unclear> {
  const what = inWords(target.route);
  if (!target.body) return { unclear: `${what} has no body to hold back` };
  const request = await composeRoute(browser, target);
  const inFlight = browser.send(request);
  await inFlight.sent;
  // If this one came over a new connection, a server may look at a later request first. It has seen
  // this one, and loads its session, when it has answered two more, one after the other.
  await load(await browser.fork(), target.page);
  await load(await browser.fork(), target.page);
  return { request, inFlight };
}

/** A logout, and the browser before and after it. */
interface Logout {
  before: Browser;
  after: Browser;
  exchanges: [Exchange, ...Exchange[]];
  leftAt?: string;
}

/**
 * Logs out, and follows where that leads.
 * @throws {ProbeError} when the user is logged in then
 */
async function logOut(
  { app, logout, headers, goesOn }: Target,
  after: Browser,
  who: Recognizer,
): Promise<Logout> {
  const before = await after.fork();
  const { origin } = new URL(app.baseURL);
  let next = await after.compose("navigate", logout.method, logout.path);
  if (logout.method === "POST")
    Object.assign(next.headers, { origin }, headers);
  const exchanges: Exchange[] = [];
  let leftAt: string | undefined;
  for (;;) {
    const done = await exchange(after, next);
    await after.store(next, done.answer);
    exchanges.push(done);
    const { location } = done.answer.headers;
    const { url } = next;
    if (!location) {
      const { body } = done.answer;
      if (body.includes('name="xsrf"')) await after.confirmLogout(body, url);
      break;
    }
    const to = new URL(location, url);
    if (to.origin !== origin && !goesOn) {
      leftAt = to.origin;
      break;
    }
    next = await after.compose("navigate", "GET", to.href);
  }
  const [{ answer }] = exchanges as [Exchange];
  if ((await who(after)) !== "nobody") {
    throw new ProbeError(
      `${inWords(logout)} answers with ${answer.status}, and the user is still logged in: ` +
        "name another route with --logout",
    );
  }
  return {
    before,
    after,
    exchanges: exchanges as Logout["exchanges"],
    ...(leftAt && { leftAt }),
  };
}

/** Lets a late response arrive, after a logout, and sees who is logged in. */
async function outcomeOf(
  late: Exchange,
  { before, after, exchanges }: Logout,
  who: Recognizer,
  bob?: Browser,
): Promise<Outcome> {
  const whoAfter = async (browser: Browser, stored: Exchange[]) => {
    for (const { request, answer } of stored) {
      await browser.store(request, answer);
    }
    return who(browser);
  };
  const browser = await whoAfter(await after.fork(), [late]);
  const overtaking = await whoAfter(await before.fork(), [late, ...exchanges]);
  const server = await who(await before.fork());
  if (!bob) return { browser, overtaking, server };
  const shared = await after.fork();
  await shared.adopt(bob);
  return { browser, overtaking, server, next: await whoAfter(shared, [late]) };
}

/** Sends a request and a logout at once, and hopes that the request takes longer. */
async function byChance(
  target: Target,
  browser: Browser,
  { unclear }: Unclear,
): Promise<Outcome | Unclear> {
  const first = await load(browser, target.page);
  const { isHers } = await askRoute(target, browser);
  const hers = [first, await load(browser, target.page)];
  const who = await recognizer(target, hers);
  const asking = exchange(browser, await composeRoute(browser, target));
  const logout = await logOut(target, browser, who);
  const late = await asking;
  const copy = await who(await logout.before.fork());
  const outcome = await outcomeOf(late, logout, who);
  const isOvertaken = late.at > logout.exchanges[0].at;
  if (isOvertaken && (isHers(late) || isBitten(outcome, copy))) return outcome;
  return { unclear: `${unclear}, and it was not slower than the logout` };
}

/** Whether a late response has logged its user in, or has made her session live again. */
const isBitten = (
  { browser, overtaking, server, next }: Outcome,
  copy: Who,
): boolean =>
  [browser, overtaking, next].includes("first") ||
  (server === "first" && copy !== "first");

function verdictOf(places: Finding["places"], copy: Who): Finding["verdict"] {
  const all = Object.values(places);
  const known = all.flatMap((one) => ("unclear" in one ? [] : one));
  if (known.some((outcome) => isBitten(outcome, copy))) return "affected";
  const isKnown = known.every(
    ({ browser, next }) => browser === "nobody" && next !== "unknown",
  );
  return isKnown && known.length === all.length ? "safe" : "unclear";
}

/**
 * Counts the orders of the verifier: what happens in one of them depends on where the request is
 * when the logout is answered, and on which of the two responses arrives last.
 */
function countOrders(
  { sent, received, answered }: Finding["places"],
  copy: Who,
): Pick<Finding, "orders"> {
  if ("unclear" in sent || "unclear" in received || "unclear" in answered) {
    return {};
  }
  const ends = ORDERS.map((order) => {
    const at = (event: (typeof order)[number]) => order.indexOf(event);
    // The user is out already, and the request has no cookie.
    if (at("update sent") > at("logout stored")) {
      return { browser: "nobody", server: copy };
    }
    let outcome = answered;
    if (at("logout answered") < at("update received")) outcome = sent;
    else if (at("logout answered") < at("update answered")) outcome = received;
    const isLate = at("update stored") > at("logout stored");
    return {
      browser: isLate ? outcome.browser : outcome.overtaking,
      server: outcome.server,
    };
  });
  const count = (what: "browser" | "server") =>
    ends.filter((end) => end[what] === "first").length;
  return {
    orders: {
      of: ORDERS.length,
      browser: count("browser"),
      server: count("server"),
    },
  };
}

/** Tells a route, as in `POST /update`. */
export const inWords = ({ method, path }: Route): string => `${method} ${path}`;
