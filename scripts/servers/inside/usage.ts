import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

// Loaded into a snippet's process before the snippet, so that somebody can ask how much memory and
// how much of the processor's time it needs.

/** What a process has used. */
export interface Usage {
  /** The processor's time since its start, in microseconds: of all its threads, and of the kernel. */
  cpuMicroseconds: number;
  /** The memory that it has from the system now, its garbage included. */
  residentBytes: number;
}

/** What somebody asks for. */
export type MemoryRequest = { memory: true } | { usage: true };

/** The bytes that are in use on the heap once all garbage has been collected, or the usage. */
export type MemoryReply = { heapBytes: number } | Usage;

process.on("message", (request: object) => {
  if ("memory" in request) {
    setFlagsFromString("--expose-gc");
    const collect: () => void = runInNewContext("gc");
    collect();
    process.send?.({ heapBytes: process.memoryUsage().heapUsed });
  } else if ("usage" in request) {
    const { user, system } = process.cpuUsage();
    process.send?.({
      cpuMicroseconds: user + system,
      residentBytes: process.memoryUsage.rss(),
    });
  }
});
