import { startProvider } from "../../snippets/support/provider.ts";
import { type HeldCommand, startRedisProxy } from "./redis-proxy.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";
import { type Inside, type Snippet, startSnippet } from "./snippet.ts";

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

export interface TwoProcessOptions {
  /** Whether to start a Redis server for them. */
  withRedis: boolean;
  /** More options for the command line of that. */
  redisSettings?: string[];
  claimBytes: number;
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
  let backChannelAddress = "";
  const { provider, close } = await startProvider({
    baseURL: "http://localhost",
    idpMs: 0,
    claimBytes: options.claimBytes,
    // Apps that take no such call answer with 404, and nothing comes of it.
    backChannelLogout: true,
    backChannelAddress: () => backChannelAddress,
  });
  const redis = options.withRedis
    ? await startRedis(options.redisSettings)
    : undefined;
  const proxy = redis && (await startRedisProxy(redis.port));
  const settings = (url: string | undefined) => ({
    ISSUER_BASE_URL: provider.issuerBaseURL,
    CLIENT_ID: provider.clientID,
    CLIENT_SECRET: provider.clientSecret,
    SECRET: provider.secret,
    REDIS_URL: url,
  });
  const started: Snippet[] = [];
  const end = async () => {
    const ends = await Promise.all(started.map((one) => one.stop()));
    proxy?.close();
    await redis?.stop();
    close();
    return ends.find((how) => how);
  };
  try {
    for (const url of [proxy?.url, redis?.url]) {
      const { inside } = options;
      started.push(await startSnippet(file, cancel, settings(url), inside));
    }
  } catch (error) {
    await end();
    throw error;
  }
  const [one, other] = started as [Snippet, Snippet];
  backChannelAddress = other.baseURL;
  return {
    ...one,
    redis,
    both: [one, other],
    otherURL: other.baseURL,
    ...(proxy && { holdWrite: () => proxy.hold("SET") }),
    ...(redis && { watchRedis: redis.watch }),
    async travel(milliseconds) {
      await Promise.all([one, other].map((each) => each.travel(milliseconds)));
      await redis?.age(milliseconds);
    },
    stop: end,
  };
}
