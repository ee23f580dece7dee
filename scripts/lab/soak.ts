import { join } from "node:path";
import { parseArgs } from "node:util";
import { progressLine, runCommand, wholeNumber } from "../cli/command.ts";
import { ROOT } from "../cli/root.ts";
import { sideBySide } from "../cli/side-by-side.ts";
import { type Soak, writeSoak } from "../publish/soak-data.ts";
import { findRedis, HOW_TO_INSTALL_REDIS } from "../servers/redis-server.ts";
import { measure } from "./measure.ts";
import { type Soaked, soak } from "./soak-histories.ts";

const FORMS = ["fix-complete", "fix-complete-cookie"];

const HELP = `Usage: npm run soak -- [options]

Plays histories, as npm run verify -- --histories does, and many of them at once,
with two processes of ${FORMS.join(" and of ")}, each two on
one Redis. Meanwhile that is killed, paused, refuses writes, is out of memory and
is emptied. The same six rules have to hold; what a lost Redis costs is counted.

Options:
  --requests N   how many requests, of which each of the two gets half (20000)
  --seed S       what the histories are made from (1)
  --write        keep what was seen in assets/soak.json, of which npm run
                 sync makes the post's table, if no rule was broken
  -h, --help     print this

Exit code: 0 when no rule was broken, 1 when one was, 2 for invalid arguments.
`;

/** Runs the command, and returns its exit code. */
async function main(): Promise<number> {
  const { values: options } = parseArgs({
    options: {
      requests: { type: "string", default: "20000" },
      seed: { type: "string", default: "1" },
      write: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const requests = wholeNumber("requests", options.requests, 1);
  const seed = wholeNumber("seed", options.seed, 0);
  if (!findRedis()) {
    console.error(`a soak needs a Redis: ${HOW_TO_INSTALL_REDIS}`);
    return 1;
  }
  return measure(
    (cancel) =>
      sideBySide(
        FORMS,
        { cancel, progress: progressLine("Soaking") },
        (name, progress, cancel) => {
          const file = join(ROOT, "snippets", `${name}.ts`);
          const half = Math.ceil(requests / FORMS.length);
          return soak(file, { requests: half, seed, cancel, progress });
        },
      ),
    (all) => {
      console.log(`seed ${seed}`);
      const code = Math.max(
        ...FORMS.map((name, at) => tell(name, all[at] as Soaked)),
      );
      if (options.write && code === 0) keep(seed, all as Soaked[]);
      return code;
    },
  );
}

/** How many violations are printed; after that they are only counted. */
const SHOWN = 5;

/** Prints what came of a snippet, and returns the exit code. */
function tell(name: string, soaked: Soaked): number {
  const { figures, faults, excused, violations } = soaked;
  const listOf = (counts: Record<string, number>) =>
    Object.entries(counts)
      .map(([what, count]) => `${what} ${count}`)
      .join(", ");
  console.log(`
${name}: ${listOf({ ...figures, violations: violations.length })}
  Redis: ${listOf(faults)}
  excused: ${listOf(excused)}`);
  for (const lines of violations.slice(0, SHOWN)) {
    console.error(`\n${name} breaks ${lines.join("\n  ")}`);
  }
  return violations.length > 0 ? 1 : 0;
}

/** Keeps what came of a run, for the posts. */
function keep(seed: number, all: Soaked[]): void {
  const snippets: Soak["snippets"] = {};
  for (const [at, soaked] of all.entries())
    snippets[FORMS[at] as string] = {
      ...soaked,
      violations: soaked.violations.length,
    };
  writeSoak(ROOT, { seed, snippets });
}

await runCommand("soak", main);
