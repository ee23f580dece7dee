import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import { IncomingMessage, Server, type ServerResponse } from "node:http";
import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers/promises";

// Loaded into a snippet's process before the snippet, so that its time is the verifier's. The
// verifier can move its clock forward, to see what a session does after a day. It can hold a route
// at its work, or before the app sees a request to it, so that nothing depends on how fast a machine
// is.

/** Where a request is held: before the app has seen it, or while its route works. */
export type Place = "arrival" | "work";

/** What the verifier asks for: to go this far ahead, or to hold a route or let it go. */
export type Request =
  | { travel: number }
  | { hold: string; at: Place }
  | { release: string };

/** What it is told: how far ahead the clock is, that a route is held, that a request is there. */
export type Reply = { ahead: number } | { held: string } | { reached: string };

let ahead = 0;
const RealDate = Date;

/** When the clock stands still: at this time, in milliseconds since 1970. */
const standsAt = process.env.CLOCK_STANDS_AT;
const now = () => (standsAt ? Number(standsAt) : RealDate.now()) + ahead;

if (standsAt) {
  // From the Date header a browser learns how far off the server's clock is, and it corrects by
  // that when a cookie expires. Without the header it takes the cookie's word for it.
  subscribe("http.server.request.start", (message) => {
    (message as { response: ServerResponse }).response.sendDate = false;
  });
}

globalThis.Date = class extends RealDate {
  constructor(...given: []) {
    if (given.length > 0) super(...given);
    else super(now());
  }

  static override now(): number {
    return now();
  }
} as DateConstructor;

const realNow = performance.now.bind(performance);
performance.now = () => realNow() + ahead;

/** The path of the request that the code which runs belongs to. */
const route = new AsyncLocalStorage<string>();
subscribe("http.server.request.start", (message) => {
  route.enterWith(pathOf((message as { request: IncomingMessage }).request));
});

const pathOf = ({ url = "" }: IncomingMessage): string =>
  url.split("?")[0] ?? "";

/** The routes that are held, with what the requests that wait there go on with. */
const held = new Map<string, { at: Place; waiting: (() => void)[] }>();

/** Makes a request wait, if it is to be held here. Returns whether it is. */
function waitHere(path: string, at: Place, goOn: () => void): boolean {
  const hold = held.get(path);
  if (hold?.at !== at) return false;
  hold.waiting.push(goOn);
  reply({ reached: path });
  return true;
}

type Emit = (this: Server, event: string, ...given: unknown[]) => boolean;
const realEmit: Emit = Server.prototype.emit;
Server.prototype.emit = function (event: string, ...given: unknown[]) {
  const goOn = () => realEmit.call(this, event, ...given);
  const [request] = given;
  const isRequest = event === "request" && request instanceof IncomingMessage;
  if (isRequest && waitHere(pathOf(request), "arrival", goOn)) return true;
  return goOn();
} as Emit;

// A route's work is a timeout, whose length UPDATE_MS and IDP_MS give.
const realTimeout = timers.setTimeout;
timers.setTimeout = (<T>(...given: Parameters<typeof realTimeout<T>>) =>
  new Promise<T>((resolve, reject) => {
    const goOn = () => resolve(given[1] as T);
    if (waitHere(route.getStore() ?? "", "work", goOn)) return;
    realTimeout(...given).then(resolve, reject);
  })) as typeof realTimeout;
syncBuiltinESMExports();

const reply = (message: Reply) => process.send?.(message);

process.on("message", (request: Request) => {
  if ("travel" in request) {
    ahead += request.travel;
    reply({ ahead });
  } else if ("hold" in request) {
    held.set(request.hold, { at: request.at, waiting: [] });
    reply({ held: request.hold });
  } else if ("release" in request) {
    const waiting = held.get(request.release)?.waiting ?? [];
    held.delete(request.release);
    for (const goOn of waiting) goOn();
  }
});
