import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runCommand } from "./cli/command.ts";
import { ROOT } from "./cli/root.ts";
import { benchChart } from "./publish/bench-chart.ts";
import { readBench } from "./publish/bench-data.ts";
import { bitesChart } from "./publish/bites-chart.ts";
import { readBites } from "./publish/bites-data.ts";
import { ordersGrid, sequenceDiagram } from "./publish/diagrams.ts";
import { javascriptOf } from "./publish/javascript.ts";
import {
  generate,
  mistakes,
  type Text,
  TextError,
} from "./publish/markdown.ts";
import { type Observed, readObserved } from "./verify/observed.ts";
import { ORDERS } from "./verify/orders.ts";

const HELP = `Usage: npm run sync -- [options]

Copies code, diffs and verdicts into the README and the posts, makes
snippets/drop-in/lasting-logout.cjs of the .ts beside it, and draws the diagrams
in assets/: from snippets/, and from what other commands have written
there: verdicts.json (npm run verify -- --deep --write), versions.json (npm run
verify -- --versions --write), browsers.json (npm run verify:browsers --
--write), bites.csv (npm run bites -- --to), bench.csv (npm run bench --
--write) and others.json (npm run others -- --write).

Options:
  --check       change nothing; fail when something is stale, a region is
                missing, a link leads nowhere, or GitHub or a blog would not
                show a text as it is written
  --in FOLDER   work on another copy of this repository
  -h, --help    print this

Exit code: 0 when all is up to date, 1 when not, 2 when the command line makes
no sense.
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
  const root = options.in ?? ROOT;
  const posts = readdirSync(join(root, "posts")).map((name) => `posts/${name}`);
  const observed = readObserved(root);
  const problems = ["README.md", ...posts].flatMap((file) =>
    syncFile({ root, file, observed }, options.check ?? false),
  );
  const made = { ...pictures(root, observed), ...javascript(root) };
  for (const [file, text] of Object.entries(made)) {
    problems.push(...syncWhole(root, file, text, options.check ?? false));
  }
  if (problems.length > 0) console.error(problems.join("\n"));
  return problems.length > 0 ? 1 : 0;
}

/** Brings one file up to date, or only looks whether it is; returns a line for each problem. */
function syncFile(text: Text, check: boolean): string[] {
  const path = join(text.root, text.file);
  const old = readFileSync(path, "utf8");
  try {
    const { made, stale } = generate(old, text);
    const wrong = mistakes(made, text);
    if (check) {
      const advice = "is stale: run npm run sync";
      return [...stale.map((at) => `${text.file}: ${at} ${advice}`), ...wrong];
    }
    if (made !== old) {
      writeFileSync(path, made);
      console.log(`${text.file}: brought up to date`);
    }
    return wrong;
  } catch (error) {
    if (error instanceof TextError) return [error.message];
    throw error;
  }
}

/**
 * Draws what was seen: the orders of all snippets, one that loses for each that has one, when the
 * bug bites in a browser, and what each snippet costs to run.
 */
function pictures(root: string, observed: Observed): Record<string, string> {
  const grid = (request: string, losing: "losing" | "losingDraft") =>
    ordersGrid(
      request,
      Object.entries(observed).map(([name, report]) => ({
        name,
        losing: report[losing],
        possible: [...ORDERS.keys()].filter(
          (order) => !report.impossible.includes(order),
        ),
      })),
    );
  const losing = Object.entries(observed).filter(
    ([, report]) => report.losing.length > 0,
  );
  return {
    "assets/bench.svg": benchChart(readBench(root), observed),
    "assets/bites.svg": bitesChart(readBites(root)),
    "assets/orders-update.svg": grid("POST /update", "losing"),
    "assets/orders-draft.svg": grid("POST /draft", "losingDraft"),
    ...Object.fromEntries(
      losing.map(([name, { example }]) => [
        `assets/${name}.svg`,
        sequenceDiagram(name, example, "alice is logged in"),
      ]),
    ),
  };
}

/** Makes the JavaScript of the file that people take. */
function javascript(root: string): Record<string, string> {
  const source = join(root, "snippets", "drop-in", "lasting-logout.ts");
  return {
    "snippets/drop-in/lasting-logout.cjs": javascriptOf(
      readFileSync(source, "utf8"),
    ),
  };
}

/** Writes one file, or only looks whether it is up to date; returns a line for a problem. */
function syncWhole(
  root: string,
  file: string,
  made: string,
  check: boolean,
): string[] {
  const path = join(root, file);
  const old = existsSync(path) ? readFileSync(path, "utf8") : undefined;
  if (old === made) return [];
  if (check) return [`${file} is stale: run npm run sync`];
  writeFileSync(path, made);
  console.log(`${file}: made`);
  return [];
}

await runCommand("sync", main);
