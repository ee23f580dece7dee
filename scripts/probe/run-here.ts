import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { PassThrough, Readable, Writable } from "node:stream";
import { skipUnless } from "../base/testing.ts";
import { findBrowser, HOW_TO_INSTALL } from "../browsers/installed-browsers.ts";
import type { Make } from "./apps.ts";
import { Chromium, type Window } from "./chromium.ts";
import { runProbe } from "./run-probe.ts";

const isThere = findBrowser("chromium") !== undefined;
export const skip = skipUnless("Chromium", isThere, HOW_TO_INSTALL.chromium);

/** Serves an app on loopback, and remembers what it is asked. */
export async function serve(make: Make, host = "localhost") {
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

let chromium: Promise<Chromium> | undefined;

/**
 * Points the probe at an app that runs, in this process, in a Chromium for all.
 * @param act what somebody does in their window, for each question that they then answer
 */
export async function runHere(
  url: string,
  words: string[],
  act: ((window: Window) => Promise<"y" | "n">)[] = [],
) {
  chromium ??= Chromium.launch(false);
  const browser = await chromium;
  const windows: Window[] = [];
  const open = async (...how: Parameters<Chromium["open"]>) => {
    windows.push(await browser.open(...how));
    return windows.at(-1) as Window;
  };
  const texts = { stdout: "", stderr: "" };
  const stdin = act.length > 0 ? new PassThrough() : Readable.from([""]);
  const collect = (name: keyof typeof texts) =>
    new Writable({
      write(text, _, done) {
        texts[name] += text;
        done();
        if (!/\(y\/n\)\n$/.test(text)) return;
        const [next] = act.splice(0, 1);
        // The third window is theirs.
        next?.(windows[2] as Window).then((said) => stdin.push(`${said}\n`));
      },
    });
  const streams = {
    ...{ stdin, stdout: collect("stdout"), stderr: collect("stderr") },
  };
  const never = new AbortController().signal;
  const code = await runProbe(
    [url, ...words],
    streams,
    never,
    async () => ({ open }) as never,
  );
  assert.doesNotMatch(texts.stderr, /\n {4}at |can't go on/);
  for (const line of texts.stdout.split("\n"))
    assert.ok(
      line.length <= 80 || /^posts|^ {6}|--json/.test(`${line}${words}`),
      line,
    );
  return { code, ...texts };
}
