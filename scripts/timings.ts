import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  endProgress,
  progressLine,
  runCommand,
  UsageError,
  untilSignal,
} from "./lib/command.ts";
import { BrowserError, findBrowser, HOW_TO_INSTALL } from "./lib/installed.ts";
import {
  measureBrowser,
  measureReplays,
  measureRuns,
} from "./lib/measure-verifier.ts";
import { findRedis, HOW_TO_INSTALL_REDIS } from "./lib/redis.ts";
import { plainTable, textOf } from "./lib/report.ts";
import { SnippetError, withoutSkipped } from "./lib/snippet.ts";
import { VERDICTS } from "./lib/verdicts.ts";
import {
  COST_PARTS,
  costTables,
  MOST_TIMES,
  VERIFIER_COST_FILE,
  type VerifierCost,
  writeVerifierCost,
} from "./lib/verifier-cost.ts";

const HELP = `Usage: npm run timings -- [options] [part ...]

Measures what the verifier itself costs. All figures are ratios, of times that
were taken in turn, since a machine that does other things slows both sides.

Parts, all of them unless some are named:
  replays  an order, beside its own HTTP requests: each once the one before is
           over, and nothing between them
  runs     a whole run over one snippet, over several, with two processes, with
           two requests at once. This takes some minutes
  browser  an order in Chromium, beside the same one in the verifier

Options:
  --write     also write it to ${VERIFIER_COST_FILE}, of which npm run sync makes
              the tables in the README; for all parts
  --json      print it as JSON
  -h, --help  print this

Where Chromium or a Redis server is missing, what needs it is skipped, in a
line. CHROMIUM in the environment names another browser. How long each part of
an order takes, npm run verify -- --timings tells.

Exit code: 0; 1 when an order takes more than ${MOST_TIMES} times as long as its requests,
or something fails, or is missing with --write; 2 when the command line makes no
sense.
`;

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Runs the command, and returns its exit code. */
async function main(): Promise<number> {
  const { options, parts } = readCommandLine();
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const redis = findRedis();
  const chromium = findBrowser("chromium");
  const missing = [
    parts.includes("runs") && !redis
      ? `two processes need a Redis: ${HOW_TO_INSTALL_REDIS}`
      : [],
    parts.includes("browser") && !chromium
      ? `chromium is missing: ${HOW_TO_INSTALL.chromium}`
      : [],
  ].flat();
  for (const line of missing) console.error(line);
  if (options.write && missing.length > 0) return 1;

  const cancel = untilSignal();
  const measuring = (what: string) => ({
    folder: join(ROOT, "snippets"),
    cancel,
    progress: progressLine(what),
  });
  const cost: VerifierCost = {};
  try {
    if (parts.includes("replays")) {
      const names = withoutSkipped(Object.keys(VERDICTS));
      cost.replays = await measureReplays(names, measuring("Replaying orders"));
    }
    if (parts.includes("runs")) {
      cost.runs = await measureRuns(Boolean(redis), measuring("Verifying"));
    }
    if (parts.includes("browser") && chromium) {
      const how = measuring("Clicking in Chromium");
      cost.browser = await measureBrowser(chromium, how);
    }
  } catch (error) {
    endProgress();
    if (cancel.aborted) return cancel.reason;
    const isTheirs =
      error instanceof SnippetError || error instanceof BrowserError;
    if (!isTheirs) throw error;
    console.error(error.message);
    return 1;
  }
  endProgress();
  if (cancel.aborted) return cancel.reason;

  const slow = Object.entries(cost.replays ?? {})
    .filter(([, { ratio }]) => ratio > MOST_TIMES)
    .map(([name, { ratio }]) => `${name}: an order takes ${ratio} times`);
  if (options.write && slow.length === 0) writeVerifierCost(ROOT, cost);
  if (options.json) console.log(JSON.stringify(cost, null, 2));
  else console.log(tables(cost).join("\n\n"));
  if (slow.length === 0) return 0;
  console.error(`\n${slow.join("\n")}`);
  return 1;
}

/** The tables of what was measured. */
const tables = (cost: VerifierCost): string[] =>
  Object.values(costTables(cost)).map(([head = [], ...rows]) => {
    const table = plainTable(head);
    table.push(...rows);
    return textOf(table);
  });

function readCommandLine() {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      write: { type: "boolean" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  const parts: readonly string[] = positionals.length
    ? positionals
    : COST_PARTS;
  const all: readonly string[] = COST_PARTS;
  const wrong = parts.find((part) => !all.includes(part));
  if (wrong !== undefined) {
    throw new UsageError(
      `there is no part ${wrong}; there are ${all.join(", ")}`,
    );
  }
  if (options.write && positionals.length > 0) {
    throw new UsageError("--write goes with all parts");
  }
  return { options, parts };
}

await runCommand("timings", main);
