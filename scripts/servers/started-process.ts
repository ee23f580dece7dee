import { spawn } from "node:child_process";
import { EventEmitter, on } from "node:events";
import { setTimeout } from "node:timers/promises";
import type { Call, Reply } from "./inside/answer-calls.ts";

/** How long a process may take to start, and to stop, in milliseconds. */
const START_MS = 60_000;
const STOP_MS = 5_000;

/** Something that a snippet did wrong, with the last lines that it printed. */
export class SnippetError extends Error {}

/** A process of Node that we have started. */
export interface StartedProcess {
  /** Calls a function of what is loaded into it: see the files in inside/. */
  call<Result>(name: string, ...given: unknown[]): Promise<Result>;
  /**
   * Resolves once it prints something like this, from now on.
   * @throws {SnippetError} when it ends before that
   */
  printed(pattern: RegExp): Promise<string>;
  /** Resolves when it has ended, in whatever way. */
  ended: Promise<unknown>;
  /** Makes an error with the process's name and the last lines that it printed. */
  blame(reason: unknown): SnippetError;
  /**
   * Asks it to end, and makes it after a while.
   * @returns how it ended, when it did so by itself and not because it was asked to
   */
  stop(): Promise<string | undefined>;
}

/**
 * Starts a process of Node.
 * @param name what to call it in errors
 * @param words its command line
 * @param ready what it prints once it is ready
 * @param cancel aborts to end it at once
 * @returns the process, and what it has printed that is like `ready`
 * @throws {SnippetError} when it ends before that, or takes too long
 */
export async function startProcess(
  name: string,
  words: string[],
  env: NodeJS.ProcessEnv,
  ready: RegExp,
  cancel: AbortSignal,
): Promise<[StartedProcess, string]> {
  const child = spawn(process.execPath, words, {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env,
    signal: cancel,
    killSignal: "SIGKILL",
  });
  // It is an error, too, when the process ends because of `cancel`. How it ended says as much.
  child.on("error", () => {});
  const ended = new Promise<string>((resolve) => {
    child.once("close", (code, signal) =>
      resolve(code === null ? `signal ${signal}` : `exit code ${code}`),
    );
  });

  let output = "";
  const printing = new EventEmitter().setMaxListeners(0);
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      // Under load this is called thousands of times a second.
      if (output.length > 40_000) output = output.slice(-20_000);
      printing.emit("text", text);
    });
  }
  const printed = async (pattern: RegExp): Promise<string> => {
    let seen = "";
    for await (const [text] of on(printing, "text")) {
      seen += text;
      const [found] = seen.match(pattern) ?? [];
      if (found) return found;
    }
    throw new Error("what is printed has no end");
  };
  const blame = (reason: unknown): SnippetError => {
    if (reason instanceof SnippetError) return reason;
    const words = reason instanceof Error ? reason.message : reason;
    // Where it came from says less than what it is.
    const told = output
      .trim()
      .split("\n")
      .filter((line) => !/^ +at /.test(line));
    const lines = told.slice(-12).join("\n  | ");
    const last = lines ? `The last it printed:\n  | ${lines}` : "";
    return new SnippetError(`${name}: ${words}. ${last}`.trimEnd());
  };

  const failed = ended.then((how): never => {
    throw blame(`it ended, with ${how}`);
  });
  const late = setTimeout(START_MS, undefined, { ref: false }).then(
    (): never => {
      throw blame(
        `it gave no address within ${START_MS / 1000} s: does it end with serve(app)?`,
      );
    },
  );
  const found = await Promise.race([printed(ready), failed, late]).catch(
    (error) => {
      child.kill("SIGKILL");
      throw error;
    },
  );

  const replies = new EventEmitter();
  child.on("message", (reply: Reply) => replies.emit(`${reply.id}`, reply));
  let calls = 0;
  const started: StartedProcess = {
    call<Result>(name: string, ...given: unknown[]) {
      calls += 1;
      const id = calls;
      const replied = new Promise<Result>((resolve, reject) => {
        replies.once(`${id}`, ({ result, problem }: Reply) =>
          problem ? reject(new Error(problem)) : resolve(result as Result),
        );
      });
      // It can't be sent when the process has ended, and that is told in any case.
      child.send({ id, name, given } satisfies Call, () => {});
      return Promise.race([replied, failed]);
    },
    printed(pattern) {
      const found = Promise.race([printed(pattern), failed]);
      // Who waits later hears of it then.
      found.catch(() => {});
      return found;
    },
    ended,
    blame,
    async stop() {
      const done = new AbortController();
      const isKilled = setTimeout(STOP_MS, true, { signal: done.signal }).then(
        () => child.kill("SIGKILL"),
        () => false,
      );
      child.kill("SIGTERM");
      const how = await ended;
      done.abort();
      // On Windows a process can't answer a signal, and ends.
      const asAsked = ["exit code 0", "signal SIGTERM"].includes(how);
      return asAsked || (await isKilled) ? undefined : how;
    },
  };
  return [started, found];
}
