import { join } from "node:path";
import { parseArgs } from "node:util";
import { progressLine, runCommand, wholeNumber } from "../cli/command.ts";
import { ROOT } from "../cli/root.ts";
import { findRedis, HOW_TO_INSTALL_REDIS } from "../servers/redis-server.ts";
import { measure } from "./measure.ts";
import { type Soaked, soak } from "./soak-sessions.ts";

const HELP = `Usage: npm run soak -- [options]

Starts two processes of fix-complete on one Redis, logs many users in, and lets
them send requests and log out at random, each logout with a request in flight.
Meanwhile Redis is killed and started again, twice. Nobody may be let in after a
logout that was confirmed, and nobody may be logged out who did not ask for it.
In the end Redis is emptied, and nobody may be in.

Options:
  --seconds N    how long (60)
  --sessions N   how many users (1000)
  --seed N       a number that decides what everybody does, and when Redis is
                 killed; printed, so that a run can be repeated
  -h, --help     print this

Exit code: 0 when nothing was violated, 1 when something was, 2 for invalid
arguments.
`;

/** Runs the command, and returns its exit code. */
async function main(): Promise<number> {
  const { values: options } = parseArgs({
    options: {
      seconds: { type: "string", default: "60" },
      sessions: { type: "string", default: "1000" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      help: { type: "boolean", short: "h" },
    },
  });
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const wanted = {
    file: join(ROOT, "snippets", "fix-complete.ts"),
    seconds: wholeNumber("seconds", options.seconds, 1),
    sessions: wholeNumber("sessions", options.sessions, 2),
    seed: wholeNumber("seed", options.seed, 0),
  };
  if (!findRedis()) {
    console.error(`a soak needs a Redis: ${HOW_TO_INSTALL_REDIS}`);
    return 1;
  }
  console.log(`fix-complete, seed ${wanted.seed}`);
  const progress = (doing: string, share: number) => progressLine(doing)(share);
  return measure(
    (cancel) => soak({ ...wanted, cancel, progress }),
    (soaked) => {
      print(soaked);
      return soaked.violations.length > 0 ? 1 : 0;
    },
  );
}

/** How many violations are printed; after that they are only counted. */
const SHOWN = 10;

function print({ figures, heapMegabytes, violations }: Soaked): void {
  for (const [name, count] of Object.entries(figures)) {
    console.log(`${name.padEnd(32)} ${String(count).padStart(7)}`);
  }
  for (const [moment, sizes] of Object.entries(heapMegabytes)) {
    const each = sizes.map((size) => size.toFixed(1)).join(" and ");
    console.log(`${`MB of heap ${moment}`.padEnd(32)} ${each}`);
  }
  const count = violations.length;
  console.log(`${"violations".padEnd(32)} ${String(count).padStart(7)}`);
  for (const line of violations.slice(0, SHOWN)) console.error(`  ${line}`);
}

await runCommand("soak", main);
