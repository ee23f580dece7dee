import { MemoryStore, type SessionStore } from "./memory-store.ts";
import { openRedis } from "./redis.ts";

/**
 * Opens a session store of the express-session kind: connect-redis when `REDIS_URL` names a Redis,
 * which all processes share, and otherwise memorystore, in this process. Ends the process with one
 * line and exit code 1 when that Redis can't be reached.
 */
export async function openStore(): Promise<SessionStore> {
  if (!process.env.REDIS_URL) {
    return new MemoryStore({ checkPeriod: 24 * 60 * 60 * 1000 });
  }
  const client = await openRedis();
  const { RedisStore } = await import("connect-redis");
  return new RedisStore({ client }) as unknown as SessionStore;
}
