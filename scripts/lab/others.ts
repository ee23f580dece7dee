import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { text } from "node:stream/consumers";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { progressLine, runCommand, UsageError } from "../cli/command.ts";
import { ROOT } from "../cli/root.ts";
import { sideBySide } from "../cli/side-by-side.ts";
import { plainTable, textOf } from "../cli/terminal.ts";
import { logInAs } from "../probe/log-in.ts";
import { probe } from "../probe/probe-app.ts";
import { inWords } from "../probe/target.ts";
import {
  type OfApp,
  type Others,
  othersRows,
  readOthers,
  USES,
  writeOthers,
} from "../publish/others-data.ts";
import { type Snippet, startSnippet, withSnippet } from "../servers/snippet.ts";
import { measure } from "./measure.ts";

const HELP = `Usage: npm run others -- [options] [app ...]

Points the probe at small apps on other session libraries, in apps/, or at those
that are named, and tells what a request in flight does to their logouts.
Compares that with what is kept in assets/others.json, of which npm run sync
makes the posts' table and what they show of the probe.

Options:
  --write      keep what was seen, of all
  -h, --help   print this

Exit code: 0 when all is as it was, 1 when something differs or an app fails, 2
for invalid arguments.
`;

/** What Auth.js sets again is the session that a page asks for, and not what a route of ours reads. */
const ROUTES: Record<string, { method: "GET"; path: string }> = {
  "auth-js": { method: "GET", path: "/auth/session" },
};

/** Those whose output the posts show. */
const SHOWN = ["broken"];

/** All that can be probed. */
const NAMES = [...Object.keys(USES), ...SHOWN];

const APPS = join(import.meta.dirname, "apps");

/** Runs the command, and returns its exit code. */
async function main(): Promise<number> {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      write: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const unknown = positionals.find((name) => !NAMES.includes(name));
  if (unknown) {
    throw new UsageError(`no app ${unknown}; there are ${NAMES.join(", ")}`);
  }
  if (options.write && positionals.length > 0) {
    throw new UsageError("--write goes with all apps");
  }
  const names = positionals.length > 0 ? positionals : NAMES;
  return measure(
    (cancel) => probeAll(names, cancel),
    (others) => tell(others, names, options.write),
  );
}

/** Prints what was seen, and keeps it or compares it with what is kept. Returns the exit code. */
function tell(others: Others, names: string[], write = false): number {
  console.log(tableOf(others));
  if (write) {
    writeOthers(ROOT, others);
    return 0;
  }
  const differing = differences(others, readOthers(ROOT), names);
  for (const name of differing) {
    console.error(
      `${name} is not as in assets/others.json: npm run others -- --write`,
    );
  }
  return differing.length > 0 ? 1 : 0;
}

/** Finds the file of an app: some are several apps, and their names begin with its own. */
const fileOf = (name: string): string => {
  const files = readdirSync(APPS).map((file) => join(APPS, file));
  const file = files.find((file) =>
    name.startsWith(basename(file, extname(file))),
  );
  if (!file) throw new Error(`there is no app ${name}`);
  return file;
};

async function probeAll(names: string[], cancel: AbortSignal): Promise<Others> {
  const printed: Others["printed"] = {};
  const found = await sideBySide(
    names,
    { cancel, progress: progressLine("Probing") },
    async (name, progress, cancel) => {
      const isShown = SHOWN.includes(name);
      const file = isShown
        ? join(ROOT, "snippets", `${name}.ts`)
        : fileOf(name);
      const result = await withSnippet(
        startSnippet(file, cancel, { APP: name }),
        async (app) => {
          if (!isShown) return probeApp(name, app);
          printed[name] = await printedFor(app.baseURL, cancel);
          return undefined;
        },
      );
      progress(1);
      return result;
    },
  );
  return {
    apps: found.flatMap((one) => one ?? []),
    printed,
  };
}

async function probeApp(name: string, app: Snippet): Promise<OfApp> {
  const get = ROUTES[name];
  const route = get ?? ({ method: "POST", path: "/update" } as const);
  const logIn = (user: string) => logInAs(app, user, "/login");
  const { race } = await probe(
    {
      app,
      route,
      body: get ? undefined : "{}",
      headers: {},
      logout: { method: "GET", path: "/logout" },
      page: "/",
      cookie: undefined,
      goesOn: true,
    },
    {
      alice: await logIn("alice"),
      bob: await logIn("bob"),
      again: () => logIn("alice"),
    },
    () => {},
  );
  if (!race) throw new Error(`${name}: its logout does not hold`);
  const { verdict, cookies, copy, places, ...found } = race;
  return {
    name,
    request: inWords(route),
    verdict,
    cookies,
    effects: { request: found.route.effect, logout: found.logout.effect },
    copy,
    places,
  };
}

/** Runs the probe as a reader does, and returns what it prints. */
async function printedFor(url: string, cancel: AbortSignal): Promise<string> {
  const loader = import.meta.resolve("tsx");
  const words = ["--post", "/update", "--as", "alice", "--as", "bob"];
  const child = spawn(
    process.execPath,
    ["--import", loader, join(ROOT, "scripts", "probe.ts"), url, ...words],
    { stdio: ["ignore", "pipe", "inherit"], signal: cancel },
  );
  child.on("error", () => {});
  return (await text(child.stdout)).replaceAll(url, "http://localhost:3000");
}

/** The rows of the post, without how each app uses its library, so that they fit a terminal. */
function tableOf(others: Others): string {
  const [head = [], ...rows] = othersRows(others);
  const table = plainTable(head);
  for (const [app = "", ...cells] of rows) {
    table.push([app.replace(/:.*/, ""), ...cells]);
  }
  return textOf(table);
}

/** Names those of which something else was seen than what is kept. */
const differences = (seen: Others, kept: Others, names: string[]): string[] =>
  names.filter((name) => {
    const [one, other] = [seen, kept].map(({ apps, printed }) => [
      apps.find((app) => app.name === name),
      printed[name],
    ]);
    return !isDeepStrictEqual(one, other);
  });

await runCommand("others", main);
