import type { Visited } from "./browser.ts";
import type { Snippet } from "./snippet.ts";

/** The parts of an order, as they come. The first four events are the request's and the logout's. */
export const OF_AN_ORDER = [
  ...["login", "sent", "received", "answered", "stored"],
  "asked",
] as const;

/** What is timed: all of a snippet, the start of its process, its orders, and their parts. */
export type Part = "all" | "start" | "order" | (typeof OF_AN_ORDER)[number];

/** How long the verifier's work on one snippet took. */
export class Timings {
  /** How many HTTP requests the verifier has sent, in the orders and for the other questions. */
  requests = 0;
  readonly #spent = new Map<Part, { ms: number; times: number }>();

  /** Adds some milliseconds to a part. */
  add(part: Part, ms: number): void {
    const old = this.of(part);
    this.#spent.set(part, { ms: old.ms + ms, times: old.times + 1 });
  }

  /** The milliseconds that went into a part, and how many times it was done. */
  of(part: Part): { ms: number; times: number } {
    return this.#spent.get(part) ?? { ms: 0, times: 0 };
  }
}

/**
 * Does something, and takes down how long that takes.
 * @param timings where to; without it, nothing is timed
 */
export async function timed<Result>(
  timings: Timings | undefined,
  part: Part,
  work: () => Promise<Result>,
): Promise<Result> {
  if (!timings) return work();
  const start = performance.now();
  try {
    return await work();
  } finally {
    timings.add(part, performance.now() - start);
  }
}

/**
 * Takes down how long a snippet's start takes, and has it take down what is done with it.
 * @param starting as `startSnippet` gives it
 * @param timings where to; without it, the snippet is as it was
 */
export async function withTimings(
  starting: Promise<Snippet>,
  timings: Timings | undefined,
): Promise<Snippet & Visited> {
  const snippet = await timed(timings, "start", () => starting);
  if (!timings) return snippet;
  return {
    ...snippet,
    timings,
    beforeSending() {
      timings.requests += 1;
    },
  };
}
