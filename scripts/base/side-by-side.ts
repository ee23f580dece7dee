import { setMaxListeners } from "node:events";
import { availableParallelism } from "node:os";

/** Is called with how much of the work is done, from 0 to 1. */
export type Progress = (share: number) => void;

/** How many things are done at once: one more than there are cores, since each waits now and then. */
export const atOnce = (): number => availableParallelism() + 1;

/**
 * Does something with each of some things, side by side, as many as {@link atOnce} says. When one
 * fails, so do all.
 * @param options.cancel aborts to begin no more of them
 * @param options.progress is told how much of all is done
 * @param work what to do with one thing; its own progress is a part of all, and its signal aborts, too,
 * when another one has failed
 * @returns what came of each, in the order of the things
 */
export async function sideBySide<Thing, Result>(
  things: Thing[],
  options: { cancel: AbortSignal; progress: Progress },
  work: (
    thing: Thing,
    progress: Progress,
    cancel: AbortSignal,
  ) => Promise<Result>,
): Promise<Result[]> {
  const failed = new AbortController();
  const cancel = AbortSignal.any([options.cancel, failed.signal]);
  // Each process that is started waits for it.
  setMaxListeners(0, cancel);
  const shares = things.map(() => 0);
  const results: Result[] = [];
  const waiting = things.entries();
  const worker = async () => {
    for (const [index, thing] of waiting) {
      if (cancel.aborted) return;
      const progress = (share: number) => {
        shares[index] = share;
        const sum = shares.reduce((one, other) => one + other);
        options.progress(sum / things.length);
      };
      results[index] = await work(thing, progress, cancel);
    }
  };
  try {
    await Promise.all(Array.from({ length: atOnce() }, worker));
  } catch (error) {
    failed.abort();
    throw error;
  }
  return results;
}
