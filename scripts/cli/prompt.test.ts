import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import type { Streams } from "./command.ts";
import { openPrompt } from "./prompt.ts";

/** Asks somebody two questions, who has pressed Enter once too often after the first. */
async function askTwice(isTerminal: boolean): Promise<(string | undefined)[]> {
  const stdin = Object.assign(new PassThrough(), { isTTY: isTerminal });
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const input = openPrompt({ stdin, stdout, stderr } as unknown as Streams);
  stdin.write("first\ntoo early\n");
  const first = await input.line("first? ");
  input.forget();
  const second = input.line("second? ");
  stdin.end("second\n");
  const answers = [first, await second];
  input.close();
  return answers;
}

test("on a terminal, what was typed too early answers no question", async () => {
  assert.deepEqual(await askTwice(true), ["first", "second"]);
});

test("of what is piped in, no line is lost", async () => {
  assert.deepEqual(await askTwice(false), ["first", "too early"]);
});

test("what is printed after a question without an answer begins a line", () => {
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const input = openPrompt({ stdin, stdout, stderr } as unknown as Streams);
  input.line("first? ");
  input.close();
  input.close();
  assert.match(String(stderr.read()), /^first\? .*[^\n]*\n$/);
});
