import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { Readable, Writable } from "node:stream";
import type { Make } from "./report-apps.ts";
import { runProbe } from "./run-probe.ts";

/** Serves an app on loopback, and remembers what it is asked. */
export async function serve(
  make: Make,
  host = "localhost",
): Promise<{ url: string; seen: IncomingMessage[] }> {
  const seen: IncomingMessage[] = [];
  const server = createServer().listen(0, host);
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const url = `http://${host}:${port}`;
  const app = await make(url);
  server.on("request", (req, res) => {
    seen.push(req);
    app(req, res);
  });
  return { url, seen };
}

/** Points the probe at an app that runs, in this process. */
export async function runHere(url: string, words: string[], input = "") {
  const texts = { stdout: "", stderr: "" };
  const collect = (name: keyof typeof texts) =>
    new Writable({
      write(text, _, done) {
        texts[name] += text;
        done();
      },
    });
  const streams = {
    stdin: Readable.from([input]),
    stdout: collect("stdout"),
    stderr: collect("stderr"),
  };
  const never = new AbortController().signal;
  const code = await runProbe([url, ...words], streams, never);
  assert.doesNotMatch(texts.stderr, /\n {4}at /, "no stack trace");
  for (const line of texts.stdout.split("\n")) {
    assert.ok(line.length <= 80 || words.includes("--json"), line);
  }
  return { code, ...texts };
}
