import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  findBrowser,
  HOW_TO_INSTALL,
  launchBrowser,
} from "../browsers/installed-browsers.ts";
import { Visitor } from "../browsers/visit.ts";
import {
  progressLine,
  runCommand,
  UsageError,
  wholeNumber,
} from "../cli/command.ts";
import { ROOT } from "../cli/root.ts";
import { type Progress, sideBySide } from "../cli/side-by-side.ts";
import { plainTable, textOf } from "../cli/terminal.ts";
import {
  IDP_MS,
  type Logouts,
  logoutsOf,
  SENDINGS,
  SETUPS,
  type Setup,
  UPDATE_MS,
  writeBites,
} from "../publish/bites-data.ts";
import { startSnippet, withSnippet } from "../servers/snippet.ts";
import { measure } from "./measure.ts";

const HELP = `Usage: npm run bites -- [options]

Measures when the bug bites: logs out of snippets/broken.ts in real browsers, in
real time, again and again, and counts how often alice is logged in after it.
The provider's logout hop takes ${IDP_MS} ms, POST /update from ${UPDATE_MS[0]} to ${UPDATE_MS.at(-1)} ms.
It takes about a quarter of an hour on two cores that have nothing else to do.

Options:
  --runs N         how many logouts a point has (10)
  --times MS,...   other times for POST /update to take, such as 0,400
  --browser NAME   only chromium, or only firefox
  --write          write all to assets/bites.json, of which npm run sync makes
                   the posts' table
  -h, --help       print this

Exit code: 0 when all was measured, 1 when not, 2 for invalid arguments.
`;

/** All logouts of one setup with one time that `/update` takes. */
interface Point {
  setup: Setup;
  updateMs: number;
}

/** Runs the command, and returns its exit code. */
async function main(): Promise<number> {
  const { values: options } = parseArgs({
    options: {
      runs: { type: "string", default: "10" },
      times: { type: "string", default: UPDATE_MS.join() },
      browser: { type: "string" },
      write: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const runs = wholeNumber("runs", options.runs, 1);
  const times = options.times
    .split(",")
    .map((text) => wholeNumber("times", text, 0));
  const { browser: only } = options;
  const setups = SETUPS.filter((one) => !only || one.browserName === only);
  if (setups.length === 0) throw new UsageError(`there is no browser ${only}`);
  if (options.write && only) throw new UsageError("--write takes all browsers");
  for (const { browserName } of setups) {
    if (findBrowser(browserName)) continue;
    console.error(`${browserName} is missing: ${HOW_TO_INSTALL[browserName]}`);
    return 1;
  }

  const points = setups.flatMap((setup) =>
    times.map((updateMs): Point => ({ setup, updateMs })),
  );
  const progress = progressLine("Logging out, again and again");
  return measure(
    (cancel) =>
      sideBySide(points, { cancel, progress }, (point, progress, cancel) =>
        logOutAgain(point, runs, cancel, progress),
      ),
    (found) => {
      const all = found.flat();
      const table = plainTable(["logged in, by ms", ...times.map(String)]);
      for (const { name } of setups) {
        table.push([{ colSpan: times.length + 1, content: name }]);
        for (const sending of SENDINGS) {
          const points = logoutsOf(all, name, sending);
          table.push([`  ${sending}`, ...points.map(({ losing }) => losing)]);
        }
      }
      console.log(textOf(table));
      if (options.write) writeBites(ROOT, all);
      return 0;
    },
  );
}

/** Logs out in one browser, as many times as asked for in each way to send. */
async function logOutAgain(
  { setup, updateMs }: Point,
  runs: number,
  cancel: AbortSignal,
  progress: Progress,
): Promise<Logouts[]> {
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
      const found: Logouts[] = [];
      for (const sending of SENDINGS) {
        let losing = 0;
        const visitor = await Visitor.open(browser, snippet, sending);
        for (let run = 0; run < runs; run += 1) {
          await visitor.startAgain();
          await visitor.goToProvider();
          await visitor.logIn();
          await visitor.logOutInRealTime();
          if (await visitor.whoami()) losing += 1;
          const done = found.length * runs + run + 1;
          progress(done / (SENDINGS.length * runs));
        }
        await visitor.close();
        found.push({ setup: name, version, sending, updateMs, runs, losing });
      }
      return found;
    });
  } finally {
    cancel.removeEventListener("abort", close);
    await close();
  }
}

await runCommand("bites", main);
