import { parseArgs } from "node:util";
import { runCommand } from "./base/command.ts";
import { ROOT } from "./base/root.ts";
import { syncRepository } from "./sync/sync-repository.ts";

const HELP = `Usage: npm run sync -- [options]

Copies code, diffs, tables and verdicts into the README and the posts, and makes
the diagrams, the element's race.js and snippets/drop-in/lasting-logout.cjs: of
snippets/, of scripts/race and of what other commands have recorded in assets/.

Options:
  --check       change nothing; fail when something is stale, a region is
                missing, a link leads nowhere, a table is too wide, or GitHub
                or a blog would not show a text as it is written
  -h, --help    print this

Exit code: 0 when all is up to date, 1 when not, 2 for invalid
arguments.
`;

/** Runs the command, and returns its exit code. */
function main(): number {
  const { values: options } = parseArgs({
    options: {
      check: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const problems = syncRepository(ROOT, {
    check: options.check ?? false,
    tell: console.log,
  });
  if (problems.length > 0) console.error(problems.join("\n"));
  return problems.length > 0 ? 1 : 0;
}

await runCommand("sync", main);
