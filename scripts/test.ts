import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runCommand, UsageError } from "./base/command.ts";

const HELP = `Usage: npm test -- [options] [file ...]

Runs all tests, or those in the files that are named. What is optional (Redis, a
browser) is hidden from them, so that they are the same everywhere. Those that
need it are skipped, by their names.

Options:
  --all         do not hide it; npm run check does this
  -h, --help    print this

Exit code: 0 when all pass or are skipped, 1 when one fails, 2 for
invalid arguments.
`;

const FOLDER = dirname(fileURLToPath(import.meta.url));

/** Runs the command, and returns its exit code. */
async function main(): Promise<number> {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      all: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const all = readdirSync(FOLDER, { recursive: true })
    .map(String)
    .filter((name) => /^(?!.*node_modules).*\.test\.ts$/.test(name));
  for (const file of positionals) {
    if (!existsSync(file)) throw new UsageError(`there is no file ${file}`);
  }
  const files = positionals.length
    ? positionals
    : all.map((name) => join(basename(FOLDER), name));
  const words = [
    ...["--import", import.meta.resolve("tsx"), "--test"],
    // The servers of a test end with its process.
    "--test-force-exit",
    `--test-concurrency=${availableParallelism()}`,
    ...files,
  ];
  const child = spawn(process.execPath, words, {
    cwd: positionals.length ? undefined : dirname(FOLDER),
    stdio: "inherit",
    env: { ...process.env, ...(!options.all && { HIDE_OPTIONAL: "true" }) },
  });
  // Ctrl-C goes to both. This one waits for the tests to clear up.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  const [code] = await once(child, "exit");
  return code ?? 1;
}

await runCommand("test", main);
