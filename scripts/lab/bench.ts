import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  progressLine,
  runCommand,
  UsageError,
  wholeNumber,
} from "../cli/command.ts";
import { ROOT } from "../cli/root.ts";
import { plainTable, textOf } from "../cli/terminal.ts";
import {
  BASE,
  benchRows,
  medianOf,
  writeBench,
} from "../publish/bench-data.ts";
import { findRedis, HOW_TO_INSTALL_REDIS } from "../servers/redis-server.ts";
import { withoutSkipped } from "../servers/snippet-files.ts";
import { namesFrom } from "../verify/run-snippets.ts";
import { bench } from "./bench-run.ts";
import { measure } from "./measure.ts";

const HELP = `Usage: npm run bench -- [options] [snippet ...]

Measures the processor's time that each snippet takes for POST /update by a
logged-in user, and the bytes of its response. With it come the same server
without auth(), and each snippet that can use Redis once more on that. Each round
has all servers, in an order of its own, and each figure is compared with that of
broken in the same round. All snippets, by default. It takes some minutes.

Options:
  --rounds N     how many rounds (15)
  --requests N   how many requests a server gets in a round (2000)
  --seed N       a number that decides the orders of the rounds; printed, so that
                 a run can be repeated
  --write        write all rounds to assets/bench.json, of which npm run sync
                 makes the posts' table
  -h, --help     print this

Exit code: 0, 1 when a server does not start or gives a wrong answer, 2 for
invalid arguments.
`;

/** Runs the command, and returns its exit code. */
async function main(): Promise<number> {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "15" },
      requests: { type: "string", default: "2000" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      write: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const how = {
    rounds: wholeNumber("rounds", options.rounds, 1),
    requests: wholeNumber("requests", options.requests, 1),
    seed: wholeNumber("seed", options.seed, 0),
    withRedis: Boolean(findRedis()),
  };
  if (options.write && positionals.length > 0) {
    throw new UsageError("--write takes all snippets, so name none");
  }
  if (options.write && !how.withRedis) {
    console.error(`--write takes Redis, too: ${HOW_TO_INSTALL_REDIS}`);
    return 1;
  }
  const asked = namesFrom(positionals, join(ROOT, "snippets"));
  const names = withoutSkipped(asked);
  const progress = progressLine("Measuring");
  return measure(
    (cancel) => bench({ ...how, names, cancel, progress }),
    (samples) => {
      const [head = [], ...rows] = benchRows(samples);
      const table = plainTable(head);
      table.push(...rows);
      const base = samples.filter(({ server }) => server === BASE);
      const cpu = medianOf(base.map((sample) => sample.cpuMicroseconds));
      const bytes = medianOf(base.map((sample) => sample.bytesPerResponse));
      console.log(`${textOf(table)}

Medians of ${how.rounds} rounds, seed ${how.seed}. ${BASE} takes ${cpu.toFixed(0)} µs for ${bytes.toFixed(0)} bytes.`);
      if (options.write) writeBench(ROOT, samples);
      return 0;
    },
  );
}

await runCommand("bench", main);
