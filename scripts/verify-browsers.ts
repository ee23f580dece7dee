import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  BROWSER_NAMES,
  BrowserError,
  findBrowser,
  HOW_TO_INSTALL,
} from "./browsers/installed-browsers.ts";
import { SCENARIOS } from "./browsers/scenarios.ts";
import { writeSeenInBrowsers } from "./browsers/seen-in-browsers.ts";
import { differencesIn, type Tour, tour } from "./browsers/tour.ts";
import {
  endProgress,
  runCommand,
  UsageError,
  untilSignal,
} from "./cli/command.ts";
import { ROOT } from "./cli/root.ts";
import { paint, plainTable, textOf } from "./cli/terminal.ts";
import { findRedis, HOW_TO_INSTALL_REDIS } from "./servers/redis-server.ts";
import { needsRedis, withoutSkipped } from "./servers/snippet-files.ts";
import { checkFolder, namesFrom } from "./verify/run-snippets.ts";
import { readVerdicts, type Verdict } from "./verify/verdicts.ts";

const COLUMNS = SCENARIOS.map(
  ({ heading, meaning }) => `  ${heading.padEnd(11)} ${meaning}`,
).join("\n");

const HELP = `Usage: npm run verify:browsers -- [options] [snippet ...]

Starts each snippet, or those that are named, and logs in and out in the real
browsers that are installed here: Chromium or Chrome, and Firefox. The response
to POST /update is held back until the browser has been sent to the provider.
Prints who is logged in after that, and looks at the pages with axe-core.

Options:
  --browser NAME  only with this browser: ${BROWSER_NAMES.join(" or ")}
  --json          print what was seen, as JSON
  --write         also write it to assets/browsers.json, of which npm run sync
                  makes the tables; for all snippets and both browsers
  --from FOLDER   take the snippets from another folder
  -h, --help      print this

Columns:
${COLUMNS}

Environment:
  CHROMIUM, FIREFOX  where a browser is, if it is not found

Exit code: 0 when all is as expected, 1 when something differs, a page is at
fault or a browser is missing, 2 for invalid arguments.
`;

/** Runs the command, and returns its exit code. */
async function main(): Promise<number> {
  const commandLine = readCommandLine();
  if (!commandLine) {
    process.stdout.write(HELP);
    return 0;
  }
  const { options, folder, browserNames, ...asked } = commandLine;
  const isInRedis = asked.names.some((name) => needsRedis(name, folder));
  if (options.write && isInRedis && !findRedis()) {
    console.error(`this needs a Redis: ${HOW_TO_INSTALL_REDIS}`);
    return 1;
  }
  const names = withoutSkipped(asked.names, folder);
  const verdicts = readVerdicts(folder);
  const problems = names.flatMap((name) =>
    verdicts[name] ? [] : `${name} has no verdict: npm run verify -- ${name}`,
  );
  const cancel = untilSignal();
  const tours: Tour[] = [];
  for (const browserName of browserNames) {
    const path = findBrowser(browserName);
    try {
      if (path) {
        tours.push(
          await tour(browserName, path, { folder, names, verdicts, cancel }),
        );
      } else {
        const advice = HOW_TO_INSTALL[browserName];
        problems.push(`${browserName} is missing: ${advice}`);
      }
    } catch (error) {
      if (!(error instanceof BrowserError)) throw error;
      problems.push(error.message);
    }
    endProgress();
    if (cancel.aborted) return cancel.reason;
  }

  problems.push(...tours.flatMap((one) => one.problems));
  const seen = Object.fromEntries(
    tours.map(({ browserName, version, visits }) => [
      browserName,
      {
        version,
        outcomes: Object.fromEntries(
          Object.entries(visits).map(([name, { outcome }]) => [name, outcome]),
        ),
      },
    ]),
  );
  if (options.write && problems.length === 0) writeSeenInBrowsers(ROOT, seen);
  if (options.json) console.log(JSON.stringify(seen, null, 2));
  else
    console.log(
      [...tours.map((one) => tableOf(one, verdicts)), COLUMNS].join("\n\n"),
    );
  if (problems.length > 0) {
    console.error(`\n${problems.join("\n")}`);
    return 1;
  }
  if (!options.json) {
    console.log(`\n${paint("green", "Everything is as expected.")}`);
  }
  return 0;
}

/** Makes a browser's table. What differs from the expected is marked, and told below. */
function tableOf(
  { browserName, version, visits }: Tour,
  verdicts: Record<string, Verdict>,
): string {
  const table = plainTable([
    version.replace("/", " "),
    ...SCENARIOS.map(({ heading }) => heading),
  ]);
  for (const [name, { outcome }] of Object.entries(visits)) {
    const wrong = differencesIn(browserName, verdicts[name], outcome);
    const cells = SCENARIOS.map((scenario) => {
      const answer = outcome[scenario.name] ?? "none";
      const isWrong = wrong.some((one) => one.scenario === scenario);
      return isWrong ? paint("red", `${answer}!`) : answer;
    });
    table.push([name, ...cells]);
  }
  return textOf(table);
}

/** Reads the command line; undefined when somebody asks for help. */
function readCommandLine() {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      browser: { type: "string" },
      json: { type: "boolean" },
      write: { type: "boolean" },
      from: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (options.help) return undefined;
  const folder = options.from ?? join(ROOT, "snippets");
  checkFolder(folder);
  const names = namesFrom(positionals, folder);
  const browserNames = BROWSER_NAMES.filter(
    (name) => name === (options.browser ?? name),
  );
  if (browserNames.length === 0) {
    throw new UsageError(
      `there is no browser ${options.browser}; there are ${BROWSER_NAMES.join(", ")}`,
    );
  }
  const isSome = options.browser || options.from || positionals.length > 0;
  if (options.write && isSome) {
    throw new UsageError(
      "--write goes with all snippets of this repository and both browsers",
    );
  }
  return { options, folder, names, browserNames };
}

await runCommand("verify:browsers", main);
