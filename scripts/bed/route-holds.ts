import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import { IncomingMessage, Server } from "node:http";
import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers/promises";

// Holds the requests to a route of any server in this process, so that nothing depends on how fast a
// machine is. Import this before the servers.

/** Where a request is held: before the app has seen it, or while its route works. */
type Place = "arrival" | "work";

/** A route that is held: its requests wait until they are let go. */
export interface HeldRoute {
  /** Resolves once a request is there. */
  reached: Promise<void>;
  /** Lets the requests go that wait there, and all that come after. */
  release(): void;
}

/** The routes that are held, by their paths. */
const held = new Map<string, { at: Place; wait(goOn: () => void): void }>();

/** Holds the requests to a route, by its path. */
export function holdRoute(path: string, at: Place = "work"): HeldRoute {
  const waiting: (() => void)[] = [];
  let reach = () => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const wait = (goOn: () => void) => {
    waiting.push(goOn);
    reach();
  };
  held.set(path, { at, wait });
  const release = () => {
    held.delete(path);
    for (const goOn of waiting) goOn();
  };
  return { reached, release };
}

/** Makes a request wait, if it is to be held here. Returns whether it is. */
function waitHere(path: string, at: Place, goOn: () => void): boolean {
  const hold = held.get(path);
  if (hold?.at !== at) return false;
  hold.wait(goOn);
  return true;
}

const pathOf = ({ url = "" }: IncomingMessage) => url.split("?")[0] ?? "";

/** The path of the request that the code which runs belongs to. */
const route = new AsyncLocalStorage<string>();
subscribe("http.server.request.start", (message) => {
  route.enterWith(pathOf((message as { request: IncomingMessage }).request));
});

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
