import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runCommand, untilSignal } from "./lib/command.ts";
import { COSTS_FILE, type Costs, costLines } from "./lib/costs.ts";
import { measureCosts } from "./lib/measure.ts";
import { findRedis, HOW_TO_INSTALL_REDIS } from "./lib/redis.ts";

const HELP = `Usage: npm run costs -- [options]

Measures what the remedies that can use Redis cost there: the bytes of a session
and of a logout that has to be remembered, and the commands of a request. It
starts a Redis server of its own.

Options:
  --write     also write it to ${COSTS_FILE}, of which npm run sync makes
              the tables in the posts
  --json      print it as JSON
  -h, --help  print this

Exit code: 0, 1 when there is no Redis server, 2 when the command line makes no
sense.
`;

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Runs the command, and returns its exit code. */
async function main(): Promise<number> {
  const { values: options } = parseArgs({
    options: {
      write: { type: "boolean" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (!findRedis()) {
    console.error(`costs needs a Redis: ${HOW_TO_INSTALL_REDIS}`);
    return 1;
  }
  const cancel = untilSignal();
  let costs: Costs;
  try {
    costs = await measureCosts(cancel);
  } catch (error) {
    if (cancel.aborted) return cancel.reason;
    throw error;
  }
  const json = `${JSON.stringify(costs, null, 2)}\n`;
  if (options.write) writeFileSync(join(ROOT, COSTS_FILE), json);
  process.stdout.write(options.json ? json : `${costLines(costs)}\n`);
  return 0;
}

await runCommand("costs", main);
