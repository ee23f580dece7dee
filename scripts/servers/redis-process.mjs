// Makes a temporary folder, and runs a program. Both are gone when the process is that asked for
// them, however that ends. It is plain JavaScript, so that it starts at once.

import { spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";

const [folder = "", file = "", ...words] = process.argv.slice(2);
const clear = () => rmSync(folder, { recursive: true, force: true });

if (process.connected) {
  mkdirSync(folder, { recursive: true });
  const child = spawn(file, words, { stdio: "inherit" });
  const abandon = () => {
    child.once("exit", clear);
    child.kill("SIGKILL");
  };
  process.once("disconnect", abandon);
  process.send?.({ pid: child.pid }, () => {});
  child.once("exit", (code) => {
    process.off("disconnect", abandon);
    process.exitCode = code ?? 1;
    if (process.connected) process.disconnect();
    else clear();
  });
} else clear();

// Ctrl-C goes to all processes of a terminal. This one has to outlive the program.
process.on("SIGINT", () => {});
