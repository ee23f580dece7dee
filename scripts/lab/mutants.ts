import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { progressLine, runCommand, UsageError } from "../cli/command.ts";
import { ROOT } from "../cli/root.ts";
import { measure } from "./measure.ts";
import { MUTANTS } from "./mutants-data.ts";
import { tryMutants } from "./try-mutants.ts";

/** Where it is kept which check notices which mutant, from the top folder. */
export const MUTANTS_FILE = join("assets", "mutants.json");

const HELP = `Usage: npm run mutants -- [options] [text ...]

Makes small mistakes in the drop-in and in other remedies, ${MUTANTS.length} of them, one at a
time, and looks which check notices it: the orders, 100 histories, or the tests.
It takes an hour. With a text, it takes those whose descriptions have it.

Options:
  --write        write which check notices which mistake to ${MUTANTS_FILE}
  -h, --help     print this

Exit code: 0 when all are noticed, but for those that change nothing, 1 when one
is not, 2 for invalid arguments.
`;

/** Runs the command, and returns its exit code. */
async function main(): Promise<number> {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      write: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (options.write && positionals.length > 0) {
    throw new UsageError("--write takes all of them, so name none");
  }
  const chosen = MUTANTS.filter(({ what, file }) =>
    positionals.every((text) => `${file}: ${what}`.includes(text)),
  );
  const progress = progressLine("Making mistakes");
  return measure(
    (cancel) => tryMutants(chosen, { cancel, progress }),
    (tried) => {
      for (const { file, what, noticedBy, changesNothing } of tried) {
        const result = noticedBy ?? changesNothing ?? "NOT NOTICED";
        console.log(`${file}: ${what}: ${result}`);
      }
      const wrong = tried.filter(
        ({ noticedBy, changesNothing }) =>
          Boolean(noticedBy) === Boolean(changesNothing),
      );
      const noticed = tried.filter(({ noticedBy }) => noticedBy);
      console.log(`\n${noticed.length} of ${tried.length} were noticed.`);
      if (wrong.length > 0) return 1;
      if (options.write) {
        const kept = tried.map(({ file, what, noticedBy = null }) => ({
          ...{ file, what, noticedBy },
        }));
        const text = `${JSON.stringify(kept, null, 2)}\n`;
        writeFileSync(join(ROOT, MUTANTS_FILE), text);
      }
      return 0;
    },
  );
}

await runCommand("mutants", main);
