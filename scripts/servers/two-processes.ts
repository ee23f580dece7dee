import { fileURLToPath } from "node:url";
import type { Provider } from "../../snippets/support/settings.ts";
import { type HeldCommand, startRedisProxy } from "./redis-proxy.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";
import {
  type Inside,
  modulesFor,
  type Snippet,
  startSnippet,
} from "./snippet.ts";
import { startProcess } from "./started-process.ts";

/** Two processes of one snippet, as if they were one. */
export interface TwoProcesses extends Snippet {
  /** The address of the second one, which gets the logouts. */
  otherURL: string;
  /** Holds the next write of a session, on its way to Redis. */
  holdWrite?(): HeldCommand;
  /** Watches what their Redis is asked. */
  watchRedis?: RedisServer["watch"];
  /** Their Redis server, if they need one. */
  redis: RedisServer | undefined;
  both: [Snippet, Snippet];
}

interface TwoProcessOptions {
  /** Whether to start a Redis server for them. */
  withRedis: boolean;
  /** More options for the command line of that. */
  redisSettings?: string[];
  claimBytes: number;
  /** How far the clock of the second one is ahead, in milliseconds. */
  aheadMs?: number;
  /** What to load into them. */
  inside?: Inside[];
}

/**
 * Starts two processes of one snippet, which share a provider, a secret and, where the snippet
 * keeps something in Redis, a Redis server. The first gets all requests but the logouts.
 * @throws {SnippetError} when one of them does not start
 */
export async function startTwoProcesses(
  file: string,
  cancel: AbortSignal,
  options: TwoProcessOptions,
): Promise<TwoProcesses> {
  const redis = options.withRedis
    ? await startRedis(options.redisSettings)
    : undefined;
  const [provider, told] = await startProvider(options, cancel).catch(
    async (error) => {
      await redis?.stop();
      throw error;
    },
  );
  const proxy = redis && (await startRedisProxy(redis.port));
  const settings = (url: string | undefined) => ({
    ISSUER_BASE_URL: told.issuerBaseURL,
    CLIENT_ID: told.clientID,
    CLIENT_SECRET: told.clientSecret,
    SECRET: told.secret,
    REDIS_URL: url,
  });
  const started: Snippet[] = [];
  let dead: Snippet | undefined;
  const end = async () => {
    const ends = await Promise.all(started.map((one) => one.stop()));
    dead ??= started[ends.findIndex(Boolean)];
    proxy?.close();
    await redis?.stop();
    await provider.stop();
    return ends.find((how) => how);
  };
  try {
    for (const url of [proxy?.url, redis?.url]) {
      const { inside } = options;
      started.push(await startSnippet(file, cancel, settings(url), inside));
    }
    const [, second] = started as [Snippet, Snippet];
    await provider.call("callAt", second.baseURL);
    await second.travel(options.aheadMs ?? 0);
  } catch (error) {
    await end();
    throw error;
  }
  const [one, other] = started as [Snippet, Snippet];
  return {
    ...one,
    // Of the one that has ended by itself, what it printed last says more.
    blame: (reason) => (dead ?? one).blame(reason),
    redis,
    both: [one, other],
    otherURL: other.baseURL,
    ...(proxy && { holdWrite: () => proxy.hold("SET") }),
    ...(redis && { watchRedis: redis.watch }),
    async travel(milliseconds) {
      await Promise.all([
        one.travel(milliseconds),
        other.travel(milliseconds),
        provider.call("travel", milliseconds),
        redis?.age(milliseconds),
      ]);
    },
    stop: end,
  };
}

/** Starts the provider of both, and tells what they have to know about it. */
async function startProvider(
  { claimBytes }: TwoProcessOptions,
  cancel: AbortSignal,
) {
  const file = fileURLToPath(import.meta.resolve("./provider-process.ts"));
  const [started, printed] = await startProcess(
    "the provider",
    [...modulesFor(["./inside/clock.ts"]), file],
    { ...process.env, CLAIM_BYTES: String(claimBytes) },
    /{.*}/,
    cancel,
  );
  return [started, JSON.parse(printed) as Provider] as const;
}
