import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { answerCalls } from "./answer-calls.ts";

// Loaded into a snippet's process before the snippet, so that somebody can ask how much memory and
// how much of the processor's time it needs.

answerCalls({
  pid: () => process.pid,
  /** Collects all garbage, and tells the bytes that are left on the heap. */
  heapBytes() {
    setFlagsFromString("--expose-gc");
    const collect: () => void = runInNewContext("gc");
    collect();
    return process.memoryUsage().heapUsed;
  },
  /** Tells the processor's time since its start, in microseconds: of all its threads, and of the kernel. */
  cpuMicroseconds() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
});
