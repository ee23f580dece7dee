import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";
import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers/promises";

// Loaded into a snippet's process before the snippet, so that its time is the verifier's. The
// verifier can move its clock forward, to see what a session does after a day. It can hold a route
// at its work, so that nothing depends on how fast a machine is. And the process ends with the
// verifier, however that ends.

/** What the verifier asks for: to go this far ahead, or to hold a route or let it go. */
export type Request =
  | { travel: number }
  | { hold: string }
  | { release: string };

/** What it is told: how far ahead the clock is, that a route is held, that a request is there. */
export type Reply = { ahead: number } | { held: string } | { reached: string };

let ahead = 0;
const RealDate = Date;

globalThis.Date = class extends RealDate {
  constructor(...given: []) {
    if (given.length > 0) super(...given);
    else super(RealDate.now() + ahead);
  }

  static override now(): number {
    return RealDate.now() + ahead;
  }
} as DateConstructor;

const realNow = performance.now.bind(performance);
performance.now = () => realNow() + ahead;

/** The path of the request that the code which runs belongs to. */
const route = new AsyncLocalStorage<string>();
subscribe("http.server.request.start", (message) => {
  const { request } = message as { request: IncomingMessage };
  route.enterWith(String(request.url).split("?")[0] ?? "");
});

/** The routes that are held, with the requests that wait there. */
const held = new Map<string, (() => void)[]>();
const realTimeout = timers.setTimeout;

// A route's work is a timeout, whose length UPDATE_MS and IDP_MS give.
timers.setTimeout = (async (...given: Parameters<typeof realTimeout>) => {
  const waiting = held.get(route.getStore() ?? "");
  if (!waiting) return realTimeout(...given);
  const released = new Promise<void>((resolve) => waiting.push(resolve));
  reply({ reached: route.getStore() as string });
  return released;
}) as typeof realTimeout;
syncBuiltinESMExports();

const reply = (message: Reply) => process.send?.(message);

process.on("message", (request: Request) => {
  if ("travel" in request) {
    ahead += request.travel;
    reply({ ahead });
  } else if ("hold" in request) {
    held.set(request.hold, []);
    reply({ held: request.hold });
  } else if ("release" in request) {
    for (const resolve of held.get(request.release) ?? []) resolve();
    held.delete(request.release);
  }
});
process.on("disconnect", () => process.exit());
// Only the snippet's servers keep the process alive.
process.channel?.unref();
