import { RedisStore } from "connect-redis";
import type { ErrorRequestHandler } from "express";
import { createClient } from "redis";
import { type Kind, startApp } from "../bed/app.ts";

// A small app whose sessions, or what has ended of them, are in a Redis. It has a process of its own,
// so that a rejection that nobody handles, or an exit, is seen.

const { KIND, REDIS_URL = "", EXPRESS } = process.env;

const socket = { reconnectStrategy: () => 50 };
const client = createClient({ url: REDIS_URL, socket });
client.on("error", () => {});
client.on("ready", () => console.log("Redis is there"));
await client.connect();

const update = (id: string, session: object, lifeMs: number) =>
  client.set(`sess:${id}`, JSON.stringify(session), { XX: true, PX: lifeMs });
const ended = {
  has: async (id: string) => (await client.exists(`ended:${id}`)) === 1,
  add: (id: string, lifeMs: number) =>
    client.set(`ended:${id}`, "", { PX: lifeMs }),
};

// Some apps answer all errors in one way.
const onError: ErrorRequestHandler = (error, req, res, next) => {
  if (req.get("always-500")) res.status(500).send(error.message);
  else next(error);
};
const store = new RedisStore({ client }) as never;
const { baseURL } = await startApp({
  kind: KIND as Kind,
  express: EXPRESS === "4" ? 4 : 5,
  onError,
  ...(KIND !== "cookies" && { config: { session: { store } } }),
  options: {
    answerMs: 1000,
    ...(KIND === "store and update" && { update }),
    ...(KIND === "cookies" && { ended }),
  },
});
console.log(baseURL);
process.once("SIGTERM", () => process.exit());
