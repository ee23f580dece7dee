import { join } from "node:path";
import { parseArgs } from "node:util";
import { progressLine, runCommand, UsageError } from "../cli/command.ts";
import { ROOT } from "../cli/root.ts";
import {
  type Tried,
  versionsRows,
  writeVersions,
} from "../publish/versions-data.ts";
import { findRedis, HOW_TO_INSTALL_REDIS } from "../servers/redis-server.ts";
import { withoutSkipped } from "../servers/snippet-files.ts";
import { namesFrom } from "../verify/run-snippets.ts";
import { measure } from "./measure.ts";
import {
  type Combination,
  combinationsOf,
  resultOf,
  tryCombination,
} from "./try-versions.ts";

const HELP = `Usage: npm run versions -- [options] [snippet ...]

Tries the snippets, or those that are named, with versions of
express-openid-connect, on Express 4 and 5. It installs each combination in a
temporary folder, and asks there what npm run verify asks. It takes some minutes.

Options:
  --library VERSION  only this version of express-openid-connect, or any other
  --express VERSION  only this version of Express
  --write            keep the results in assets/versions.json, of which npm run
                     sync makes the posts' table
  -h, --help         print this

Results: how many orders leave the browser logged in, for a snippet that is
broken; whether a fix holds as npm run verify says, or differs; or that it does
not run, and why.

Exit code: 0 when all were tried, 1 when something is missing, 2 for invalid
arguments.
`;

/** Runs the command, and returns its exit code. */
async function main(): Promise<number> {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      library: { type: "string" },
      express: { type: "string" },
      write: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const { library, express, write } = options;
  if (write && (library || express || positionals.length > 0)) {
    throw new UsageError("--write takes all versions and snippets");
  }
  if (write && !findRedis()) {
    console.error(`--write takes Redis, too: ${HOW_TO_INSTALL_REDIS}`);
    return 1;
  }
  const asked = namesFrom(positionals, join(ROOT, "snippets"));
  const names = withoutSkipped(asked);
  const combinations = combinationsOf({
    ...(library && { library }),
    ...(express && { express }),
  });

  return measure(
    (cancel) => tryAll(combinations, names, cancel),
    ({ tried, failures }) => {
      const [[, ...heads] = [], ...rows] = versionsRows(tried);
      const lines = rows.map(([version, ...cells]) =>
        [version, ...heads.map((head, at) => `${head}: ${cells[at]}`)].join(
          "\n  ",
        ),
      );
      console.log([...failures, ...lines].join("\n\n"));
      if (write) writeVersions(ROOT, tried);
      return 0;
    },
  );
}

/** Tries all combinations, one after the other. */
async function tryAll(
  combinations: Combination[],
  names: string[],
  cancel: AbortSignal,
) {
  const tried: Tried[] = [];
  const failures: string[] = [];
  for (const [at, combination] of combinations.entries()) {
    const title = `express-openid-connect ${combination.library} on Express ${combination.express}`;
    const progress = progressLine(`Trying ${title}`);
    const results = await tryCombination(combination, names, {
      cancel,
      progress: (share) => progress((at + share) / combinations.length),
    });
    for (const result of results) {
      const { name: snippet } = result;
      tried.push({ ...combination, snippet, result: resultOf(result) });
      if ("failure" in result) {
        failures.push(`${title}: ${result.failure.message}`);
      }
    }
  }
  return { tried, failures };
}

await runCommand("versions", main);
