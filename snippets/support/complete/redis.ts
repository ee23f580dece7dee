import { LRUCache } from "lru-cache";
import type { createClient } from "redis";
import { SettingsError } from "../settings.ts";
import type { Store, StoreOptions } from "./store.ts";

/** The store can't be asked now: whoever wanted something of it should come back. */
export class StoreError extends Error {
  readonly status = 503;
  readonly headers = { "Retry-After": "5" };

  constructor(cause: unknown) {
    super("sessions can't be read or written right now", { cause });
  }
}

interface RedisSettings {
  url: string;
  /** How long it may take to answer a command, in ms. */
  answerMs: number;
}

type Client = ReturnType<typeof createClient>;

/** Sends a command, and throws a {@link StoreError} when it fails or is not answered in time. */
type Ask = <Reply>(
  command: (client: Client) => Promise<Reply>,
) => Promise<Reply>;

/** How long the first connection may take, in milliseconds. */
const START_MS = 3000;

/** After so long without a word, or longer, an idle connection counts as lost, in milliseconds. */
const SILENCE_MS = 5000;

let connected: Promise<Ask> | undefined;

/**
 * Connects this process to Redis, once. A connection that is lost later is made again, for as long
 * as it takes. Until then commands fail, at once, and so do those that Redis does not answer in
 * time: a user who waits for ever is worse off than one who is told to come back.
 * @throws {SettingsError} when there is no Redis to be reached now
 */
export function connectRedis(settings: RedisSettings): Promise<Ask> {
  connected ??= connect(settings);
  return connected;
}

async function connect({ url, answerMs }: RedisSettings): Promise<Ask> {
  const { createClient } = await import("redis");
  // Who may be slow to answer may be silent as well.
  const silenceMs = Math.max(SILENCE_MS, 2 * answerMs);
  let isStarted = false;
  let isDown = false;
  const complain = (error: unknown) => {
    if (!isStarted || isDown) return;
    isDown = true;
    console.error(`! Redis is gone (${reasonOf(error)}). Trying again …`);
  };
  const makeClient = (): Client => {
    const made = createClient({
      url,
      disableOfflineQueue: true,
      commandsQueueMaxLength: 10_000,
      pingInterval: silenceMs / 5,
      maintNotifications: "disabled",
      socket: {
        connectTimeout: silenceMs,
        socketTimeout: silenceMs,
        reconnectStrategy: (retries) =>
          isStarted && Math.min(50 * 2 ** retries, 1000),
      },
    }) as Client;
    made.on("error", (error) => {
      // A ping that is refused is an error, too, and no connection is lost.
      if (!made.isReady) complain(error);
    });
    made.on("ready", () => {
      if (isDown) console.error("Redis is back.");
      isDown = false;
    });
    return made;
  };

  let client = makeClient();
  try {
    await inTime(START_MS, client.connect());
    await warnOfForgetting(client);
  } catch (error) {
    client.destroy();
    throw new SettingsError(
      `Redis at ${new URL(url).host} can't be used (${reasonOf(error)}): start ` +
        "it, or unset REDIS_URL, which keeps sessions in this process alone",
    );
  }
  isStarted = true;

  return async (command) => {
    const asked = client;
    try {
      return await inTime(answerMs, command(asked));
    } catch (error) {
      // Redis answers in the order in which it is asked. When one answer is late, all are, and
      // maybe nobody is there any more.
      if (error instanceof LateError && asked === client) {
        complain(error);
        asked.destroy();
        client = makeClient();
        client.connect().catch(() => {});
      }
      throw new StoreError(error);
    }
  };
}

/**
 * Makes a store of Redis. Each value has a key of its own and each write is one command, so that
 * nothing can happen in the middle of it, also on a cluster.
 */
export function redisStore<Value>(
  ask: Ask,
  { name, ttlMs, isValue }: StoreOptions<Value>,
): Store<Value> {
  const told = new LRUCache<string, true>({ max: 1000 });
  const parse = (id: string, text: string | null): Value | undefined => {
    if (text === null) return undefined;
    try {
      const found: unknown = JSON.parse(text);
      if (isValue(found)) return found;
    } catch {}
    // It is of no use to anybody, but it may be a clue, so it is left where it is.
    if (!told.has(id)) console.error(`! Redis has a ${name} that is none`);
    told.set(id, true);
    return undefined;
  };
  const life = Number.isFinite(ttlMs)
    ? ({ expiration: { type: "PX", value: ttlMs } } as const)
    : {};
  const key = (id: string) => `in-flight:${name}:${id}`;
  const set = async (id: string, value: Value, condition?: "NX" | "XX") => {
    const text = JSON.stringify(value);
    const how = { ...life, ...(condition && { condition }) };
    await ask((redis) => redis.set(key(id), text, how));
  };

  // #region redis
  return {
    get: async (id) => parse(id, await ask((redis) => getText(redis, key(id)))),
    has: async (id) => (await ask((redis) => redis.exists(key(id)))) === 1,
    // NX: only if there is none. XX: only if there is one.
    create: (id, value) => set(id, value, "NX"),
    update: (id, value) => set(id, value, "XX"),
    put: (id, value) => set(id, value),
    delete: async (id) => void (await ask((redis) => redis.del(key(id)))),
  };
  // #endregion redis
}

/** Reads a key. One that has no text, but a list, say, is read as a text that is no value. */
const getText = (redis: Client, key: string): Promise<string | null> =>
  redis.get(key).catch((error: Error) => {
    if (error.message.startsWith("WRONGTYPE")) return "";
    throw error;
  });

/** Warns when what Redis has written to its disk, and loads at a restart, may be out of date. */
async function warnOfForgetting(client: Client): Promise<void> {
  // Who runs Redis for others often keeps CONFIG for themselves, and then we can't know.
  const settings = await client
    .configGet(["save", "appendonly"])
    .catch(() => ({}) as Record<string, string>);
  if (settings.save && settings.appendonly === "no") {
    console.error(
      "! Redis keeps snapshots. After a crash it loads the last one, and has " +
        "forgotten who logged out since. Set appendonly to yes, or save to nothing.",
    );
  }
}

class LateError extends Error {}

/** Waits for an answer, but no longer than some milliseconds. */
async function inTime<T>(ms: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const refuse = () => reject(new LateError(`no answer within ${ms} ms`));
    // It may be this process that is late, and the answer is there. So it is looked for once more.
    timer = setTimeout(() => setImmediate(refuse), ms);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

const reasonOf = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
};
