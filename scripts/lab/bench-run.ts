import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { sample, shuffledSubarray } from "fast-check";
import { Pool } from "undici";
import { ROOT } from "../cli/root.ts";
import { loggedIn } from "../client/browser.ts";
import { BODY } from "../client/request-steps.ts";
import {
  BASE,
  type Contestant,
  NO_AUTH,
  type Sample,
  titleOf,
} from "../publish/bench-data.ts";
import { type RedisServer, startRedis } from "../servers/redis-server.ts";
import {
  type Snippet,
  SnippetError,
  startSnippet,
} from "../servers/snippet.ts";
import { needsRedis, usesRedis } from "../servers/snippet-files.ts";
import { readVerdicts } from "../verify/verdicts.ts";

/** How to measure. */
interface BenchOptions {
  /** The snippets' names. The base, and the server without `auth()`, are measured in any case. */
  names: string[];
  /** Whether there is a Redis. */
  withRedis: boolean;
  rounds: number;
  /** How many requests each server gets in a round. */
  requests: number;
  /** Decides in which order the servers come. */
  seed: number;
  /** Aborts to end everything at once. */
  cancel: AbortSignal;
  /** Is told how much is done, from 0 to 1. */
  progress: (share: number) => void;
}

/** For so many rounds a server has work before the first one counts, so that its code is compiled. */
const WARM_UP_ROUNDS = 2;

/** How many requests are in flight at once. */
const AT_ONCE = 10;

/** What a server is sent, and the one right answer. */
interface Load {
  headers: Record<string, string>;
  expected: string;
}

interface Running extends Contestant {
  snippet: Snippet;
  load: Load;
}

/** Keeps a process on some cores, where taskset (util-linux) can. Elsewhere, it only repeats less well. */
const keepOn = (cores: string, pid: number) =>
  spawnSync("taskset", ["-acp", cores, String(pid)]);

/** Lists what is measured: each snippet, in its process and on Redis, as far as it can be there. */
export function contestants(names: string[], withRedis: boolean): Contestant[] {
  const snippets = Object.keys(readVerdicts()).filter(
    (name) => name === BASE || names.includes(name),
  );
  return [NO_AUTH, ...snippets].flatMap((server): Contestant[] => [
    ...(needsRedis(server) ? [] : [{ server, store: "process" } as const]),
    ...(withRedis && usesRedis(server)
      ? [{ server, store: "Redis" } as const]
      : []),
  ]);
}

/**
 * Makes an order of some things for each round.
 * @param seed the same seed makes the same orders
 */
export const ordersOf = <Thing>(
  things: Thing[],
  rounds: number,
  seed: number,
): Thing[][] =>
  sample(shuffledSubarray(things, { minLength: things.length }), {
    numRuns: rounds,
    seed,
  });

/**
 * Measures all servers, in rounds. All of them are up the whole time, and one at a time has work.
 * @returns the rounds of each server
 * @throws {SnippetError} when a server does not start, or gives a wrong answer
 */
export async function bench(options: BenchOptions): Promise<Sample[]> {
  const { names, withRedis, rounds, requests, seed, cancel } = options;
  const all = contestants(names, withRedis);
  const running: Running[] = [];
  let redis: RedisServer | undefined;
  try {
    // The servers are on the first core. This process is on the others, and so is Redis.
    keepOn(`1-${availableParallelism() - 1}`, process.pid);
    if (all.some(({ store }) => store === "Redis")) redis = await startRedis();
    for (const one of all) running.push(await start(one, redis, cancel));
    // Without auth() there is no cookie, but the request is to be as large.
    const [noAuth, base] = running as [Running, Running];
    noAuth.load.headers = base.load.headers;

    const samples: Sample[] = [];
    const orders = ordersOf(running, rounds + 1, seed);
    for (const [round, order] of orders.entries()) {
      for (const [at, one] of order.entries()) {
        options.progress((round + at / all.length) / (rounds + 1));
        const count = requests * (round === 0 ? WARM_UP_ROUNDS : 1);
        const sample = await measure(one, round, count);
        if (round > 0) samples.push(sample);
      }
    }
    const titles = all.map(titleOf);
    const place = (sample: Sample) => titles.indexOf(titleOf(sample));
    return samples.sort((one, other) => place(one) - place(other));
  } finally {
    await Promise.all(running.map(({ snippet }) => snippet.stop()));
    await redis?.stop();
  }
}

/** Starts one server, and logs alice in. */
async function start(
  { server, store }: Contestant,
  redis: RedisServer | undefined,
  cancel: AbortSignal,
): Promise<Running> {
  const isSnippet = server !== NO_AUTH;
  const file = isSnippet
    ? join(ROOT, "snippets", `${server}.ts`)
    : join(import.meta.dirname, "no-auth.ts");
  const settings = {
    NODE_ENV: "production",
    REDIS_URL: store === "Redis" ? redis?.url : undefined,
  };
  // Without the verifier's clock, which costs time on each request.
  const inside = ["./inside/usage.ts" as const];
  const snippet = await startSnippet(file, cancel, settings, inside);
  keepOn("0", await snippet.call("pid"));
  try {
    const { headers } = isSnippet
      ? await (await loggedIn(snippet)).compose("cors", "POST", "/update", BODY)
      : { headers: {} };
    const recordedBy = readVerdicts()[server]?.knowsUser ? "alice" : null;
    const expected = JSON.stringify({ recordedBy });
    return { server, store, snippet, load: { headers, expected } };
  } catch (error) {
    await snippet.stop();
    throw error instanceof SnippetError ? error : snippet.blame(error);
  }
}

/** Sends one server its load, and looks what that took. */
async function measure(
  { server, store, snippet, load }: Running,
  round: number,
  requests: number,
): Promise<Sample> {
  const pool = new Pool(snippet.baseURL, { connections: AT_ONCE });
  const before = await snippet.call<number>("cpuMicroseconds");
  let [left, bytes] = [requests, 0];
  const user = async () => {
    while (left > 0) {
      left -= 1;
      // Not in one step: meanwhile the others add theirs.
      const size = await sendOne(pool, load);
      bytes += size;
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, user));
  } catch (error) {
    throw snippet.blame(error);
  } finally {
    await pool.destroy();
  }
  const after = await snippet.call<number>("cpuMicroseconds");
  return {
    ...{ server, store, round },
    cpuMicroseconds: Number(((after - before) / requests).toFixed(1)),
    bytesPerResponse: Number((bytes / requests).toFixed(1)),
  };
}

/**
 * Sends one request.
 * @returns how many bytes the response has, with its headers (RFC 9112, section 2.1)
 * @throws {Error} when it is a wrong one
 */
async function sendOne(
  pool: Pool,
  { headers, expected }: Load,
): Promise<number> {
  const response = await pool.request({
    ...{ method: "POST", path: "/update", headers, body: JSON.stringify(BODY) },
    responseHeaders: "raw",
  });
  const body = await response.body.text();
  if (response.statusCode !== 200 || body !== expected) {
    const answer = `${response.statusCode}, ${body}`;
    throw new Error(`POST /update was answered with ${answer}`);
  }
  // Each name and each value has two characters after it.
  const fields = response.headers as unknown as string[];
  const head = ["HTTP/1.1 200 OK", ...fields, ""].join("\r\n").length;
  return head + "\r\n".length + body.length;
}
