import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  endProgress,
  progressLine,
  runCommand,
  UsageError,
  untilSignal,
  wholeNumber,
} from "./cli/command.ts";
import { ROOT } from "./cli/root.ts";
import { paint } from "./cli/terminal.ts";
import { findRedis, HOW_TO_INSTALL_REDIS } from "./servers/redis-server.ts";
import { SnippetError } from "./servers/snippet.ts";
import {
  snippetNames,
  usesRedis,
  withoutSkipped,
} from "./servers/snippet-files.ts";
import {
  aloneLines,
  answersBelow,
  answersTable,
  deepTable,
  differenceLines,
  legend,
  losingOrder,
  type Row,
  verdictToPaste,
} from "./verify/answers-table.ts";
import {
  historiesText,
  rulesLegend,
} from "./verify/histories/histories-table.ts";
import {
  ENOUGH,
  runHistories,
  SEED,
  unexpected,
} from "./verify/histories/run-histories.ts";
import {
  type Observed,
  writeHistories,
  writeMeasured,
  writeObserved,
} from "./verify/observed.ts";
import { ORDERS } from "./verify/orders.ts";
import { recordRace, writeRace } from "./verify/record-race.ts";
import { checkFolder, namesFrom, runSnippets } from "./verify/run-snippets.ts";
import { readVerdicts } from "./verify/verdicts.ts";

const HELP = `Usage: npm run verify -- [options] [snippet ...]

Starts each snippet, or those that are named, and plays a browser in which the
user logs out while a request is in flight. One such request and one logout can
happen in ${ORDERS.length} orders. It tries all of them, and prints who is logged in then.
Snippets that are named have a process each; in a whole run, some share one.

Options:
  --deep         also try two requests at once, in all orders that can differ
  --large        with a session so large that its cookie comes in chunks
  --processes N  1 or 2: with 2, two processes of a snippet are the app, on one
                 Redis, which it starts. The second one gets the logouts. Those
                 that keep things in one process fail, as they have to, and are
                 only judged when they are named
  --histories N  instead, play N histories: what two users can do in two
                 browsers, with requests in flight, judged by six rules
  --seed S       the histories of another seed than ${SEED}
  --orders       also print a shortest order that leaves the user logged in
  --json         print what was seen, as JSON
  --write        with --deep: also try two processes, and write all of it to
                 assets/verdicts.json, of which npm run sync makes the tables;
                 with --histories: write what was seen to assets/histories.json
  --race         only look at each snippet after each step of each order, and
                 write that to assets/race.json, which the first post plays
  --from FOLDER  take the snippets from another folder
  -h, --help     print this

Columns:
${legend(2).replace(/^/gm, "  ")}

Rules of histories:
${rulesLegend().replace(/^/gm, "  ")}

Snippets:
  ${snippetNames().join("\n  ")}

Exit code: 0 when all is as expected, 1 when something differs or a snippet
fails, 2 for invalid arguments.
`;

/** Runs the command, and returns its exit code. */
async function main(): Promise<number> {
  const asked = readCommandLine();
  if (!asked) {
    process.stdout.write(HELP);
    return 0;
  }
  const { options, folder, processes, isAll, isOurs } = asked;
  const isInRedis = asked.names.some((name) => usesRedis(name, folder));
  const needsRedis = processes === 2 || options.write || options.race;
  if (needsRedis && isInRedis && !findRedis()) {
    console.error(`this needs a Redis: ${HOW_TO_INSTALL_REDIS}`);
    return 1;
  }
  const names = withoutSkipped(asked.names, folder);
  const verdicts = readVerdicts(folder);
  const problems: string[] = [];
  const cancel = untilSignal();
  if (asked.count) return playHistories({ ...asked, names }, verdicts, cancel);
  if (options.race) return recordRaces(names, folder, cancel);
  const run = async (processes: 1 | 2, deep = false): Promise<Row[]> => {
    if (cancel.aborted) return [];
    const results = await runSnippets(names, {
      folder,
      large: options.large ?? false,
      deep,
      processes,
      areShared: isOurs && processes === 1 && !deep,
      cancel,
      progress: progressLine("Trying all orders"),
    });
    endProgress();
    return results.flatMap((result) => {
      if (!("failure" in result)) {
        return { ...result, verdict: verdicts[result.name], processes };
      }
      problems.push(result.failure.message);
      return [];
    });
  };
  const rows = await run(processes, options.deep);
  const withTwo = options.write ? await run(2) : [];
  if (cancel.aborted) return cancel.reason;

  const isJudged = makeIsJudged(isAll, verdicts);
  const alone = aloneLines(isAll ? [...rows, ...withTwo] : []);
  problems.push(
    ...alone.problems,
    ...rows.filter(isJudged).flatMap(differenceLines),
    ...withTwo.filter(isJudged).flatMap(differenceLines),
  );
  const observed = Object.fromEntries(
    rows.map(({ name, report, deep }) => {
      const other = withTwo.find((row) => row.name === name)?.report;
      const { observation, lateWrite } = other ?? {};
      const twoProcesses = { observation, lateWrite };
      return [
        name,
        { ...report, ...(deep && { deep }), ...(other && { twoProcesses }) },
      ];
    }),
  ) as Observed;
  const unjudged = rows.filter(({ verdict }) => !verdict);
  if (isAll) {
    problems.push(...unjudged.map(({ name }) => `${name} has no verdict`));
  }
  if (options.write && problems.length === 0) {
    writeObserved(ROOT, observed);
    writeMeasured(ROOT);
  }
  if (options.json) {
    console.log(JSON.stringify(observed, null, 2));
  } else if (rows.length > 0) {
    console.log(
      `${answersTable(rows)}\n\n${answersBelow(rows)}\n\n${legend(processes)}`,
    );
    if (options.deep) console.log(`\n${deepTable(rows)}`);
    for (const row of unjudged)
      console.log(`\n${verdictToPaste(row, verdicts.broken)}`);
    if (alone.lines.length > 0) console.log(`\n${alone.lines.join("\n")}`);
    if (options.orders) {
      for (const row of rows) console.log(`\n${losingOrder(row)}`);
    }
  }
  return conclude(problems, options.json || unjudged.length > 0);
}

/** Looks at all snippets after each step, keeps what was seen, and returns the exit code. */
async function recordRaces(
  names: string[],
  folder: string,
  cancel: AbortSignal,
): Promise<number> {
  const progress = progressLine("Looking after each step");
  try {
    const race = await recordRace(names, { folder, cancel, progress });
    if (cancel.aborted) return cancel.reason;
    writeRace(ROOT, race);
    return 0;
  } catch (error) {
    if (!(error instanceof SnippetError)) throw error;
    return cancel.aborted ? cancel.reason : conclude([error.message]);
  } finally {
    endProgress();
  }
}

/**
 * Whether a row is judged. A snippet that claims one process only fails with two, and is judged
 * there only when it is named.
 */
const makeIsJudged =
  (isAll: boolean, verdicts: ReturnType<typeof readVerdicts>) =>
  ({ name, processes }: { name: string; processes: 1 | 2 }): boolean =>
    !(isAll && processes === 2 && verdicts[name]?.oneProcess);

/** Plays histories, and prints which rules they break. */
async function playHistories(
  asked: NonNullable<ReturnType<typeof readCommandLine>>,
  verdicts: ReturnType<typeof readVerdicts>,
  cancel: AbortSignal,
): Promise<number> {
  const { options, folder, names, processes, isAll, count, seed } = asked;
  const results = await runHistories(names, {
    folder,
    large: options.large ?? false,
    processes,
    count,
    seed,
    isShrinking: true,
    cancel,
    progress: progressLine("Playing histories"),
  });
  endProgress();
  if (cancel.aborted) return cancel.reason;
  const rows = results.filter((result) => "report" in result);
  const isJudged = makeIsJudged(isAll, verdicts);
  const problems = [
    ...results.flatMap((one) => ("report" in one ? [] : one.message)),
    ...rows
      .filter(({ name }) => isJudged({ name, processes }))
      .flatMap(unexpected),
  ];
  const unjudged = rows.filter(({ expected }) => !expected);
  if (isAll) {
    problems.push(
      ...unjudged.map(({ name }) => `${name} has no line about histories`),
    );
  }
  const reports = Object.fromEntries(
    rows.map(({ name, report }) => [name, report]),
  );
  if (options.write && problems.length === 0) writeHistories(ROOT, reports);
  if (options.json) console.log(JSON.stringify(reports, null, 2));
  else if (rows.length > 0) console.log(historiesText(rows));
  return conclude(problems, options.json || unjudged.length > 0);
}

/** Prints what is wrong, and returns the exit code. */
function conclude(problems: string[], isSilent = false): number {
  if (problems.length > 0) console.error(`\n${problems.join("\n")}`);
  if (problems.length > 0) return 1;
  if (!isSilent)
    console.log(`\n${paint("green", "Everything is as expected.")}`);
  return 0;
}

/** What options go without. The others do something of their own, or look at less. */
const GOES_WITHOUT = {
  race: ["histories", "deep", "large", "processes", "orders", "json", "write"],
  histories: ["deep", "orders"],
  write: ["large", "processes"],
  deep: ["processes"],
  orders: ["json"],
};

/** Reads the command line; undefined when somebody asks for help. */
function readCommandLine() {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      orders: { type: "boolean" },
      deep: { type: "boolean" },
      large: { type: "boolean" },
      processes: { type: "string" },
      json: { type: "boolean" },
      write: { type: "boolean" },
      race: { type: "boolean" },
      histories: { type: "string" },
      seed: { type: "string" },
      from: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (options.help) return undefined;
  const folder = options.from ?? join(ROOT, "snippets");
  checkFolder(folder);
  const names = namesFrom(positionals, folder);
  const isAll = positionals.length === 0;
  for (const [name, others] of Object.entries(GOES_WITHOUT)) {
    const other = others.find((one) => one in options);
    if (name in options && other) {
      throw new UsageError(`--${name} goes without --${other}`);
    }
  }
  const isOurs = isAll && !options.from;
  if (options.race && !isOurs) {
    throw new UsageError("--race goes with all snippets of this repository");
  }
  const processes = options.processes === "2" ? 2 : 1;
  if (String(processes) !== (options.processes ?? "1")) {
    throw new UsageError("--processes takes 1 or 2");
  }
  const { histories = "" } = options;
  const count = histories ? wholeNumber("histories", histories, 1) : 0;
  const seed = wholeNumber("seed", options.seed ?? String(SEED), 0);
  if (options.seed && !count) {
    throw new UsageError("--seed goes with --histories");
  }
  const isWhole = options.deep || (count >= ENOUGH && seed === SEED);
  if (options.write && !(isWhole && isOurs)) {
    throw new UsageError(
      `--write goes with --deep, or with --histories ${ENOUGH} or more, and all snippets of this repository`,
    );
  }
  return {
    options,
    folder,
    names,
    processes,
    isAll,
    isOurs,
    count,
    seed,
  } as const;
}

await runCommand("verify", main);
