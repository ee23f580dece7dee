// Runs Redis in a temporary folder, as the process tells it that has started this one. When that one
// ends, in whatever way, it ends Redis and deletes the folder. It is plain JavaScript, so that it
// starts at once.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";

const [folder = "", file = "", ...words] = process.argv.slice(2);
let redis;

/** Starts Redis, and returns what it has printed once it is ready, or has ended. */
async function start(port) {
  mkdirSync(folder, { recursive: true });
  const options = ["--port", String(port), "--dir", folder, ...words];
  redis = spawn(file, options, { stdio: ["ignore", "pipe", "pipe"] });
  return new Promise((resolve) => {
    let output = "";
    redis.once("close", () => resolve(output));
    for (const stream of [redis.stdout, redis.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output = (output + text).slice(-4000);
        if (/Ready to accept connections/.test(output)) resolve(output);
      });
    }
  });
}

/** Sends Redis a signal, if it runs. */
async function send(signal) {
  if (!redis || redis.exitCode !== null || redis.signalCode !== null) return;
  redis.kill(signal);
  if (signal === "SIGKILL") await once(redis, "exit");
}

async function end() {
  await send("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
  process.exit();
}

process.on("message", async ({ port, signal }) => {
  const reply = port ? await start(port) : await send(signal);
  // Nobody gets it who has ended meanwhile.
  process.send?.(reply ?? "", () => {});
});
process.once("disconnect", end);
if (!process.connected) await end();
