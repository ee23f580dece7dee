import type { LastingLogoutOptions } from "../drop-in/lasting-logout.ts";
import { MemoryStore, type SessionStore } from "./memory-store.ts";
import { openRedis } from "./redis.ts";

/**
 * Opens a session store of the express-session kind: connect-redis when `REDIS_URL` names a Redis,
 * which all processes share, and otherwise memorystore, in this process. Ends the process with one
 * line and exit code 1 when that Redis can't be reached.
 * @returns the store and, with Redis, the option `update`, which writes only what is there
 */
export async function openStore(): Promise<{
  store: SessionStore;
  update?: NonNullable<LastingLogoutOptions["update"]>;
}> {
  if (!process.env.REDIS_URL) {
    return { store: new MemoryStore({ checkPeriod: 24 * 60 * 60 * 1000 }) };
  }
  const client = await openRedis();
  // #region redis
  const { RedisStore } = await import("connect-redis");
  const store = new RedisStore({ client });
  const update = (id: string, session: object, lifeMs: number) =>
    client.set(`${store.prefix}${id}`, JSON.stringify(session), {
      XX: true,
      PX: lifeMs,
    });
  // #endregion redis
  return { store: store as unknown as SessionStore, update };
}
