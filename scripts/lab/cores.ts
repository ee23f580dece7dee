import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";
import which from "which";

/** Keeps the processes that are measured on one core, and all others off it. */
export interface Cores {
  /** How that was done, or why it was not, in words. */
  told: string;
  /** Gives a process, and what it starts from now on, the core for what is measured. */
  giveTheirOwn(pid: number): void;
}

/**
 * Keeps this process, and all that it starts, off the first of its cores.
 * @returns how to put another process on that core; where it can't be done, that does nothing
 */
export function shareOutCores(): Cores {
  const leave = (why: string): Cores => ({
    told: `not pinned to cores: ${why}`,
    giveTheirOwn() {},
  });
  if (availableParallelism() < 2) return leave("there is one only");
  const taskset = which.sync("taskset", { nothrow: true });
  if (!taskset) return leave("there is no taskset (util-linux)");
  const set = (pid: number, cores: number[]) =>
    execFileSync(taskset, ["-acp", cores.join(","), String(pid)]);
  try {
    const told = execFileSync(taskset, ["-cp", String(process.pid)]);
    const [first = 0, ...others] = coresIn(String(told));
    set(process.pid, others);
    return {
      told: `servers on core ${first}, all else on ${others.join(", ")}`,
      giveTheirOwn: (pid) => void set(pid, [first]),
    };
  } catch (error) {
    return leave((error as Error).message.split("\n")[0] ?? "");
  }
}

/** Reads a list of cores such as `0-2,5`, at the end of a line. */
export function coresIn(line: string): number[] {
  const list = line.trim().match(/[\d,-]+$/)?.[0] ?? "";
  return list.split(",").flatMap((part) => {
    const [from = 0, to = from] = part.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, at) => from + at);
  });
}
