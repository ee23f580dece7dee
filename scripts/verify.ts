import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  endProgress,
  progressLine,
  runCommand,
  UsageError,
  untilSignal,
} from "./lib/command.ts";
import { type Observed, writeObserved } from "./lib/observed.ts";
import { ORDERS } from "./lib/orders.ts";
import { findRedis, HOW_TO_INSTALL_REDIS } from "./lib/redis.ts";
import {
  aloneLines,
  answersBelow,
  answersTable,
  deepTable,
  differenceLines,
  legend,
  losingOrder,
  paint,
  type Row,
} from "./lib/report.ts";
import { checkFolder, namesFrom, runSnippets, strangers } from "./lib/run.ts";
import { withoutSkipped } from "./lib/snippet.ts";
import type { Timings } from "./lib/timings.ts";
import { timingsTable } from "./lib/timings-table.ts";
import { upstreamNews } from "./lib/upstream.ts";
import { IN_REDIS, ONE_PROCESS_ONLY, VERDICTS } from "./lib/verdicts.ts";
import {
  combinations,
  installedVersions,
  readVersions,
  tryVersions,
  VERSIONED,
  VersionsError,
  writeVersions,
} from "./lib/versions.ts";
import {
  versionsLegend,
  versionsProblems,
  versionsTable,
} from "./lib/versions-report.ts";

const HELP = `Usage: npm run verify -- [options] [snippet ...]

Starts each snippet, or those that are named, and plays a browser in which the
user logs out while a request is in flight. One such request and one logout can
happen in ${ORDERS.length} orders. It tries all of them, and prints who is logged in then.

Options:
  --deep         also try two requests at once, in all orders that can differ
  --large        with a session so large that its cookie comes in chunks
  --processes N  1 or 2: with 2, two processes of a snippet are the app, on one
                 Redis, which it starts. The second one gets the logouts. Those
                 that keep things in one process fail, as they have to, and are
                 only judged when they are named
  --orders       also print a shortest order that leaves the user logged in
  --timings      also print how long an order takes, and where the time goes;
                 with --json, on standard error
  --json         print what was seen, as JSON
  --versions     with several versions of express-openid-connect and of Express
  --write        with --deep: also try two processes, and write all of it to
                 assets/verdicts.json, of which npm run sync makes the tables;
                 with --versions: write what was seen to assets/versions.json
  --from FOLDER  take the snippets from another folder
  -h, --help     print this

Columns:
${legend(2).replace(/^/gm, "  ")}

Snippets:
  ${Object.keys(VERDICTS).join("\n  ")}

Exit code: 0 when all is as expected, 1 when something differs or a snippet
fails, or when a new version of the library has fixed the bug, 2 when the
command line makes no sense.
`;

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Runs the command, and returns its exit code. */
async function main(): Promise<number> {
  const { options, processes, isAll, ...asked } = readCommandLine();
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const usesRedis = asked.names.some((name) => IN_REDIS.includes(name));
  if ((processes === 2 || options.write) && usesRedis && !findRedis()) {
    console.error(`two processes need a Redis: ${HOW_TO_INSTALL_REDIS}`);
    return 1;
  }
  const names = withoutSkipped(asked.names);
  if (options.versions) return verifyVersions(names, options);
  const folder = options.from ?? join(ROOT, "snippets");
  const problems = strangers(folder);
  const cancel = untilSignal();
  const timings = options.timings && new Map<string, Timings>();
  const begin = performance.now();
  const run = async (processes: 1 | 2, deep = false): Promise<Row[]> => {
    if (cancel.aborted) return [];
    const results = await runSnippets(names, {
      folder,
      large: options.large ?? false,
      deep,
      processes,
      cancel,
      ...(timings && { timings }),
      progress: progressLine("Trying all orders"),
    });
    endProgress();
    return results.flatMap((result) => {
      if (!("failure" in result)) return { ...result, processes };
      problems.push(result.failure.message);
      return [];
    });
  };
  const rows = await run(processes, options.deep);
  const clockMs = performance.now() - begin;
  const pairs = options.write ? await run(2) : [];
  if (cancel.aborted) return cancel.reason;

  // Those that don't claim to hold with two processes have to fail. Who asks for one wants to see it.
  const news = newsOf(rows, folder);
  const isJudged = (row: Row) =>
    !news.names.includes(row.name) &&
    !(isAll && row.processes === 2 && ONE_PROCESS_ONLY.includes(row.name));
  const alone = aloneLines(isAll ? [...rows, ...pairs] : []);
  problems.push(
    ...alone.problems,
    ...rows.filter(isJudged).flatMap(differenceLines),
    ...pairs.filter(isJudged).flatMap(differenceLines),
  );
  const observed = Object.fromEntries(
    rows.map(({ name, report, deep }) => {
      const pair = pairs.find((row) => row.name === name)?.report;
      const { observation, lateWrite } = pair ?? {};
      const seen = { observation, ...(pair && { lateWrite }) };
      return [
        name,
        { ...report, ...(deep && { deep }), ...(pair && { pair: seen }) },
      ];
    }),
  ) as Observed;
  if (options.write && problems.length === 0) writeObserved(ROOT, observed);
  if (options.json) {
    console.log(JSON.stringify(observed, null, 2));
  } else if (rows.length > 0) {
    console.log(
      `${answersTable(rows)}\n\n${answersBelow(rows)}\n\n${legend(processes)}`,
    );
    if (options.deep) console.log(`\n${deepTable(rows)}`);
    if (alone.lines.length > 0) console.log(`\n${alone.lines.join("\n")}`);
    if (options.orders) {
      for (const row of rows) console.log(`\n${losingOrder(row)}`);
    }
  }
  if (timings) {
    const print = options.json ? console.error : console.log;
    print(`\n${timingsTable(timings, clockMs)}`);
  }
  return conclude(problems, news.lines, options.json);
}

/** Prints what is wrong, and good news after that, and returns the exit code. */
function conclude(problems: string[], news: string[], json = false): number {
  if (problems.length > 0) console.error(`\n${problems.join("\n")}`);
  if (news.length > 0) console.error(`\n${news.join("\n")}`);
  if (problems.length + news.length > 0) return 1;
  if (!json) console.log(`\n${paint("green", "Everything is as expected.")}`);
  return 0;
}

/** Looks whether what is installed has fixed the bug, and with which snippets that shows. */
function newsOf(rows: Row[], folder: string) {
  if (rows.length === 0) return { lines: [], names: [] };
  const installed = installedVersions(folder);
  const tried = rows.map(({ name, report: { observation } }) => ({
    ...installed,
    snippet: name,
    observation,
  }));
  const { lines, isFixed } = upstreamNews(tried, readVersions(ROOT));
  return { lines, names: tried.filter(isFixed).map((one) => one.snippet) };
}

/** Does what `--versions` asks for, and returns the exit code. */
async function verifyVersions(
  names: string[],
  options: ReturnType<typeof readCommandLine>["options"],
): Promise<number> {
  const folder = options.from ?? join(ROOT, "snippets");
  let pairs: ReturnType<typeof combinations>;
  try {
    pairs = combinations(ROOT, folder);
  } catch (error) {
    if (!(error instanceof VersionsError)) throw error;
    console.error(error.message);
    return 1;
  }
  const cancel = untilSignal();
  const tried = await tryVersions(names, pairs, {
    folder,
    cancel,
    progress: progressLine("Trying all versions"),
  });
  endProgress();
  if (cancel.aborted) return cancel.reason;
  const news = upstreamNews(tried, readVersions(ROOT));
  const problems = versionsProblems(tried, news);
  const isGood = problems.length + news.lines.length === 0;
  if (options.write && isGood) writeVersions(ROOT, tried);
  if (options.json) console.log(JSON.stringify(tried, null, 2));
  else console.log(`${versionsTable(tried, news)}\n\n${versionsLegend(tried)}`);
  return conclude(problems, news.lines, options.json);
}

function readCommandLine() {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      orders: { type: "boolean" },
      deep: { type: "boolean" },
      large: { type: "boolean" },
      processes: { type: "string", default: "1" },
      versions: { type: "boolean" },
      timings: { type: "boolean" },
      json: { type: "boolean" },
      write: { type: "boolean" },
      from: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  const names = namesFrom(positionals);
  const processes = options.processes === "2" ? 2 : 1;
  if (String(processes) !== options.processes) {
    throw new UsageError("--processes takes 1 or 2");
  }
  if (processes === 2 && options.deep) {
    throw new UsageError("--deep goes with one process");
  }
  const { deep, large, orders, timings, versions } = options;
  if (versions && (deep || large || orders || timings || processes === 2)) {
    throw new UsageError("--versions goes with --json, --write and --from");
  }
  const isAll = positionals.length === 0;
  const isWhole = (deep || versions) && !large && !timings && isAll;
  if (options.write && !isWhole) {
    throw new UsageError(
      "--write goes with --deep or with --versions, and with nothing else",
    );
  }
  checkFolder(options.from);
  const all = versions ? VERSIONED : names;
  return { options, names: isAll ? all : names, processes, isAll } as const;
}

await runCommand("verify", main);
