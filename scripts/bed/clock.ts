import { AsyncLocalStorage } from "node:async_hooks";

// The one clock of this process: that of the servers, the provider and the browsers in it. Import
// this before anything that keeps a `Date` or `performance` of its own.

const RealDate = Date;
const realNow = performance.now.bind(performance);
const realTimeout = setTimeout;

let aheadMs = 0;

/** How far ahead of the others the clock of one of two servers is, in milliseconds. */
export const skew = new AsyncLocalStorage<number>();

const now = () => RealDate.now() + aheadMs + (skew.getStore() ?? 0);

globalThis.Date = class extends RealDate {
  constructor(...given: []) {
    if (given.length > 0) super(...given);
    else super(now());
  }
  static override now = now;
} as DateConstructor;
performance.now = () => realNow() + aheadMs;

const followers = new Set<(milliseconds: number) => Promise<unknown>>();

/** Has something outside of this process, such as a Redis, told when time passes. */
export const follow = (work: (milliseconds: number) => Promise<unknown>) =>
  followers.add(work);

/** Lets time pass, everywhere. */
export async function travel(milliseconds: number): Promise<void> {
  await shift(milliseconds);
  for (const work of followers) await work(milliseconds);
}

/** Moves the clock of this process alone; below 0 it goes back. */
export async function shift(milliseconds: number): Promise<void> {
  aheadMs += milliseconds;
  // lru-cache keeps what it has read there for a millisecond.
  await new Promise((resolve) => realTimeout(resolve, 2));
}
