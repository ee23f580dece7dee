import { subscribe } from "node:diagnostics_channel";
import { EventEmitter, once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Soak } from "../base/results.ts";
import { Browser } from "../bed/browser.ts";
import { follow } from "../bed/clock.ts";
import { ON_DISK, type RedisServer, startRedis } from "../bed/redis.ts";
import { startSnippet } from "../bed/snippet.ts";
import type { Progress, Task } from "../bed/workers.ts";
import { exampleOf, historyLines } from "../histories/example.ts";
import { makeHistories } from "../histories/history.ts";
import { LiveHistories } from "../histories/live-histories.ts";
import { playHistory } from "../histories/play-history.ts";
import { fileOf } from "../verify/snippet-files.ts";

type Change = (redis: RedisServer) => Promise<unknown>;

const set = (name: string, value: string): Change => {
  return (redis) => redis.command("CONFIG", "SET", name, value);
};

/** What goes wrong with Redis: how that begins, and how it ends. */
const FAULTS: Record<string, [begin: Change, end: Change]> = {
  killed: [(redis) => redis.kill(), (redis) => redis.restart()],
  paused: [(redis) => redis.pause(), (redis) => redis.resume()],
  "refusing writes": [
    set("min-replicas-to-write", "1"),
    set("min-replicas-to-write", "0"),
  ],
  "out of memory": [set("maxmemory", "1"), set("maxmemory", "0")],
  emptied: [(redis) => redis.command("FLUSHALL"), async () => {}],
};

/** Each kind of fault comes once in so many requests, and lasts for so many. */
const [ROUND, FAULT_LASTS] = [50_000, 40];

/** So many histories are played at once. */
const AT_ONCE = 8;

/** So far is one clock ahead of the other. */
const AHEAD_MS = 5 * 60 * 1000;

/** How long a server may take to find its Redis again. */
const PATIENCE_MS = 60_000;

/** What came of it, and what must not happen, told in lines. */
export type Soaked = Soak["snippets"][string] & { told: string[] };

/** Soaks a snippet with so many requests, or a few more, in a worker. */
export async function work(
  { name, requests, seed }: Task & { requests: number; seed: number },
  progress: Progress,
): Promise<Soaked> {
  const redis = await startRedis(ON_DISK);
  follow(redis.age);
  const { baseURL, otherURL = "" } = await startSnippet(fileOf(name), {
    ...{ processes: 2, aheadMs: AHEAD_MS },
    settings: { REDIS_URL: redis.url },
  });
  const lost = name.endsWith("cookie") ? "emptied list" : "emptied store";
  const live = new LiveHistories(true);
  const figures = {
    requests: 0,
    histories: 0,
    "logouts confirmed": 0,
    "answered with 503": 0,
    "of these without a fault": 0,
  };
  const faults: Soaked["faults"] = {};
  const excused: Record<string, number> = {};
  const told: string[] = [];

  const answers = new EventEmitter();
  subscribe("http.server.response.finish", (message) => {
    const { request, response } = message as {
      request: IncomingMessage;
      response: ServerResponse;
    };
    // The provider is on another host.
    if (!request.headers.host?.startsWith("localhost")) return;
    figures.requests += 1;
    if (response.statusCode === 503) {
      figures["answered with 503"] += 1;
      // A machine with too much to do is late, too.
      if (!live.isFaulty) figures["of these without a fault"] += 1;
    }
    progress(Math.min(figures.requests / requests, 1));
    answers.emit("one");
  });
  const pass = async (more: number) => {
    const end = figures.requests + more;
    while (figures.requests < end) await once(answers, "one");
  };
  // Each asks the provider for its settings once, and does not wait for long.
  const comeBack = async () => {
    for (const url of [baseURL, otherURL]) await comesBack(url);
  };

  const rounds = Math.ceil(requests / ROUND);
  const all = Array.from({ length: rounds }, () => Object.keys(FAULTS)).flat();
  const pause = Math.max(0, requests / all.length - FAULT_LASTS);
  let isOver = false;
  const bringAll = async () => {
    for (const fault of all) {
      await pass(pause);
      const [begin, end] = FAULTS[fault] as [Change, Change];
      await live.turn(async () => {
        live.isFaulty = true;
        await begin(redis);
        if (fault !== "emptied") return;
        for (const { ledger } of live.all) ledger.lose(lost);
      });
      await pass(FAULT_LASTS);
      await end(redis);
      await comeBack();
      live.isFaulty = false;
      faults[fault] = (faults[fault] ?? 0) + 1;
    }
    isOver = true;
  };

  const histories = endless(seed);
  const play = async () => {
    for (const history of histories) {
      const played = await playHistory({ baseURL, otherURL }, history, {
        live,
      });
      figures.histories += 1;
      // All others leave the cookie as it is.
      figures["logouts confirmed"] += played.events.filter(
        ({ deed, stage, answer }) =>
          `${deed} ${stage}` === "logout answered" &&
          answer?.cookie.effect === "cleared",
      ).length;
      for (const kind of [...played.excused, ...played.doubted]) {
        excused[kind] = (excused[kind] ?? 0) + 1;
      }
      for (const { rule } of played.breaks) {
        const lines = historyLines(exampleOf(played, rule));
        told.push([`\n${name} breaks “${rule}”:`, ...lines].join("\n  "));
      }
      if (figures.requests >= requests && isOver) return;
    }
  };
  await comeBack();
  await Promise.all([bringAll(), ...Array.from({ length: AT_ONCE }, play)]);
  return { figures, faults, excused, violations: told.length, told };
}

/** Makes histories, without an end. */
function* endless(seed: number) {
  for (let block = seed; ; block += 1) yield* makeHistories(500, block);
}

/** Waits until somebody can log in and out again. */
async function comesBack(baseURL: string): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const browser = new Browser({ baseURL });
    try {
      await browser.logIn("alice");
      return await browser.logOut();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}
