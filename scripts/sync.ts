import { parseArgs } from "node:util";
import { runCommand } from "./cli/command.ts";
import { ROOT } from "./cli/root.ts";
import { syncRepository } from "./publish/sync-repository.ts";

const HELP = `Usage: npm run sync -- [options]

Copies code, diffs and verdicts into the README and the posts, makes
snippets/drop-in/lasting-logout.cjs of the .ts beside it, and draws the diagrams
and makes the element in assets/: from snippets/, from scripts/publish/element,
and from what other commands have written there: verdicts.json (npm run verify
-- --deep --write), histories.json (-- --histories 1000 --write), race.json (--
--race), browsers.json (npm run verify:browsers -- --write), deployment.json (a
test: see its error) and, in scripts/lab, versions.json, bites.json, bench.json,
soak.json and others.json (npm run versions, bites, bench, soak, others).

Options:
  --check       change nothing; fail when something is stale, a region is
                missing, a link leads nowhere, a table is too wide, a post too
                long, or GitHub or a blog would not show a text as it is written
  --in FOLDER   work on another copy of this repository
  -h, --help    print this

Exit code: 0 when all is up to date, 1 when not, 2 for invalid
arguments.
`;

/** Runs the command, and returns its exit code. */
function main(): number {
  const { values: options } = parseArgs({
    options: {
      check: { type: "boolean" },
      in: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const problems = syncRepository(options.in ?? ROOT, {
    check: options.check ?? false,
    tell: console.log,
  });
  if (problems.length > 0) console.error(problems.join("\n"));
  return problems.length > 0 ? 1 : 0;
}

await runCommand("sync", main);
