import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  BROWSER_NAMES,
  BrowserError,
  findBrowser,
  HOW_TO_INSTALL,
  launchBrowser,
} from "../browsers/installed-browsers.ts";
import { Visitor } from "../browsers/visit.ts";
import {
  endProgress,
  progressLine,
  runCommand,
  UsageError,
  untilSignal,
} from "../cli/command.ts";
import { ROOT } from "../cli/root.ts";
import { type Progress, sideBySide } from "../cli/side-by-side.ts";
import { plainTable, textOf } from "../cli/terminal.ts";
import {
  BITES_FILE,
  formatBites,
  IDP_MS,
  type Run,
  SENDINGS,
  SETUPS,
  type Setup,
  sharesOf,
  UPDATE_MS,
} from "../publish/bites-data.ts";
import { SnippetError, startSnippet, withSnippet } from "../servers/snippet.ts";

const HELP = `Usage: npm run bites -- [options]

Measures when the bug bites: logs out of snippets/broken.ts in real browsers, in
real time, again and again, and counts how often alice is logged in after it.
The provider's logout hop takes ${IDP_MS} ms, POST /update from ${UPDATE_MS[0]} to ${UPDATE_MS.at(-1)} ms.
It takes about a quarter of an hour on two cores that have nothing else to do.

Options:
  --runs N       how many logouts a point has; 10 unless told
  --times MS,…   other times for POST /update to take, such as 0,400
  --to FILE      write all runs to a CSV file. Of ${BITES_FILE}, npm run sync
                 makes the chart of the second post
  -h, --help     print this

Exit code: 0 when all was measured, 1 when not, 2 when the command line makes no
sense.
`;

/** All logouts of one setup with one time that `/update` takes. */
interface Point {
  setup: Setup;
  updateMs: number;
}

/** Runs the command, and returns its exit code. */
async function main(): Promise<number> {
  const { options, runs, times } = readCommandLine();
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const missing = BROWSER_NAMES.filter((name) => !findBrowser(name));
  for (const name of missing) {
    console.error(`${name} is missing: ${HOW_TO_INSTALL[name]}`);
  }
  if (missing.length > 0) return 1;

  const cancel = untilSignal();
  const progress = progressLine("Logging out, again and again");
  const points = SETUPS.flatMap((setup) =>
    times.map((updateMs): Point => ({ setup, updateMs })),
  );
  const failures: string[] = [];
  const stop = new AbortController();
  cancel.addEventListener("abort", () => stop.abort());
  const measured = await sideBySide(
    points,
    { cancel: stop.signal, progress },
    async (point, progress) => {
      try {
        return await measure(point, runs, stop.signal, progress);
      } catch (error) {
        if (!(error instanceof SnippetError || error instanceof BrowserError)) {
          throw error;
        }
        failures.push(error.message);
        stop.abort();
        return [];
      }
    },
  );
  endProgress();
  if (cancel.aborted) return cancel.reason;
  if (failures[0]) {
    console.error(failures[0]);
    return 1;
  }
  const all = measured.flat();
  console.log(tableOf(all, times));
  if (options.to) writeFileSync(options.to, formatBites(all));
  return 0;
}

/** Logs out in one browser, as many times as asked for in each way to send. */
async function measure(
  { setup, updateMs }: Point,
  runs: number,
  cancel: AbortSignal,
  progress: Progress,
): Promise<Run[]> {
  const { name, browserName, args } = setup;
  const browser = await launchBrowser(
    browserName,
    findBrowser(browserName) ?? browserName,
    { args },
  );
  const close = () => browser.close();
  cancel.addEventListener("abort", close);
  const times = { UPDATE_MS: String(updateMs), IDP_MS: String(IDP_MS) };
  const file = join(ROOT, "snippets", "broken.ts");
  try {
    const starting = startSnippet(file, cancel, times);
    return await withSnippet(starting, async (snippet) => {
      const version = await browser.version();
      const found: Run[] = [];
      for (const sending of SENDINGS) {
        const visitor = await Visitor.open(browser, snippet, sending);
        for (let run = 0; run < runs; run += 1) {
          await visitor.startAgain();
          await visitor.goToProvider();
          await visitor.logIn();
          await visitor.logOutInRealTime();
          const user = (await visitor.whoami()) ?? "";
          found.push({ setup: name, version, sending, updateMs, user });
          progress(found.length / (SENDINGS.length * runs));
        }
        await visitor.close();
      }
      return found;
    });
  } finally {
    cancel.removeEventListener("abort", close);
    await close();
  }
}

/** Makes a table of how often alice is logged in after all, for each time that `/update` takes. */
function tableOf(runs: Run[], times: number[]): string {
  const table = plainTable(["logged in, by ms", ...times.map(String)]);
  for (const { name } of SETUPS) {
    table.push([{ colSpan: times.length + 1, content: name }]);
    for (const sending of SENDINGS) {
      const cells = sharesOf(runs, name, sending).map(({ losing }) => losing);
      table.push([`  ${sending}`, ...cells]);
    }
  }
  return textOf(table);
}

function readCommandLine() {
  const { values: options } = parseArgs({
    options: {
      runs: { type: "string" },
      times: { type: "string" },
      to: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  const wholeNumber = (name: string, text: string): number => {
    if (/^\d{1,5}$/.test(text)) return Number(text);
    throw new UsageError(`--${name} takes whole numbers, and ${text} is none`);
  };
  const runs = wholeNumber("runs", options.runs ?? "10");
  const times =
    options.times?.split(",").map((text) => wholeNumber("times", text)) ??
    UPDATE_MS;
  return { options, runs, times };
}

await runCommand("bites", main);
