import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  endProgress,
  progressLine,
  runCommand,
  UsageError,
  untilSignal,
  wholeNumber,
} from "./base/command.ts";
import {
  type Looks,
  type Measured,
  type Results,
  readResult,
  writeResult,
} from "./base/results.ts";
import { ROOT } from "./base/root.ts";
import { paint } from "./base/terminal.ts";
import { findRedis, HOW_TO_INSTALL_REDIS } from "./bed/redis.ts";
import { TaskError } from "./bed/workers.ts";
import { historiesText, rulesLegend } from "./histories/histories-table.ts";
import {
  ENOUGH,
  runHistories,
  SEED,
  unexpected,
} from "./histories/run-histories.ts";
import {
  answersText,
  deepTable,
  differenceLines,
  holdsAfterAll,
  legend,
  losingOrder,
  type Row,
  verdictToPaste,
} from "./verify/answers-table.ts";
import { ORDERS } from "./verify/orders.ts";
import { runSnippets, type Seen } from "./verify/run-snippets.ts";
import {
  checkFolder,
  namesFrom,
  SNIPPETS,
  snippetNames,
  usesRedis,
  withoutSkipped,
} from "./verify/snippet-files.ts";
import { namesInOrder, readVerdicts } from "./verify/verdicts.ts";

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
  --histories N  instead, play N histories: what two users can do in two
                 browsers, with requests in flight, judged by six rules
  --seed S       the histories of another seed than ${SEED}
  --orders       also print a shortest order that leaves the user logged in
  --json         print what was seen, as JSON
  --write        with --deep: also try two processes, and write all of it to
                 assets/verdicts.json, of which npm run sync makes the tables;
                 with --histories ${ENOUGH}: to assets/histories.json
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

/** What was asked for. */
interface Asked extends NonNullable<ReturnType<typeof readCommandLine>> {
  names: string[];
  verdicts: ReturnType<typeof readVerdicts>;
  cancel: AbortSignal;
}

/** Runs the command, and returns its exit code. */
async function main(): Promise<number> {
  const line = readCommandLine();
  if (!line) {
    process.stdout.write(HELP);
    return 0;
  }
  const { options, folder, processes } = line;
  const isInRedis = line.names.some((name) => usesRedis(name, folder));
  const needsRedis = processes === 2 || options.write || options.race;
  if (needsRedis && isInRedis && !findRedis()) {
    console.error(`this needs a Redis: ${HOW_TO_INSTALL_REDIS}`);
    return 1;
  }
  const asked: Asked = {
    ...line,
    names: withoutSkipped(line.names, folder),
    verdicts: readVerdicts(folder),
    cancel: untilSignal(),
  };
  const work = line.count
    ? playHistories
    : options.race
      ? recordRaces
      : tryOrders;
  const problems = await work(asked).finally(endProgress);
  if (asked.cancel.aborted) return asked.cancel.reason;
  if (problems.length > 0) console.error(`\n${problems.join("\n")}`);
  else if (!options.json && asked.names.every((name) => asked.verdicts[name]))
    console.log(`\n${paint("green", "Everything is as expected.")}`);
  return problems.length > 0 ? 1 : 0;
}

/** Tries all orders, prints the tables, and returns what is wrong. */
async function tryOrders(asked: Asked): Promise<string[]> {
  const { options, names, folder, processes, isAll, verdicts, cancel } = asked;
  const problems: string[] = [];
  const run = async (processes: 1 | 2, isDeep = false): Promise<Row[]> => {
    const what = isDeep ? "two requests" : "questions";
    const large = options.large ?? false;
    const progress = progressLine("Trying all orders");
    const all = await runSnippets(
      names,
      what,
      { folder, large, processes },
      { cancel, progress },
    );
    const { seen, failures } = apart<Seen>(all);
    problems.push(...failures);
    return seen.map((one) => ({
      ...one,
      processes,
      verdict: verdicts[one.name],
      isJudged: !(isAll && processes === 2 && verdicts[one.name]?.oneProcess),
    }));
  };
  const rows = await run(processes, options.deep);
  const withTwo = options.write ? await run(2) : [];
  if (cancel.aborted) return [];
  endProgress();

  const all = [...rows, ...withTwo];
  problems.push(...all.flatMap(differenceLines), ...all.flatMap(holdsAfterAll));
  const unjudged = rows.filter(({ verdict }) => !verdict);
  if (isAll) {
    problems.push(...unjudged.map(({ name }) => `${name} has no verdict`));
  }
  const observed: Results["verdicts"] = Object.fromEntries(
    rows.map(({ name, report, deep }) => {
      const other = withTwo.find((row) => row.name === name)?.report;
      const { observation, lateWrite } = other ?? {};
      const twoProcesses = other && { observation, lateWrite };
      const more = { ...(deep && { deep }), ...(other && { twoProcesses }) };
      return [name, { ...report, ...more } as Results["verdicts"][string]];
    }),
  );
  if (options.write && problems.length === 0) {
    write("verdicts", observed);
    if (isAll) writeResult(ROOT, "measured", measuredNow());
  }
  if (options.json) console.log(JSON.stringify(observed, null, 2));
  else if (rows.length > 0) {
    const parts = [
      answersText(rows),
      ...(options.deep ? [deepTable(rows)] : []),
      ...unjudged.map((row) => verdictToPaste(row, verdicts.broken)),
      ...(options.orders ? rows.map(losingOrder) : []),
    ];
    console.log(parts.join("\n\n"));
  }
  return problems;
}

/** Looks at all snippets after each step, keeps what was seen, and returns what is wrong. */
async function recordRaces({ names, folder, cancel }: Asked) {
  const progress = progressLine("Looking after each step");
  const options = { folder, processes: 1 } as const;
  const how = { cancel, progress };
  const all = await runSnippets<Looks>(names, "each step", options, how);
  const { seen, failures } = apart<Looks>(all);
  if (cancel.aborted || failures.length > 0) return failures;
  const race = Object.fromEntries(seen.map((one, at) => [names[at], one]));
  write("race", race as Results["race"]);
  return [];
}

/** Records what was seen of some snippets, beside what was recorded of the others. */
function write<Name extends "verdicts" | "race" | "histories">(
  kind: Name,
  seen: Results[Name],
): void {
  const all = { ...readResult(ROOT, kind), ...seen };
  const rows = namesInOrder().flatMap((name) =>
    name in all ? [[name, all[name]]] : [],
  );
  writeResult(ROOT, kind, Object.fromEntries(rows));
}

/** Plays histories, prints which rules they break, and returns what is wrong. */
async function playHistories(asked: Asked): Promise<string[]> {
  const { options, names, folder, processes, isAll, verdicts } = asked;
  const { count, seed, cancel } = asked;
  const large = options.large ?? false;
  const all = await runHistories(
    names,
    { folder, large, processes, count, seed, isShrinking: true },
    { cancel, progress: progressLine("Playing histories") },
  );
  if (cancel.aborted) return [];
  endProgress();
  const { seen: rows, failures: problems } = apart(all);
  const isJudged = ({ name }: { name: string }) =>
    !(isAll && processes === 2 && verdicts[name]?.oneProcess);
  problems.push(...rows.filter(isJudged).flatMap(unexpected));
  const unjudged = rows.filter(({ expected }) => !expected);
  if (isAll) {
    problems.push(
      ...unjudged.map(({ name }) => `${name} has no line about histories`),
    );
  }
  const reports = Object.fromEntries(
    rows.map(({ name, report }) => [name, report]),
  );
  if (options.write && problems.length === 0) write("histories", reports);
  if (options.json) console.log(JSON.stringify(reports, null, 2));
  else if (rows.length > 0) console.log(historiesText(rows));
  return problems;
}

/** Tells those that were seen from those that failed. */
const apart = <Result>(all: (Result | TaskError)[]) => ({
  seen: all.filter((one) => !(one instanceof TaskError)) as Result[],
  failures: all.flatMap((one) => (one instanceof TaskError ? one.message : [])),
});

/** Today, with the Node that runs and the packages that are installed. */
function measuredNow(): Measured {
  const versions = ["express-openid-connect", "express"].map((name) => {
    const file = join(ROOT, "node_modules", name, "package.json");
    return `${name} ${JSON.parse(readFileSync(file, "utf8")).version}`;
  });
  const date = new Date().toISOString().slice(0, 10);
  return { date, node: process.versions.node, versions };
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
  const folder = options.from ?? SNIPPETS;
  checkFolder(folder);
  const names = namesFrom(positionals, namesInOrder(folder));
  const isAll = positionals.length === 0;
  for (const [name, others] of Object.entries(GOES_WITHOUT)) {
    const other = others.find((one) => one in options);
    if (name in options && other) {
      throw new UsageError(`--${name} goes without --${other}`);
    }
  }
  if (options.race && options.from) {
    throw new UsageError("--race goes without --from");
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
  if (options.write && (!isWhole || options.from)) {
    throw new UsageError(
      `--write goes with --deep, or with --histories ${ENOUGH} or more, and without --from`,
    );
  }
  return { options, folder, names, processes, isAll, count, seed } as const;
}

await runCommand("verify", main);
