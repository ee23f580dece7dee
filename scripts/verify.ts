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
import { writeObserved } from "./lib/observed.ts";
import { ORDERS } from "./lib/orders.ts";
import {
  answersBelow,
  answersTable,
  deepTable,
  differenceLines,
  legend,
  losingOrder,
  paint,
} from "./lib/report.ts";
import { checkFolder, namesFrom, runSnippets, strangers } from "./lib/run.ts";
import { VERDICTS } from "./lib/verdicts.ts";

const HELP = `Usage: npm run verify -- [options] [snippet ...]

Starts each snippet, or those that are named, and plays a browser in which the
user logs out while a request is in flight. One such request and one logout can
happen in ${ORDERS.length} orders. It tries all of them, and prints who is logged in then.

Options:
  --deep         also try two requests at once, in all orders that can differ
  --large        with a session so large that its cookie comes in chunks
  --orders       also print a shortest order that leaves the user logged in
  --json         print what was seen, as JSON
  --write        with --deep: also write it to assets/verdicts.json, of which
                 npm run sync makes the tables and the diagrams
  --from FOLDER  take the snippets from another folder
  -h, --help     print this

Columns:
${legend().replace(/^/gm, "  ")}

Snippets:
  ${Object.keys(VERDICTS).join("\n  ")}

Exit code: 0 when all is as expected, 1 when something differs or a snippet
fails, 2 when the command line makes no sense.
`;

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Runs the command, and returns its exit code. */
async function main(): Promise<number> {
  const { options, names } = readCommandLine();
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const folder = options.from ?? join(ROOT, "snippets");
  const problems = strangers(folder);
  const cancel = untilSignal();
  const results = await runSnippets(names, {
    folder,
    large: options.large ?? false,
    deep: options.deep ?? false,
    cancel,
    progress: progressLine("Trying all orders"),
  });
  endProgress();
  if (cancel.aborted) return cancel.reason;

  const rows = [];
  for (const result of results) {
    if ("failure" in result) problems.push(result.failure.message);
    else rows.push(result);
  }
  problems.push(...rows.flatMap(differenceLines));
  const observed = Object.fromEntries(
    rows.map(({ name, report, deep }) => [
      name,
      { ...report, ...(deep && { deep }) },
    ]),
  );
  if (options.write && problems.length === 0) writeObserved(ROOT, observed);
  if (options.json) {
    console.log(JSON.stringify(observed, null, 2));
  } else if (rows.length > 0) {
    console.log(
      `${answersTable(rows)}\n\n${answersBelow(rows)}\n\n${legend()}`,
    );
    if (options.deep) console.log(`\n${deepTable(rows)}`);
    if (options.orders) {
      for (const row of rows) console.log(`\n${losingOrder(row)}`);
    }
  }
  if (problems.length > 0) {
    console.error(`\n${problems.join("\n")}`);
    return 1;
  }
  if (!options.json) {
    console.log(`\n${paint("green", "Everything is as expected.")}`);
  }
  return 0;
}

function readCommandLine() {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      orders: { type: "boolean" },
      deep: { type: "boolean" },
      large: { type: "boolean" },
      json: { type: "boolean" },
      write: { type: "boolean" },
      from: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  const names = namesFrom(positionals);
  const isWhole = options.deep && !options.large && !positionals.length;
  if (options.write && !isWhole) {
    throw new UsageError("--write goes with --deep, and with nothing else");
  }
  checkFolder(options.from);
  return { options, names };
}

await runCommand("verify", main);
