import { answerCalls } from "./answer-calls.ts";

// Loaded into a snippet's process before the snippet, so that somebody can ask how much of the
// processor's time it needs.

answerCalls({
  pid: () => process.pid,
  /** Tells the processor's time since its start, in microseconds: of all its threads, and of the kernel. */
  cpuMicroseconds() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
});
