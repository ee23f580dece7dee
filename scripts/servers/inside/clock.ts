import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import { IncomingMessage, Server } from "node:http";
import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers/promises";
import { answerCalls } from "./answer-calls.ts";

// Loaded into a snippet's process before the snippet, so that its time is the verifier's. The
// verifier can move its clock forward, to see what a session does after a day. It can hold a route
// at its work, or before the app sees a request to it, so that nothing depends on how fast a machine
// is.

/** Where a request is held: before the app has seen it, or while its route works. */
export type Place = "arrival" | "work";

let ahead = 0;
const RealDate = Date;

const now = () => RealDate.now() + ahead;

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

/** A route that is held. */
interface HeldRoute {
  at: Place;
  /** What the requests that wait there go on with. */
  waiting: (() => void)[];
  /** Resolves once one waits there. */
  reached: Promise<void>;
  reach: () => void;
}

/** The routes that are held, by their paths. */
const held = new Map<string, HeldRoute>();

/** Makes a request wait, if it is to be held here. Returns whether it is. */
function waitHere(path: string, at: Place, goOn: () => void): boolean {
  const hold = held.get(path);
  if (hold?.at !== at) return false;
  hold.waiting.push(goOn);
  hold.reach();
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

answerCalls({
  /**
   * Moves the clock, and tells how far ahead it is then. lru-cache keeps what it has read there for a
   * millisecond, by a timer, which ends before one that is set after it.
   */
  async travel(milliseconds: number) {
    ahead += milliseconds;
    await realTimeout(1);
    return ahead;
  },
  hold(path: string, at: Place) {
    let reach = () => {};
    const reached = new Promise<void>((resolve) => {
      reach = resolve;
    });
    held.set(path, { at, waiting: [], reached, reach });
  },
  reached: (path: string) => held.get(path)?.reached,
  release(path: string) {
    const { waiting = [] } = held.get(path) ?? {};
    held.delete(path);
    for (const goOn of waiting) goOn();
  },
});
