// Runs a browser for the process that has started this one. When that one ends, in whatever way, the
// browser ends, too. Then its profile is deleted. It is plain JavaScript, so that it starts at once.

import { spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";

const [profile = "", file = "", ...words] = process.argv.slice(2);
mkdirSync(profile, { recursive: true });
// Puppeteer talks with Chromium over two pipes, and with Firefox over what it prints.
const hasPipes = words.includes("--remote-debugging-pipe");
const pipes = hasPipes ? ["inherit", "inherit"] : [];
const browser = spawn(file, words, {
  stdio: ["ignore", "inherit", "pipe", ...pipes],
  // What it makes beside its profile goes with that.
  env: { ...process.env, TMPDIR: profile },
});
// It has to be read to its end when nobody is there any more to read it.
browser.stderr.pipe(process.stderr).on("error", () => browser.stderr.resume());
browser.once("error", ({ message }) => console.error(message));
// All its processes have ended then: each has its standard error.
browser.once("close", (code) => {
  rmSync(profile, { recursive: true, force: true, maxRetries: 9 });
  process.exit(code ?? 1);
});
process.stdin.resume().once("close", () => {
  browser.kill();
  setTimeout(() => browser.kill("SIGKILL"), 5000);
});
