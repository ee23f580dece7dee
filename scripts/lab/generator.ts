import type { EventEmitter } from "node:events";
import autocannon from "autocannon";

// The load generator: a process of its own, which stays for the whole run, so that its code is
// compiled when it counts. It ends with the process that has started it.

/** What to send, again and again, and what each answer has to be. */
export interface Load {
  url: string;
  headers: Record<string, string>;
  body: string;
  /** The one body that is right, with status 200. */
  expected: string;
  seconds: number;
  /** How many requests are in flight at once. */
  connections: number;
}

/** What came of it. */
export type Loaded =
  | { problem: string }
  | {
      requestsPerSecond: number;
      requests: number;
      p50Ms: number;
      p99Ms: number;
      bytesPerResponse: number;
      /** The processor's time that the load generator itself took, in microseconds. */
      ownMicroseconds: number;
    };

/** Longer than any load: it ends with the first answer after its time, so that there is one. */
const LONG_SECONDS = 100_000;

/** How often autocannon looks whether the time is over, in milliseconds. */
const SAMPLE_MS = 100;

/** Sends the load. The first wrong answer ends it. */
async function fire(load: Load): Promise<Loaded> {
  const { url, headers, body, expected, seconds, connections } = load;
  // autocannon counts whole milliseconds, which is too coarse to compare.
  const times: number[] = [];
  let bytes = 0;
  let problem: string | undefined;
  const before = process.cpuUsage();
  const start = performance.now();
  let end = start;
  await new Promise((resolve, reject) => {
    const instance = autocannon(
      {
        ...{ url, headers, body, connections, duration: LONG_SECONDS },
        method: "POST",
        expectBody: expected,
        sampleInt: SAMPLE_MS,
      },
      (error, result) => (error ? reject(error) : resolve(result)),
    );
    const fail = (words: string) => {
      problem ??= words;
      instance.stop();
    };
    instance.on("response", (_client, status, length, ms) => {
      if (status !== 200) fail(`POST /update was answered with ${status}`);
      times.push(ms);
      bytes += length;
      end = performance.now();
      if (end - start > seconds * 1000) instance.stop();
    });
    // The types of the package do not know this event.
    (instance as EventEmitter).on("reqMismatch", (answer) =>
      fail(`POST /update was answered with ${answer}, and not ${expected}`),
    );
    instance.on("reqError", (error) => fail(`POST /update: ${error.message}`));
  });
  if (problem) return { problem };
  times.sort((one, other) => one - other);
  const percentile = (share: number) =>
    times[Math.ceil(times.length * share) - 1] as number;
  const own = process.cpuUsage(before);
  return {
    ownMicroseconds: own.user + own.system,
    requestsPerSecond: times.length / ((end - start) / 1000),
    requests: times.length,
    p50Ms: percentile(0.5),
    p99Ms: percentile(0.99),
    bytesPerResponse: bytes / times.length,
  };
}

process.on("message", async (load: Load) => {
  const loaded = await fire(load).catch((error) => ({
    problem: error.message,
  }));
  process.send?.(loaded);
});
process.on("disconnect", () => process.exit());
