import { parseArgs } from "node:util";
import { endProgress, progressLine, runCommand } from "../cli/command.ts";
import { measure } from "./measure.ts";
import { MUTANTS } from "./mutants-data.ts";
import { type Tried, tryMutants } from "./try-mutants.ts";

const HELP = `Usage: npm run mutants -- [options] [text ...]

Makes small mistakes in the drop-in and in other remedies, ${MUTANTS.length} of them, one at a
time, and looks which check notices it: the orders, 100 histories, or the tests.
It takes long. With a text, it takes those whose descriptions have it.

Options:
  -h, --help     print this

Exit code: 0 when all are noticed, but for those that change nothing, 1 when one
is not, 2 for invalid arguments.
`;

/** Runs the command, and returns its exit code. */
async function main(): Promise<number> {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      help: { type: "boolean", short: "h" },
    },
  });
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const chosen = MUTANTS.filter(({ what, file }) =>
    positionals.every((text) => `${file}: ${what}`.includes(text)),
  );
  const progress = progressLine("Making mistakes");
  return measure(
    (cancel) => tryMutants(chosen, { cancel, progress, tell }),
    (tried) => {
      const wrong = tried.filter(
        ({ noticedBy, changesNothing }) =>
          Boolean(noticedBy) === Boolean(changesNothing),
      );
      const noticed = tried.filter(({ noticedBy }) => noticedBy);
      console.log(`\n${noticed.length} of ${tried.length} were noticed.`);
      return wrong.length > 0 ? 1 : 0;
    },
  );
}

/** Tells what has noticed one, as soon as that is known: all of them take hours. */
function tell({ file, what, noticedBy, changesNothing }: Tried): void {
  endProgress();
  const result = noticedBy ?? changesNothing ?? "NOT NOTICED";
  console.log(`${file}: ${what}: ${result}`);
}

await runCommand("mutants", main);
