import { EventEmitter, once } from "node:events";
import type { Progress } from "../cli/side-by-side.ts";
import { Browser } from "../client/browser.ts";
import type { Answer, Outgoing } from "../client/http.ts";
import { ON_DISK, type RedisServer } from "../servers/redis-server.ts";
import {
  FOR_HISTORIES,
  type Snippet,
  withSnippet,
} from "../servers/snippet.ts";
import {
  startTwoProcesses,
  type TwoProcesses,
} from "../servers/two-processes.ts";
import { makeHistories } from "../verify/histories/history.ts";
import { exampleOf, historyLines } from "../verify/histories/history-lines.ts";
import { LiveHistories } from "../verify/histories/live-histories.ts";
import { type Played, playHistory } from "../verify/histories/play-history.ts";

type Change = (redis: RedisServer) => Promise<unknown>;

const configure =
  (name: string, value: string): Change =>
  (redis) =>
    redis.command("CONFIG", "SET", name, value);

/** What goes wrong with Redis: how that begins, and how it ends. */
const FAULTS = {
  killed: [(redis) => redis.kill(), (redis) => redis.restart()],
  paused: [(redis) => redis.pause(), (redis) => redis.resume()],
  "refusing writes": [
    configure("min-replicas-to-write", "1"),
    configure("min-replicas-to-write", "0"),
  ],
  "out of memory": [configure("maxmemory", "1"), configure("maxmemory", "0")],
  emptied: [(redis) => redis.command("FLUSHALL"), async () => {}],
} satisfies Record<string, [Change, Change]>;
type Fault = keyof typeof FAULTS;
const KINDS = Object.keys(FAULTS) as Fault[];

/** Each kind comes once in so many requests, and lasts for so many. */
const ROUND = 50_000;
const FAULT_LASTS = 40;

/** So many histories are played at once. */
const AT_ONCE = 8;

/** So many are made at a time. */
const BLOCK = 500;

/** So far is one clock ahead of the other. */
const AHEAD_MS = 5 * 60 * 1000;

/** How to soak a snippet. */
interface SoakOptions {
  /** How many requests to send to it, at least. */
  requests: number;
  /** What the histories are made from. */
  seed: number;
  /** Aborts to end everything at once. */
  cancel: AbortSignal;
  progress: Progress;
}

/** What came of it. */
export interface Soaked {
  figures: Record<keyof typeof NO_FIGURES, number>;
  /** How often each kind of fault came. */
  faults: Record<string, number>;
  /** How often each kind of thing happened that no server can prevent. */
  excused: Record<string, number>;
  /** What must not happen, told in lines. */
  violations: string[][];
}

const NO_FIGURES = {
  requests: 0,
  histories: 0,
  "logouts confirmed": 0,
  "answered with 503": 0,
  "of these without a fault": 0,
};

/**
 * Plays histories with two processes of a snippet, many at once, while things go wrong with their Redis.
 * @param file the snippet's path
 * @throws {SnippetError} when a process does not start, or ends by itself
 */
export async function soak(
  file: string,
  options: SoakOptions,
): Promise<Soaked> {
  const starting = startTwoProcesses(file, options.cancel, {
    withRedis: true,
    redisSettings: ON_DISK,
    claimBytes: 0,
    aheadMs: AHEAD_MS,
    inside: FOR_HISTORIES,
  });
  return withSnippet(starting, async (processes) => {
    const soaked = await soakTwoProcesses(processes, options);
    const end = await processes.stop();
    if (end) soaked.violations.push([`a process ended, with ${end}`]);
    return soaked;
  });
}

async function soakTwoProcesses(
  processes: TwoProcesses,
  { requests, seed, cancel, progress }: SoakOptions,
): Promise<Soaked> {
  const redis = processes.redis as RedisServer;
  const lost = /cookie/.test(processes.name) ? "emptied list" : "emptied store";
  const live = new LiveHistories(true);
  const figures = { ...NO_FIGURES };
  const faults: Soaked["faults"] = {};
  const excused: Soaked["excused"] = {};
  const violations: string[][] = [];

  const answers = new EventEmitter();
  const afterAnswer = ({ url }: Outgoing, { status }: Answer) => {
    // The provider is on another host.
    if (url.hostname !== "localhost") return;
    figures.requests += 1;
    if (status === 503) figures["answered with 503"] += 1;
    // A machine with too much to do is late, too.
    if (status === 503 && !live.isFaulty)
      figures["of these without a fault"] += 1;
    progress(Math.min(figures.requests / requests, 1));
    answers.emit("one");
  };
  const snippet = { ...processes, afterAnswer };
  const pass = async (more: number) => {
    const end = figures.requests + more;
    while (figures.requests < end)
      await once(answers, "one", { signal: cancel });
  };

  const rounds = Math.ceil(requests / ROUND);
  const all = Array.from({ length: rounds }, () => KINDS).flat();
  const pause = Math.max(0, requests / all.length - FAULT_LASTS);
  let isOver = false;
  const bring = async (fault: Fault) => {
    const [begin, end] = FAULTS[fault];
    await live.turn(async () => {
      live.isFaulty = true;
      await begin(redis);
      if (fault !== "emptied") return;
      for (const { ledger } of live.all) ledger.lose(lost);
    });
    await pass(FAULT_LASTS);
    await end(redis);
    for (const one of processes.both) await comesBack(one);
    live.isFaulty = false;
    count(faults, fault);
  };
  const bringAll = async () => {
    for (const fault of all) {
      await pass(pause);
      await bring(fault);
    }
    isOver = true;
  };

  const histories = endless(seed);
  const play = async () => {
    for (const history of histories) {
      const played = await playHistory(snippet, history, { live });
      figures.histories += 1;
      figures["logouts confirmed"] += logoutsIn(played);
      for (const kind of [...played.excused, ...played.doubted])
        count(excused, kind);
      for (const { rule } of played.breaks) {
        violations.push([
          `“${rule}”:`,
          ...historyLines(exampleOf(played, rule)),
        ]);
      }
      if (figures.requests >= requests && isOver) return;
    }
  };
  // Each asks the provider for its settings once, and does not wait for long.
  for (const one of processes.both) await comesBack(one);
  await Promise.all([bringAll(), ...Array.from({ length: AT_ONCE }, play)]);
  return { figures, faults, excused, violations };
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

/** Makes histories, without an end. */
function* endless(seed: number) {
  for (let block = seed; ; block += 1) yield* makeHistories(BLOCK, block);
}

/** Counts the logouts that have ended a session: all others leave its cookie as it is. */
const logoutsIn = ({ events }: Played): number =>
  events.filter(
    ({ deed, stage, answer }) =>
      deed === "logout" &&
      stage === "answered" &&
      answer?.cookie.effect === "cleared",
  ).length;

/** How long a process may take to find its Redis again, in milliseconds. */
const PATIENCE_MS = 60_000;

/** Waits until somebody can log in and out again. */
async function comesBack(snippet: Snippet): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const browser = new Browser(snippet, PATIENCE_MS);
    try {
      await browser.logIn("alice");
      return await browser.logOut();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}
