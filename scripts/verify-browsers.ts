import { parseArgs } from "node:util";
import {
  endProgress,
  progressLine,
  runCommand,
  UsageError,
  untilSignal,
} from "./base/command.ts";
import { SCENARIO_MEANINGS } from "./base/meanings.ts";
import { writeResult } from "./base/results.ts";
import { ROOT } from "./base/root.ts";
import { paint, plainTable, textOf } from "./base/terminal.ts";
import { BROWSER_NAMES } from "./browsers/installed-browsers.ts";
import { SCENARIOS, visitAll } from "./browsers/scenarios.ts";
import {
  checkFolder,
  namesFrom,
  SNIPPETS,
  snippetNames,
  withoutSkipped,
} from "./verify/snippet-files.ts";
import { readVerdicts } from "./verify/verdicts.ts";

const COLUMNS = SCENARIOS.map(
  (name) => `  ${name.padEnd(9)}  ${SCENARIO_MEANINGS[name]}`,
).join("\n");

const HELP = `Usage: npm run verify:browsers -- [options] [snippet ...]

Starts each snippet, or those that are named, and logs in and out in the real
browsers that are installed here: Chromium or Chrome, and Firefox. The response
to POST /update is held back until the browser has been sent to the provider.
Prints who is logged in after that, and looks at the pages with axe-core.

Options:
  --browser NAME  only with this browser: ${BROWSER_NAMES.join(" or ")}
  --write         write all that was seen to assets/browsers.json, for npm run sync
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
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      browser: { type: "string" },
      write: { type: "boolean" },
      from: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const { browser, write, from: folder = SNIPPETS } = options;
  checkFolder(folder);
  const browserNames = BROWSER_NAMES.filter((one) => one === (browser ?? one));
  if (browserNames.length === 0) {
    const all = BROWSER_NAMES.join(", ");
    throw new UsageError(`there is no browser ${browser}; there are ${all}`);
  }
  if (write && (browser || options.from || positionals.length > 0)) {
    throw new UsageError("--write goes with all snippets and both browsers");
  }
  const judged = Object.keys(readVerdicts(folder));
  const known = [...judged, ...snippetNames(folder)];
  const asked = namesFrom(positionals, [...new Set(known)]);
  const names = withoutSkipped(asked, folder);
  if (write && names.length < asked.length) return 1;
  const how = { cancel: untilSignal(), progress: progressLine("Clicking") };
  const { seen, problems } = await visitAll(browserNames, names, folder, how);
  endProgress();
  if (how.cancel.aborted) return how.cancel.reason;
  for (const { version, outcomes } of Object.values(seen)) {
    const table = plainTable([version.replace("/", " "), ...SCENARIOS]);
    for (const [name, outcome] of Object.entries(outcomes)) {
      table.push([name, ...SCENARIOS.map((one) => `${outcome[one]}`)]);
    }
    console.log(`${textOf(table)}\n`);
  }
  if (problems.length > 0) {
    console.error(problems.join("\n"));
    return 1;
  }
  console.log(paint("green", "Everything is as expected."));
  if (write) writeResult(ROOT, "browsers", seen);
  return 0;
}

await runCommand("verify:browsers", main);
