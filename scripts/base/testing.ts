import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { TestContext } from "node:test";
import { ROOT } from "./root.ts";

/**
 * Decides what becomes of tests that need a program which not every machine has. They are skipped
 * where it is missing, but with `SKIP_NOTHING`, which `.ci/run` sets, they have to run. With
 * `HIDE_OPTIONAL`, which `npm test` sets, nothing of that kind is there.
 * @param thing the program's name
 * @param howToInstall a command, such as `apt-get install chromium`
 * @returns what node:test takes for `skip`: false, or the reason
 * @throws {Error} with `SKIP_NOTHING`, when it is missing
 */
export function skipUnless(
  thing: string,
  isThere: boolean,
  howToInstall: string,
): string | false {
  const { HIDE_OPTIONAL, SKIP_NOTHING } = process.env;
  if (HIDE_OPTIONAL) return `npm run check tries it, with ${thing}`;
  if (isThere) return false;
  const missing = `${thing} is missing: ${howToInstall}`;
  if (SKIP_NOTHING) throw new Error(missing);
  return missing;
}

/**
 * Why a test that asks a process to end is skipped where it is. On Windows, Ctrl-C at a keyboard can
 * be answered, but what another process sends ends a process at once.
 */
export const skipSignals =
  process.platform === "win32" && "Windows has no signals to send";

/** A process that a test has started. */
export interface Running {
  /** All that it has printed so far, on both streams. */
  output(): string;
  /** Resolves with the match once it has printed something like this. */
  printed(pattern: RegExp): Promise<RegExpMatchArray>;
  kill(signal: NodeJS.Signals): void;
  ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

/**
 * Starts a TypeScript file through tsx. It is killed when the test ends, if it has not ended.
 * @param environment what to set, and with undefined to unset, in the environment of the test
 * @param input what it gets on standard input
 */
export function start(
  t: TestContext,
  file: string,
  words: string[] = [],
  environment: NodeJS.ProcessEnv = {},
  input?: string,
): Running {
  const tsx = import.meta.resolve("tsx");
  const child = spawn(process.execPath, ["--import", tsx, file, ...words], {
    stdio: ["pipe", "pipe", "pipe"],
    // What the test runner sets in its own processes would change what a nested one prints.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...environment },
  });
  child.stdin.end(input);
  const texts = { stdout: "", stderr: "", all: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
      texts.all += text;
      child.emit("printed");
    });
  }
  const ended = once(child, "close").then(([code]) => ({ code, ...texts }));
  t.after(() => {
    child.kill("SIGKILL");
    return ended;
  });
  return {
    output: () => texts.all,
    async printed(pattern) {
      for (;;) {
        const found = texts.all.match(pattern);
        if (found) return found;
        if (child.exitCode !== null) {
          throw new Error(`it ended without ${pattern}:\n${texts.all}`);
        }
        await Promise.race([once(child, "printed"), ended]);
      }
    },
    kill: (signal) => child.kill(signal),
    ended,
  };
}

/** Runs a command of ours to its end. */
export const run = (t: TestContext, command: string, ...words: string[]) =>
  start(t, join(ROOT, "scripts", `${command}.ts`), words).ended;

/** A text in a file, and what is to stand there instead. */
export type Edit = [from: string | RegExp, to: string];

/**
 * Copies the repository into a temporary folder that is gone after the test, so that the test can
 * break something in it. The installed packages are linked, not copied.
 * @returns the folder's path, and functions that change files of the copy
 */
export function copyRepository(t: { after: (work: () => void) => void }) {
  const folder = mkdtempSync(join(tmpdir(), "in-flight-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const name of [
    "package.json",
    "README.md",
    "CONTRIBUTING.md",
    "LICENSE",
  ]) {
    cpSync(join(ROOT, name), join(folder, name));
  }
  // The README links to what is in .github.
  for (const name of ["snippets", "scripts", "posts", "assets", ".github"]) {
    // A laboratory has packages of its own.
    const filter = (path: string) => basename(path) !== "node_modules";
    cpSync(join(ROOT, name), join(folder, name), { recursive: true, filter });
  }
  const modules = "node_modules";
  symlinkSync(join(ROOT, modules), join(folder, modules), "junction");
  /** Replaces a text in a file, and fails when that is not there. */
  const edit = (file: string, ...[from, to]: Edit): void => {
    const path = join(folder, file);
    const old = readFileSync(path, "utf8");
    const made = old.replace(from, () => to);
    if (made === old) throw new Error(`${file} does not have ${from}`);
    writeFileSync(path, made);
  };
  return {
    folder,
    edit,
    /** Puts a changed copy of a snippet beside it, and returns the copy's path. */
    change(name: string, at: number, edits: Edit[]): string {
      const file = `snippets/${name}-${at}.ts`;
      cpSync(join(ROOT, "snippets", `${name}.ts`), join(folder, file));
      for (const each of edits) edit(file, ...each);
      return join(folder, file);
    },
    write: (file: string, text: string): void =>
      writeFileSync(join(folder, file), text),
  };
}

/**
 * Makes the code of a snippet that never gets ready, but calls a test once it runs.
 * @param write what to do with the code before anybody runs it
 * @returns a promise of that call, for when it runs; the function resolves when it runs no more
 */
export async function callBack(
  t: TestContext,
  write: (code: string) => void,
): Promise<{ called: Promise<() => Promise<unknown>> }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  write(
    `import { connect } from "node:net";\nconnect(${port}, "127.0.0.1");
await new Promise(() => {});\n`,
  );
  // The connection tells when the process has started, and when it is gone.
  const called = once(server, "connection").then(([socket]) => {
    const closed = once(
      socket.resume().on("error", () => {}),
      "close",
    );
    return () => closed;
  });
  return { called };
}
