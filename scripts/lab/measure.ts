import { BrowserError } from "../browsers/installed-browsers.ts";
import { endProgress, untilSignal } from "../cli/command.ts";
import { SnippetError } from "../servers/snippet.ts";

/**
 * Does what a command is there for, until it is done, a snippet or a browser fails, or somebody
 * ends it.
 * @param work what to do
 * @param tell prints what came of it
 * @returns the exit code: what `tell` says, 1 after a failure that is told in a line, or the signal's
 */
export async function measure<Result>(
  work: (cancel: AbortSignal) => Promise<Result>,
  tell: (result: Result) => number,
): Promise<number> {
  const cancel = untilSignal();
  let result: Result;
  try {
    result = await work(cancel);
  } catch (error) {
    if (cancel.aborted) return cancel.reason;
    const isTheirs =
      error instanceof SnippetError || error instanceof BrowserError;
    if (!isTheirs) throw error;
    console.error(error.message);
    return 1;
  } finally {
    endProgress();
  }
  return cancel.aborted ? cancel.reason : tell(result);
}
