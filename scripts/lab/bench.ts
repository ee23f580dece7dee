import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  endProgress,
  progressLine,
  runCommand,
  UsageError,
  untilSignal,
  wholeNumber,
} from "../cli/command.ts";
import { ROOT } from "../cli/root.ts";
import {
  BENCH_FILE,
  benchReport,
  compare,
  coresElsewhere,
  formatSamples,
  QUIET,
} from "../publish/bench-data.ts";
import { findRedis, HOW_TO_INSTALL_REDIS } from "../servers/redis-server.ts";
import { SnippetError } from "../servers/snippet.ts";
import { withoutSkipped } from "../servers/snippet-files.ts";
import { checkFolder, namesFrom } from "../verify/run-snippets.ts";
import { bench } from "./bench-run.ts";

const HELP = `Usage: npm run bench -- [options] [snippet…]

Measures what each snippet costs to run: POST /update by a logged-in user, ten
requests at a time, from a load generator in a process of its own. With it come
the same server without auth(), and each snippet that can use Redis once more on
that. Each round has all servers, in an order of its own, and each figure is
compared with that of broken in the same round. Before that, all are warmed up.
All snippets, unless told. It takes about five minutes on two cores that have
nothing else to do.

Options:
  --rounds N      how many rounds (15)
  --seconds N     how long a round is for one server (0.6)
  --sessions N    how many sessions are in a store in a server's memory (100000)
  --seed N        a number that decides the orders of the rounds; printed, so
                  that a run can be repeated
  --from FOLDER   take the snippets from another folder
  --write         also write all rounds to ${BENCH_FILE}, of which npm run
                  sync makes the table and the chart in the second post
  --json          print all rounds and ratios as JSON
  -h, --help      print this

Exit code: 0, 1 when a server does not start or gives a wrong answer, 2 when the
command line makes no sense.
`;

/** In less time, some servers answer nothing. */
const LEAST_SECONDS = 0.2;

/** Runs the command, and returns its exit code. */
async function main(): Promise<number> {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "15" },
      seconds: { type: "string", default: "0.6" },
      sessions: { type: "string", default: "100000" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      from: { type: "string", default: join(ROOT, "snippets") },
      write: { type: "boolean" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  checkFolder(options.from);
  const seed = wholeNumber("seed", options.seed, 0);
  const rounds = wholeNumber("rounds", options.rounds, 1);
  const seconds = Number(options.seconds);
  if (!/^\d{1,4}(\.\d+)?$/.test(options.seconds) || seconds < LEAST_SECONDS) {
    throw new UsageError(`--seconds takes a number from ${LEAST_SECONDS} up`);
  }
  const sessions = wholeNumber("sessions", options.sessions, 0);
  const asked = namesFrom(positionals, options.from ?? join(ROOT, "snippets"));
  if (options.write && positionals.length > 0) {
    throw new UsageError("--write takes all snippets, so name none");
  }
  const hasRedis = Boolean(findRedis());
  if (options.write && !hasRedis) {
    console.error(`--write takes Redis, too: ${HOW_TO_INSTALL_REDIS}`);
    return 1;
  }

  const names = withoutSkipped(asked);
  const cancel = untilSignal();
  let measured: Awaited<ReturnType<typeof bench>>;
  try {
    measured = await bench({
      ...{ folder: options.from, names, rounds, seconds, sessions, seed },
      cancel,
      progress: (doing, share) => progressLine(doing)(share),
    });
  } catch (error) {
    endProgress();
    if (cancel.aborted) return cancel.reason;
    if (!(error instanceof SnippetError)) throw error;
    console.error(error.message);
    return 1;
  }
  endProgress();
  const { samples, cores } = measured;
  const how = { seed, rounds, seconds, sessions, cores };
  if (options.json) {
    const compared = compare(samples);
    console.log(JSON.stringify({ ...how, samples, compared }, null, 2));
  } else {
    console.log(benchReport(samples));
    console.log(`\nseed ${seed}, ${cores}`);
    if (!hasRedis) console.log(`without Redis: ${HOW_TO_INSTALL_REDIS}`);
  }
  if (coresElsewhere(samples) > QUIET) {
    console.error(
      "The machine was busy. Of this, only bytes and CPU mean much.",
    );
  }
  if (options.write) {
    writeFileSync(join(ROOT, BENCH_FILE), formatSamples(samples));
  }
  return 0;
}

await runCommand("bench", main);
