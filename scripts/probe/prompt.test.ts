import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import type { Streams } from "../base/command.ts";
import { openPrompt } from "./prompt.ts";

for (const [isTTY, expected] of [
  // On a terminal, what was typed too early answers no question.
  [true, ["first", "second"]],
  // Of what is piped in, no line is lost.
  [false, ["first", "too early"]],
] as const) {
  test(`two questions get ${expected.join(" and ")}, whoever has pressed Enter too often`, async () => {
    const stdin = Object.assign(new PassThrough(), { isTTY });
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const input = openPrompt({ stdin, stdout, stderr } as unknown as Streams);
    stdin.write("first\ntoo early\n");
    const first = await input.line("first? ");
    input.forget();
    const second = input.line("second? ");
    stdin.end("second\n");
    assert.deepEqual([first, await second], expected);
    input.close();
  });
}

test("what is typed as a secret is not shown", async () => {
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  const stderr = new PassThrough();
  const streams = { stdin, stdout: stderr, stderr };
  const input = openPrompt(streams as unknown as Streams);
  const answer = input.line("cookie? ", true);
  stdin.write("s3cr3t\r");
  assert.equal(await answer, "s3cr3t");
  input.close();
  assert.doesNotMatch(String(stderr.read()), /s3cr3t/);
});
