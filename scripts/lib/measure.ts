import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Browser } from "./browser.ts";
import type { Cost, Costs } from "./costs.ts";
import { BODY } from "./race.ts";
import { type RedisServer, startRedis } from "./redis.ts";
import { startSnippet } from "./snippet.ts";

/** The remedies that keep something in Redis. */
const REMEDIES = ["fix-deny-list", "fix-store-redis", "fix-complete"];

/** How many copies of a key are made, so that what one of them takes is seen, all included. */
const COPIES = 10_000;

const SNIPPETS = fileURLToPath(new URL("../../snippets", import.meta.url));
const HOUR_MS = 60 * 60 * 1000;

/**
 * Measures what each remedy costs in Redis, with one user at a time.
 * @param cancel aborts to end all processes at once
 */
export async function measureCosts(cancel: AbortSignal): Promise<Costs> {
  const costs: Costs = {};
  for (const name of REMEDIES) costs[name] = await measure(name, cancel);
  return costs;
}

async function measure(name: string, cancel: AbortSignal): Promise<Cost> {
  const redis = await startRedis();
  const file = join(SNIPPETS, `${name}.ts`);
  try {
    const settings = { REDIS_URL: redis.url };
    const snippet = await startSnippet(file, cancel, settings);
    try {
      const browser = new Browser(snippet);
      // The first login may make more than the ones after it.
      await new Browser(snippet).logIn("bob");
      const first = await keysOf(redis);
      const login = await commands(redis, () => browser.logIn("alice"));
      const [session] = await newKeys(redis, first);
      const sessionBytes = session ? await bytesOf(redis, session) : 0;
      const update = await browser.compose("cors", "POST", "/update", BODY);
      const request = await commands(redis, () => browser.exchange(update));
      await snippet.travel(HOUR_MS);
      const afterHour = await commands(redis, () => browser.exchange(update));
      const page = await new Browser(snippet).compose("cors", "GET", "/whoami");
      const stranger = await commands(redis, () => browser.exchange(page));
      const before = await keysOf(redis);
      const leave = await browser.compose("navigate", "GET", "/logout");
      const logout = await commands(redis, () => browser.exchange(leave));
      const [mark] = await newKeys(redis, before);
      const logoutBytes = mark ? await bytesOf(redis, mark) : 0;
      const life = mark ? Number(await redis.ask("PTTL", mark)) : 0;
      const logoutHours = Math.round(life / HOUR_MS);
      return {
        ...{ sessionBytes, logoutBytes, logoutHours },
        ...{ request, afterHour, login, logout, stranger },
      };
    } finally {
      await snippet.stop();
    }
  } finally {
    await redis.stop();
  }
}

const keysOf = async (redis: RedisServer) =>
  (await redis.ask("KEYS", "*")) as string[];

const newKeys = async (redis: RedisServer, before: string[]) =>
  (await keysOf(redis)).filter((key) => !before.includes(key));

/** Measures what a key takes, with its part of the tables that Redis keeps of all keys. */
async function bytesOf(redis: RedisServer, key: string): Promise<number> {
  const used = async () =>
    Number(
      /used_memory:(\d+)/.exec(String(await redis.ask("INFO", "memory")))?.[1],
    );
  // A copy has a name as long as the key's own.
  const name = (at: number) =>
    key.slice(0, -6) + String(at).padStart(6, "0").slice(-6);
  const copies = Array.from({ length: COPIES }, (_, at) => name(at));
  const before = await used();
  await redis.askAll(copies.map((copy) => ["COPY", key, copy]));
  const bytes = Math.round(((await used()) - before) / COPIES);
  await redis.askAll(copies.map((copy) => ["DEL", copy]));
  return bytes;
}

/** Watches which commands Redis gets while something happens, without the pings. */
async function commands(
  redis: RedisServer,
  work: () => Promise<unknown>,
): Promise<string> {
  await redis.ask("CONFIG", "RESETSTAT");
  await work();
  const stats = String(await redis.ask("INFO", "commandstats"));
  const found = stats.matchAll(/cmdstat_(get|set|del|exists):calls=(\d+)/g);
  const words = [...found].flatMap(([, name = "", count]) =>
    Array(Number(count)).fill(name.toUpperCase()),
  );
  return words.sort().join(", ") || "-";
}
