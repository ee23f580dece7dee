import { availableParallelism } from "node:os";

/** Is called with how much of the work is done, from 0 to 1. */
export type Progress = (share: number) => void;

/**
 * Does something with each of some things, side by side: one more at a time than the machine has
 * cores, since each waits now and then.
 * @param options.cancel aborts to begin no more of them
 * @param options.progress is told how much of all is done
 * @param work what to do with one thing; its own progress is a part of all
 * @returns what came of each, in the order of the things
 */
export async function sideBySide<Thing, Result>(
  things: Thing[],
  options: { cancel: AbortSignal; progress: Progress },
  work: (thing: Thing, progress: Progress) => Promise<Result>,
): Promise<Result[]> {
  const shares = things.map(() => 0);
  const results: Result[] = [];
  const waiting = things.entries();
  const worker = async () => {
    for (const [index, thing] of waiting) {
      if (options.cancel.aborted) return;
      results[index] = await work(thing, (share) => {
        shares[index] = share;
        const sum = shares.reduce((one, other) => one + other);
        options.progress(sum / things.length);
      });
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() + 1 }, worker));
  return results;
}
