import { LRUCache } from "lru-cache";
import { endOnSettingsError, readSettings } from "../settings.ts";
import { connectRedis, redisStore } from "./redis.ts";

/**
 * Where values live by their ids, each until nobody has written it for a while. When Redis is
 * down, or refuses, every function here throws a `StoreError`, and none gives a wrong answer.
 */
export interface Store<Value> {
  get(id: string): Promise<Value | undefined>;
  has(id: string): Promise<boolean>;
  /** Writes the value of an id that has none. */
  create(id: string, value: Value): Promise<void>;
  /** Writes the value of an id that has one, and does nothing when it has none. */
  update(id: string, value: Value): Promise<void>;
  /** Writes a value, whether there is one or not. */
  put(id: string, value: Value): Promise<void>;
  delete(id: string): Promise<void>;
}

/** What a store keeps, and how long. */
export interface StoreOptions<Value> {
  /** Keeps the keys of one store apart from those of another. */
  name: string;
  /** How long a value lives after it was written, in milliseconds; Infinity for ever. */
  ttlMs: number;
  /** Recognizes a value: what another program has put under one of our keys is none. */
  isValue: (found: unknown) => found is Value;
}

/**
 * Opens a store: in Redis when `REDIS_URL` names one, which all processes share, and otherwise in
 * the memory of this process. Ends the process with one line and exit code 1 when that Redis can't
 * be reached.
 */
export const openStore = <Value extends NonNullable<unknown>>(
  options: StoreOptions<Value>,
): Promise<Store<Value>> =>
  endOnSettingsError(async () => {
    const { redisUrl: url } = readSettings(process.env);
    if (!url) return memoryStore<Value>(options.ttlMs);
    const answerMs = Number(process.env.REDIS_MS || 1000);
    return redisStore(await connectRedis({ url, answerMs }), options);
  });

/** Values are kept as text, as in Redis, so that two requests at once don't change each other's. */
function memoryStore<Value extends NonNullable<unknown>>(
  ttlMs: number,
): Store<Value> {
  const values = new LRUCache<string, string>(
    Number.isFinite(ttlMs) ? { ttl: ttlMs, ttlAutopurge: true } : { max: 100 },
  );
  const put = async (id: string, value: Value) => {
    values.set(id, JSON.stringify(value));
  };
  return {
    async get(id) {
      const text = values.get(id);
      return text === undefined ? undefined : JSON.parse(text);
    },
    has: async (id) => values.has(id),
    create: async (id, value) => {
      if (!values.has(id)) await put(id, value);
    },
    update: async (id, value) => {
      if (values.has(id)) await put(id, value);
    },
    put,
    delete: async (id) => {
      values.delete(id);
    },
  };
}
