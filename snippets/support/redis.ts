import { endOnSettingsError, readSettings, SettingsError } from "./settings.ts";

/** So long may Redis be silent, in milliseconds. After that, the connection counts as lost. */
const SILENCE_MS = 5000;

/**
 * Connects the official client to the Redis that `REDIS_URL` names. Ends the process with one line
 * and exit code 1 when none is named, or when it can't be reached. A connection that is lost later
 * is made again, for as long as it takes; until then, commands fail at once.
 */
export const openRedis = () =>
  endOnSettingsError(async () => {
    const { redisUrl: url } = readSettings(process.env);
    if (!url) {
      throw new SettingsError(
        "set REDIS_URL to a Redis or a Valkey, such as redis://localhost:6379",
      );
    }
    const { createClient } = await import("redis");
    let isStarted = false;
    let isDown = false;
    const client = createClient({
      url,
      disableOfflineQueue: true,
      pingInterval: SILENCE_MS / 5,
      socket: {
        connectTimeout: SILENCE_MS,
        socketTimeout: SILENCE_MS,
        reconnectStrategy: (retries) =>
          isStarted && Math.min(50 * 2 ** retries, 1000),
      },
    });
    // Without a listener, an error would end the process.
    client.on("error", (error) => {
      if (!isStarted || isDown || client.isReady) return;
      isDown = true;
      console.error(`! Redis is gone (${reasonOf(error)}). Trying again …`);
    });
    client.on("ready", () => {
      if (isDown) console.error("Redis is back.");
      isDown = false;
    });
    try {
      await client.connect();
    } catch (error) {
      throw new SettingsError(
        `Redis at ${new URL(url).host} can't be used (${reasonOf(error)}): ` +
          "start it, or set REDIS_URL to another",
      );
    }
    isStarted = true;
    return client;
  });

/** The official client, connected. */
export type Redis = Awaited<ReturnType<typeof openRedis>>;

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}
