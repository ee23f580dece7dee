import { setMaxListeners } from "node:events";
import type { Readable, Writable } from "node:stream";

/** An invalid argument. */
export class UsageError extends Error {}

/** Where a command reads and writes, such as `process`. */
export interface Streams {
  stdin: Readable & { isTTY?: boolean };
  stdout: Writable;
  stderr: Writable & { isTTY?: boolean };
}

/**
 * Runs a command, and ends the process with its exit code.
 * @see exitCodeOf
 */
export async function runCommand(
  name: string,
  main: () => number | Promise<number>,
): Promise<void> {
  // Whoever reads the output may stop early, as head does. That is no mistake.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit();
  });
  process.exitCode = await exitCodeOf(name, main, process.stderr);
}

/**
 * Runs a command, and returns its exit code: 2, with a line on standard error, for invalid
 * arguments.
 * @param name the command's name, as in `npm run NAME`
 * @throws {Error} whatever else the command throws, since that is a mistake of ours
 */
export async function exitCodeOf(
  name: string,
  main: () => number | Promise<number>,
  stderr: Writable,
): Promise<number> {
  try {
    return await main();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const misused =
      error instanceof UsageError || /^ERR_PARSE_ARGS/.test(String(code));
    if (!misused) throw error;
    // What Node adds about arguments that begin with a hyphen helps nobody here.
    const [told] = message.split(". To specify a positional argument");
    stderr.write(`${name}: ${told}\nTry: npm run ${name} -- --help\n`);
    return 2;
  }
}

/**
 * Reads a whole number from a command line.
 * @param name the option's name, as in `--NAME`
 * @throws {UsageError} when it is none, or less than `least`, or has more than nine digits
 */
export function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (/^\d{1,9}$/.test(text) && value >= least) return value;
  throw new UsageError(`--${name} takes a whole number from ${least} up`);
}

/**
 * Lets a command end in its own way on Ctrl-C or SIGTERM.
 * @returns a signal that aborts then; its reason is the exit code that belongs to it
 */
export function untilSignal(): AbortSignal {
  const cancel = new AbortController();
  process.once("SIGINT", () => cancel.abort(130));
  process.once("SIGTERM", () => cancel.abort(143));
  // Each process that is started waits for it, too.
  setMaxListeners(0, cancel.signal);
  return cancel.signal;
}

/** Goes to the start of a terminal's line and erases it (ECMA-48, EL). */
const ERASE_LINE = "\r\x1b[K";

/**
 * Shows how far a command is, in a line that it writes again and again, where there is a terminal.
 * @param what what it does
 * @returns what to tell how much is done, from 0 to 1
 */
export const progressLine =
  (what: string, { stderr }: Streams = process) =>
  (share: number) => {
    if (!stderr.isTTY) return;
    const percent = Math.floor(share * 100);
    stderr.write(`${ERASE_LINE}${what}: ${percent} %`);
  };

/** Takes that line away. */
export function endProgress({ stderr }: Streams = process): void {
  if (stderr.isTTY) stderr.write(ERASE_LINE);
}
