import { spawn } from "node:child_process";
import { setMaxListeners } from "node:events";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { loggedIn } from "../client/browser.ts";
import { BODY } from "../client/request-steps.ts";
import {
  BARE,
  BASE,
  type Contestant,
  type Sample,
  titleOf,
} from "../publish/bench-data.ts";
import type { Usage } from "../servers/inside/usage.ts";
import {
  findRedis,
  type RedisServer,
  startRedis,
} from "../servers/redis-server.ts";
import {
  type Snippet,
  SnippetError,
  startSnippet,
} from "../servers/snippet.ts";
import { needsRedis, usesRedis } from "../servers/snippet-files.ts";
import { VERDICTS } from "../verify/verdicts.ts";
import { type Cores, shareOutCores } from "./cores.ts";
import type { Load, Loaded } from "./generator.ts";

/** How to measure. */
export interface BenchOptions {
  /** The folder of the snippets. */
  folder: string;
  /** The snippets' names. The base, and the server without `auth()`, are measured in any case. */
  names: string[];
  rounds: number;
  /** How long a round is for one server, in seconds. */
  seconds: number;
  /** How many sessions there are in a store that is in the server's process. */
  sessions: number;
  /** Decides in which order the servers come. */
  seed: number;
  /** Aborts to end everything at once. */
  cancel: AbortSignal;
  /** Is told what is being done, and how much of it, from 0 to 1. */
  progress: (doing: string, share: number) => void;
}

/** How long a server has work before the rounds, so that all its code is compiled, in seconds. */
const WARM_UP_SECONDS = 4;

/** How many requests are in flight at once. */
const CONNECTIONS = 10;

/** The snippets that keep sessions, and not only who has left. */
const WITH_SESSIONS = [
  "broken-plain-store",
  "broken-check-then-set",
  "fix-store",
  "fix-complete",
];

const BARE_FILE = fileURLToPath(new URL("bare.ts", import.meta.url));

/** A server that runs, and what it is sent. */
interface Running extends Contestant {
  snippet: Snippet;
  load: Omit<Load, "seconds">;
}

/** Lists what is measured: each snippet, in its process and on Redis, as far as it can be there. */
export function contestants(names: string[], withRedis: boolean): Contestant[] {
  const snippets = Object.keys(VERDICTS).filter(
    (name) => name === BASE || names.includes(name),
  );
  return [BARE, ...snippets].flatMap((server): Contestant[] => [
    ...(needsRedis(server) ? [] : [{ server, store: "process" } as const]),
    ...(withRedis && usesRedis(server)
      ? [{ server, store: "Redis" } as const]
      : []),
  ]);
}

/**
 * Makes the order of each round.
 * @param seed the same seed makes the same orders
 * @returns a function that gives the next order of some things
 */
export function shuffler(seed: number): <T>(things: T[]) => T[] {
  const generator = xoroshiro128plus(seed);
  return (things) => {
    const left = [...things];
    return things.map(() => {
      const at = uniformInt(generator, 0, left.length - 1);
      return left.splice(at, 1)[0] as (typeof things)[number];
    });
  };
}

/**
 * Measures all servers, in rounds. All of them are up the whole time, and one at a time has work.
 * Before the rounds, each is warmed up.
 * @returns the rounds of each server, and how the cores were shared out
 * @throws {SnippetError} when a server does not start, or gives a wrong answer
 */
export async function bench(
  options: BenchOptions,
): Promise<{ samples: Sample[]; cores: string }> {
  const { rounds, seed, cancel, progress } = options;
  // Each process listens to it.
  setMaxListeners(0, cancel);
  const cores = shareOutCores();
  const all = contestants(options.names, Boolean(findRedis()));
  const running: Running[] = [];
  let redis: RedisServer | undefined;
  let generator: Generator | undefined;
  try {
    if (all.some(({ store }) => store === "Redis")) redis = await startRedis();
    generator = startGenerator(cancel);
    for (const one of all) {
      progress("Starting servers", running.length / all.length);
      running.push(await start(one, options, redis, cores));
    }
    // Without auth() there is no cookie, but the request is to be as large.
    const [bare, base] = running as [Running, Running];
    bare.load.headers = base.load.headers;

    const shuffle = shuffler(seed);
    const samples: Sample[] = [];
    const warmUp = Math.min(WARM_UP_SECONDS, rounds * options.seconds);
    const total = warmUp + rounds * options.seconds;
    for (let round = 0; round <= rounds; round += 1) {
      const doing = round === 0 ? "Warming up" : `Round ${round}`;
      const seconds = round === 0 ? warmUp : options.seconds;
      const before = round === 0 ? 0 : warmUp + (round - 1) * seconds;
      for (const [at, one] of shuffle(running).entries()) {
        progress(doing, (before + (at / all.length) * seconds) / total);
        const sample = await measure(one, round, seconds, generator);
        if (round > 0) samples.push(sample);
      }
    }
    const place = (sample: Sample) =>
      all.findIndex((one) => titleOf(one) === titleOf(sample));
    samples.sort(
      (one, other) => place(one) - place(other) || one.round - other.round,
    );
    return { samples, cores: cores.told };
  } finally {
    generator?.stop();
    await Promise.all(running.map(({ snippet }) => snippet.stop()));
    await redis?.stop();
  }
}

/** Starts one server, with alice logged in, and many others. */
async function start(
  { server, store }: Contestant,
  { folder, sessions, cancel }: BenchOptions,
  redis: RedisServer | undefined,
  cores: Cores,
): Promise<Running> {
  const isBare = server === BARE;
  const file = isBare ? BARE_FILE : join(folder, `${server}.ts`);
  const settings = {
    NODE_ENV: "production",
    REDIS_URL: store === "Redis" ? redis?.url : undefined,
  };
  const snippet = await startSnippet(file, cancel, settings, [
    "./inside/fill-store.ts",
  ]);
  try {
    cores.giveTheirOwn(await snippet.call("pid"));
    const url = new URL("/update", snippet.baseURL).href;
    const body = JSON.stringify(BODY);
    const load = { url, body, connections: CONNECTIONS };
    const expected = (user: string | null) =>
      JSON.stringify({ recordedBy: user });
    if (isBare) {
      const nobody = { ...load, headers: {}, expected: expected(null) };
      return { server, store, snippet, load: nobody };
    }
    const browser = await loggedIn(snippet);
    const { headers } = await browser.compose("cors", "POST", "/update", BODY);
    if (sessions > 0 && store === "process" && WITH_SESSIONS.includes(server)) {
      const id = headers.cookie?.match(/appSession=([^;]*)/)?.[1] ?? "";
      await snippet.call("fillStore", sessions, decodeURIComponent(id));
    }
    const user = VERDICTS[server]?.knowsUser ? "alice" : null;
    return {
      ...{ server, store, snippet },
      load: { ...load, headers, expected: expected(user) },
    };
  } catch (error) {
    await snippet.stop();
    throw error instanceof SnippetError ? error : snippet.blame(error);
  }
}

/** Sends one server its load, and looks what that took. */
async function measure(
  { server, store, snippet, load }: Running,
  round: number,
  seconds: number,
  generator: Generator,
): Promise<Sample> {
  const before = await snippet.call<Usage>("usage");
  const [allBefore, start] = [allMicroseconds(), performance.now()];
  const ownBefore = process.cpuUsage();
  const loaded = await generator.fire({ ...load, seconds });
  if ("problem" in loaded) throw snippet.blame(loaded.problem);
  const own = process.cpuUsage(ownBefore);
  const after = await snippet.call<Usage>("usage");
  const elapsed = (performance.now() - start) * 1000;
  const { requests, ownMicroseconds, ...seen } = loaded;
  const served = after.cpuMicroseconds - before.cpuMicroseconds;
  const elsewhere =
    allMicroseconds() -
    allBefore -
    (served + ownMicroseconds + own.user + own.system);
  return {
    ...{ server, store, round },
    requestsPerSecond: rounded(seen.requestsPerSecond, 1),
    p50Ms: rounded(seen.p50Ms, 3),
    p99Ms: rounded(seen.p99Ms, 3),
    bytesPerResponse: rounded(seen.bytesPerResponse, 1),
    cpuMicroseconds: rounded(served / requests, 1),
    residentMegabytes: rounded(after.residentBytes / 1e6, 1),
    coresElsewhere: rounded(Math.max(0, elsewhere / elapsed), 2),
  };
}

/** The time for which all processors of the machine have been busy, in microseconds. */
const allMicroseconds = (): number =>
  cpus()
    .map(({ times: { user, nice, sys, irq } }) => user + nice + sys + irq)
    .reduce((one, other) => one + other) * 1000;

/** Leaves the digits that mean something. */
const rounded = (number: number, digits: number): number =>
  Number(number.toFixed(digits));

/** The process that sends the load. */
interface Generator {
  fire(load: Load): Promise<Loaded>;
  stop(): void;
}

function startGenerator(signal: AbortSignal): Generator {
  const file = fileURLToPath(new URL("generator.ts", import.meta.url));
  const words = ["--import", import.meta.resolve("tsx"), file];
  const child = spawn(process.execPath, words, {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    signal,
    killSignal: "SIGKILL",
  });
  // It is an error, too, when the process ends because of the signal. That it ended says as much.
  child.on("error", () => {});
  const ended = new Promise<Loaded>((resolve) => {
    child.once("exit", () => resolve({ problem: "the load generator ended" }));
  });
  return {
    fire(load) {
      const answer = new Promise<Loaded>((resolve) => {
        child.once("message", (loaded) => resolve(loaded as Loaded));
      });
      child.send(load, () => {});
      return Promise.race([answer, ended]);
    },
    stop: () => void child.kill("SIGKILL"),
  };
}
