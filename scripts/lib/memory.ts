import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

// Loaded into a snippet's process before the snippet, so that somebody can ask how much memory it
// needs.

/** What somebody asks for. */
export interface MemoryRequest {
  memory: true;
}

/** The bytes that are in use on the heap once all garbage has been collected. */
export interface MemoryReply {
  heapBytes: number;
}

process.on("message", (request: Partial<MemoryRequest>) => {
  if (!request.memory) return;
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  collect();
  process.send?.({ heapBytes: process.memoryUsage().heapUsed });
});
