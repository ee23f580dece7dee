import { setTimeout } from "node:timers/promises";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { Browser } from "../client/browser.ts";
import { effectOf } from "../client/cookie-effect.ts";
import { type Answer, type Outgoing, send } from "../client/http.ts";
import { BODY } from "../client/request-steps.ts";
import {
  startTwoProcesses,
  type TwoProcesses,
} from "../servers/two-processes.ts";

/** How to soak a snippet. */
export interface SoakOptions {
  /** The snippet's path. */
  file: string;
  seconds: number;
  sessions: number;
  /** Decides what everybody does, and when Redis is killed. */
  seed: number;
  /** Aborts to end everything at once. */
  cancel: AbortSignal;
  /** Is called with what is being done, and how much of it, from 0 to 1. */
  progress: (doing: string, share: number) => void;
}

/** What came of it. */
export interface Soaked {
  figures: Record<keyof ReturnType<typeof noFigures>, number>;
  /** The heap of each process, with its garbage collected. */
  heapMegabytes: Record<string, number[]>;
  /** What must not happen, in a line each. */
  violations: string[];
}

const noFigures = () => ({
  requests: 0,
  "of them answered with 503": 0,
  "logouts confirmed": 0,
  "logouts not confirmed": 0,
  "logins after a logout": 0,
  "requests with a dead cookie": 0,
  restarts: 0,
});

/** Keeps everything on disk before it answers, so that a crash loses nothing. */
const ON_DISK = [
  "--save",
  "",
  "--appendonly",
  "yes",
  "--appendfsync",
  "always",
];

/** How many users do something at once. */
const WORKERS = 24;

/** How often the clocks go on for a while. */
const LEAPS = 8;
/** All together no longer than an ID token of the provider lives. */
const LEAP_MS = 70 * 60 * 1000;

/** How much larger a heap may be in the end, in megabytes. */
const FLAT_MB = 6;

/** A session, as the browser that has its cookie knows it. */
interface Session {
  cookie: string;
  /** Whether its user has asked to be logged out. Until that is confirmed, it may live or not. */
  isLeaving: boolean;
}

interface User {
  browser: Browser;
  /** Undefined once a logout is confirmed. */
  session: Session | undefined;
  isLoggingIn: boolean;
}

/** The numbers that decide about a step, all taken at once: a step is the same in all runs. */
interface Dice {
  user: number;
  /** From 0 to 99. */
  action: number;
  /** Which of the two processes is asked. */
  process: 0 | 1;
  any: number;
}

/** Makes the dice of one step after the other, the same ones for the same seed. */
function diceOf(seed: number, users: number): () => Dice {
  const generator = xoroshiro128plus(seed);
  const below = (limit: number) => uniformInt(generator, 0, limit - 1);
  return () => ({
    user: below(users),
    action: below(100),
    process: below(2) as 0 | 1,
    any: below(2 ** 30),
  });
}

/**
 * Lets many users of two processes send requests and log out, while their Redis is killed and
 * started again, twice.
 * @throws {SnippetError} when a process does not start
 */
export async function soak(options: SoakOptions): Promise<Soaked> {
  const pair = await startTwoProcesses(options.file, options.cancel, {
    withRedis: true,
    redisSettings: ON_DISK,
    claimBytes: 0,
  });
  let soaked: Soaked | undefined;
  try {
    soaked = await soakTwoProcesses(pair, options);
  } finally {
    const end = await pair.stop();
    if (end) soaked?.violations.push(`a process ended, with ${end}`);
  }
  return soaked;
}

async function soakTwoProcesses(
  pair: TwoProcesses,
  options: SoakOptions,
): Promise<Soaked> {
  const { sessions, seconds, seed, cancel, progress } = options;
  const redis = pair.redis as NonNullable<TwoProcesses["redis"]>;
  const figures = noFigures();
  const violations: string[] = [];
  const dead: string[] = [];

  /** Sends a request with a cookie to one of the processes. */
  const ask = async (process: 0 | 1, path: string, cookie: string) => {
    const answer = await send(
      requestTo(process, path, cookie),
      deadline(),
    ).finish();
    return count(answer);
  };
  const requestTo = (
    process: 0 | 1,
    path: string,
    cookie: string,
  ): Outgoing => ({
    method: /update|draft/.test(path) ? "POST" : "GET",
    url: new URL(path, pair.both[process].baseURL),
    headers: {
      cookie,
      "content-type": "application/json",
      // A page that somebody goes to extends the session, and so writes it.
      ...(path === "/" && { "sec-fetch-mode": "navigate" }),
    },
    ...(/update|draft/.test(path) && { body: JSON.stringify(BODY) }),
  });
  const count = (answer: Answer): Answer => {
    figures.requests += 1;
    if (answer.status === 503) figures["of them answered with 503"] += 1;
    else if (answer.status >= 400) {
      violations.push(`a request was answered with ${answer.status}`);
    }
    return answer;
  };

  /** Fails when somebody is logged out who did not ask for it. */
  const request = async (session: Session, { process, any }: Dice) => {
    const path = ["/", "/whoami", "/update", "/draft"][any % 4] as string;
    const answer = await ask(process, path, session.cookie);
    if (session.isLeaving) return;
    const { effect } = effectOf(answer);
    const user = answer.status === 503 ? "alice" : userIn(answer);
    if (user !== "alice" || effect === "cleared") {
      const told = `${answer.status}, ${user}, cookie ${effect}`;
      violations.push(`nobody has logged out, but ${path} gave ${told}`);
    }
  };

  /** Fails when somebody is let in after a logout that was confirmed. */
  const checkDead = async (cookie: string, process: 0 | 1) => {
    figures["requests with a dead cookie"] += 1;
    const answer = await ask(process, "/whoami", cookie);
    if (answer.status === 503) return;
    if (userIn(answer)) violations.push("a session lives after its logout");
  };

  /** Logs out, while a request of the same session is in flight. */
  const logOut = async (
    user: User,
    session: Session,
    { process, any }: Dice,
  ) => {
    session.isLeaving = true;
    const inFlight = send(
      requestTo((any % 2) as 0 | 1, "/update", session.cookie),
      deadline(),
    );
    await inFlight.received;
    const page = ask((any % 2) as 0 | 1, "/", session.cookie);
    const answer = await ask(process, "/logout", session.cookie);
    await page;
    const isConfirmed = answer.status === 302;
    if (isConfirmed && user.session === session) {
      figures["logouts confirmed"] += 1;
      dead.push(session.cookie);
      user.session = undefined;
    } else if (!isConfirmed) figures["logouts not confirmed"] += 1;
    count(await inFlight.finish());
    if (!isConfirmed) return;
    await checkDead(session.cookie, 0);
    await checkDead(session.cookie, 1);
  };

  const logIn = async (user: User, process: 0 | 1) => {
    user.isLoggingIn = true;
    try {
      const { href } = new URL("/login", pair.both[process].baseURL);
      await user.browser.logInAgain("alice", href);
      user.session = await sessionOf(user.browser);
      figures["logins after a logout"] += 1;
    } catch (error) {
      // Without Redis nobody can log in. They try again later.
      if (!/answered with 503/.test(String(error))) throw error;
    } finally {
      user.isLoggingIn = false;
    }
  };

  const step = async (dice: Dice) => {
    const user = users[dice.user] as User;
    const { session } = user;
    if (dice.action < 10 && dead.length > 0) {
      await checkDead(dead[dice.any % dead.length] as string, dice.process);
    } else if (session && dice.action < 20) await logOut(user, session, dice);
    else if (session) await request(session, dice);
    else if (!user.isLoggingIn) await logIn(user, dice.process);
  };

  const users: User[] = [];
  await inParallel(WORKERS, sessions, async (index) => {
    // The provider's clock stays, and its cookies are short-lived.
    const browser = new Browser({ ...pair, now: Date.now }, LONG_MS);
    await browser.logIn("alice");
    const session = await sessionOf(browser);
    users[index] = { browser, session, isLoggingIn: false };
    progress("Logging in", index / sessions);
  });
  const heaps = () =>
    Promise.all(
      pair.both.map(
        async (one) => (await one.call<number>("heapBytes")) / 2 ** 20,
      ),
    );
  // Code that runs for the first time is compiled, and stays. So flat is what comes after that.
  let halfway: number[] = [];

  const dice = diceOf(seed, sessions);
  const end = Date.now() + seconds * 1000;
  const over = new AbortController();
  cancel.addEventListener("abort", () => over.abort());
  const isOver = () => Date.now() > end || over.signal.aborted;
  const killing = killTwice();
  const leaping = leap();
  await inParallel(WORKERS, Number.MAX_SAFE_INTEGER, async () => {
    progress("Soaking", 1 - (end - Date.now()) / 1000 / seconds);
    await step(dice()).catch((error: Error) => {
      violations.push(`a request failed: ${error.message}`);
      over.abort();
    });
    return !isOver();
  });
  await Promise.all([killing, leaping]);
  if (over.signal.aborted) {
    return { figures, heapMegabytes: {}, violations };
  }
  await isBack();
  await inParallel(WORKERS, users.length, async (index) => {
    const user = users[index] as User;
    const nothing: Dice = { user: index, action: 0, process: 0, any: 1 };
    // Whoever was not told that they are logged out tries again.
    if (user.session?.isLeaving) await logOut(user, user.session, nothing);
    else if (user.session) await request(user.session, { ...nothing, any: 0 });
  });
  await inParallel(WORKERS, dead.length, async (index) =>
    checkDead(dead[index] as string, 1),
  );
  const after = await heaps();
  // Its data is lost. Now everybody is out, and nobody sees an error.
  await redis.ask("FLUSHALL");
  for (const { session } of users) if (session) dead.push(session.cookie);
  await inParallel(WORKERS, dead.length, async (index) =>
    checkDead(dead[index] as string, 0),
  );

  for (const [at, size] of after.entries()) {
    const growth = size - (halfway[at] ?? 0);
    if (growth > FLAT_MB) violations.push(`a heap grew by ${growth} MB`);
  }
  const heapMegabytes = {
    "after the first restart": halfway,
    "at the end": after,
  };
  return { figures, heapMegabytes, violations };

  /** Kills Redis after a third and after two thirds of the time, for a second or so. */
  async function killTwice() {
    const third = (seconds * 1000) / 3;
    const generator = diceOf(seed + 1, 1);
    for (let kill = 0; kill < 2; kill += 1) {
      const { any } = generator();
      const down = 300 + (any % 1000);
      if (!(await passes(third - (kill ? down : 0)))) return;
      await redis.kill();
      if (!(await passes(down))) return;
      await redis.restart();
      figures.restarts += 1;
      if (kill === 0) halfway = await heaps();
    }
  }

  /** Lets some time pass for both processes, again and again. */
  async function leap() {
    const pause = (seconds * 1000) / (LEAPS + 1);
    for (let done = 0; done < LEAPS; done += 1) {
      if (!(await passes(pause))) return;
      await Promise.all(pair.both.map((one) => one.travel(LEAP_MS)));
    }
  }

  /** Waits some milliseconds, and tells whether the soak still goes on then. */
  async function passes(milliseconds: number): Promise<boolean> {
    const { signal } = over;
    return setTimeout(milliseconds, true, { signal }).catch(() => false);
  }

  /** Waits until both processes have their Redis again. */
  async function isBack() {
    for (const process of [0, 1] as const) {
      const giveUp = Date.now() + 10_000;
      const cookie = "appSession=nobody";
      while ((await ask(process, "/whoami", cookie)).status === 503) {
        if (Date.now() > giveUp) throw new Error("Redis does not come back");
        await setTimeout(50);
      }
    }
  }
}

/** A browser that is there for the whole time, in milliseconds. */
const LONG_MS = 2 ** 31 - 1;

/** How long one answer may take, in milliseconds. */
const deadline = () => Date.now() + 20_000;

/** Takes the session that a browser has. */
async function sessionOf(browser: Browser): Promise<Session> {
  const { headers } = await browser.compose("cors", "GET", "/whoami");
  return { cookie: String(headers.cookie), isLeaving: false };
}

/** Reads whom an answer is for. */
function userIn(answer: Answer): string | null {
  if (answer.body.startsWith("<")) {
    return answer.body.match(/(\w+) is logged in/)?.[1] ?? null;
  }
  const { user, recordedBy } = JSON.parse(answer.body);
  return user ?? recordedBy ?? null;
}

/** Does something a number of times, some of them at once, or until it returns false. */
async function inParallel(
  workers: number,
  times: number,
  work: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < times) {
      next += 1;
      if ((await work(next - 1)) === false) return;
    }
  };
  await Promise.all(Array.from({ length: workers }, worker));
}
