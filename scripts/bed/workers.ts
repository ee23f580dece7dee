import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

/** Is called with how much of the work is done, from 0 to 1. */
export type Progress = (share: number) => void;

/** A thing that one worker does, by a name for errors. */
export interface Task {
  name: string;
}

/** How a task failed: a sentence with its name, and the last lines that were printed. */
export class TaskError extends Error {}

/** What a worker sends: how far it is, what came of its task, or why nothing did. */
export type Message =
  | { progress: number }
  | { result: unknown }
  | { problem: string };

/** A worker that sends nothing for so long does not go on, in milliseconds. */
const SILENCE_MS = 300_000;

const WORKER = fileURLToPath(new URL("worker.ts", import.meta.url));

/**
 * Does tasks in processes of their own, one for each core. A task that throws, ends its process or
 * never ends fails by its own name, and costs the others nothing.
 * @param module the address of the module whose function `work` does a task
 * @param options.cancel aborts to end all at once
 * @param options.progress is told how much of all is done
 * @returns what came of each task that was done, in their order
 */
export async function inWorkers<Result>(
  module: string,
  tasks: Task[],
  { cancel, progress }: { cancel: AbortSignal; progress: Progress },
): Promise<(Result | TaskError)[]> {
  const results: (Result | TaskError)[] = [];
  const shares = tasks.map(() => 0);
  const waiting = tasks.entries();
  const workOn = async () => {
    let worker: ChildProcess | undefined;
    for (const [index, task] of waiting) {
      if (cancel.aborted) break;
      worker ??= startWorker(module, cancel);
      const found = await doTask<Result>(worker, task, (share) => {
        shares[index] = share;
        progress(shares.reduce((one, other) => one + other) / tasks.length);
      });
      if (!cancel.aborted) results[index] = found;
      // Whatever a task that failed has left there is not to disturb others.
      if (found instanceof TaskError) {
        worker.kill("SIGKILL");
        worker = undefined;
      }
    }
    worker?.kill("SIGKILL");
  };
  const count = Math.min(availableParallelism(), tasks.length);
  await Promise.all(Array.from({ length: count }, workOn));
  return results;
}

/** Starts a worker. It ends with this process, however that ends. */
function startWorker(module: string, signal: AbortSignal): ChildProcess {
  const imports = ["./packages-first.mjs", "tsx"].map((name) =>
    import.meta.resolve(name),
  );
  const worker = fork(WORKER, [module], {
    execArgv: imports.flatMap((name) => ["--import", name]),
    ...{ silent: true, signal, killSignal: "SIGKILL" as const },
  });
  // It is an error, too, when it ends because of the signal.
  return worker.on("error", () => {});
}

async function doTask<Result>(
  worker: ChildProcess,
  task: Task,
  progress: Progress,
): Promise<Result | TaskError> {
  let output = "";
  const print = (text: string) => {
    output = (output + text).slice(-20_000);
  };
  const streams = [worker.stdout, worker.stderr];
  for (const stream of streams) stream?.setEncoding("utf8").on("data", print);
  const fail = (problem: string) =>
    new TaskError(`${task.name}: ${problem}. ${lastLines(output)}`.trimEnd());
  const done = new AbortController();
  const closed = once(worker, "close", { signal: done.signal });
  const ended = closed.then(
    ([code, signal]) =>
      fail(
        `it ended, with ${signal ? `signal ${signal}` : `exit code ${code}`}`,
      ),
    (error) => fail(error.message),
  );
  let timer: NodeJS.Timeout | undefined;
  const finished = new Promise<Result | TaskError>((resolve) => {
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(() => resolve(fail("it does not go on")), SILENCE_MS);
    };
    wait();
    worker.on("message", (message: Message) => {
      wait();
      if ("progress" in message) progress(message.progress);
      else if ("result" in message) resolve(message.result as Result);
      else resolve(fail(message.problem));
    });
  });
  // It can't be sent to a worker that has ended, and that is told in any case.
  worker.send(task, () => {});
  try {
    return await Promise.race([finished, ended]);
  } finally {
    clearTimeout(timer);
    done.abort();
    worker.removeAllListeners("message");
    for (const stream of streams) stream?.off("data", print).resume();
  }
}

/** Tells what was printed last. Where it came from says less than what it is. */
function lastLines(output: string): string {
  const lines = output.trim().split("\n");
  const told = lines.filter((line) => !/^ +at /.test(line)).slice(-12);
  return told.join("") && `The last it printed:\n  | ${told.join("\n  | ")}`;
}
