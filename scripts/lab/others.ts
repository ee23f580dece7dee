import { spawn } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { text } from "node:stream/consumers";
import { isDeepStrictEqual, parseArgs } from "node:util";
import {
  endProgress,
  progressLine,
  runCommand,
  untilSignal,
} from "../cli/command.ts";
import { ROOT } from "../cli/root.ts";
import { sideBySide } from "../cli/side-by-side.ts";
import { plainTable, textOf } from "../cli/terminal.ts";
import { logInAs } from "../probe/log-in.ts";
import { inWords, probe } from "../probe/probe-app.ts";
import {
  type OfApp,
  OTHERS_FILE,
  type Others,
  othersRows,
  readOthers,
} from "../publish/others-data.ts";
import {
  type Snippet,
  SnippetError,
  startSnippet,
  withSnippet,
} from "../servers/snippet.ts";
import { checkFolder } from "../verify/run-snippets.ts";

const HELP = `Usage: npm run others -- [options]

Points the probe at small apps on other session libraries, in scripts/apps, and
tells what a request in flight does to their logouts. Compares that with what is
kept in ${OTHERS_FILE}, of which npm run sync makes the posts' table and what
the README shows of the probe.

Options:
  --write        keep what was seen
  --json         print it as JSON
  --from FOLDER  take the apps from another folder
  -h, --help     print this

Exit code: 0 when all is as it was, 1 when something differs or an app fails, 2
when the command line makes no sense.
`;

/** What Auth.js sets again is the session that a page asks for, and not what a route of ours reads. */
const ROUTES: Record<string, { method: "GET"; path: string }> = {
  "auth-js": { method: "GET", path: "/auth/session" },
};

/** Those whose output the README shows. */
const SHOWN = ["broken", "fix-complete"];

/** Runs the command, and returns its exit code. */
async function main(): Promise<number> {
  const { values: options } = parseArgs({
    options: {
      write: { type: "boolean" },
      json: { type: "boolean" },
      from: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const folder = options.from ?? join(ROOT, "scripts", "lab", "apps");
  checkFolder(folder);
  const cancel = untilSignal();
  let others: Others;
  try {
    others = await probeAll(folder, cancel);
  } catch (error) {
    if (cancel.aborted) return cancel.reason;
    if (!(error instanceof SnippetError)) throw error;
    endProgress();
    console.error(error.message);
    return 1;
  }
  if (cancel.aborted) return cancel.reason;
  const json = `${JSON.stringify(others, null, 2)}\n`;
  if (options.write) writeFileSync(join(ROOT, OTHERS_FILE), json);
  process.stdout.write(options.json ? json : `${tableOf(others)}\n`);
  const differing = differences(others, readOthers(ROOT));
  for (const name of differing) {
    console.error(
      `${name} is not as in ${OTHERS_FILE}: npm run others -- --write`,
    );
  }
  return differing.length > 0 ? 1 : 0;
}

async function probeAll(folder: string, cancel: AbortSignal): Promise<Others> {
  const files = readdirSync(folder)
    .filter((file) => !file.startsWith("support"))
    .map((file) => join(folder, file));
  const shown = SHOWN.map((name) => join(ROOT, "snippets", `${name}.ts`));
  const printed: Others["printed"] = {};
  const found = await sideBySide(
    [...files, ...shown],
    { cancel, progress: progressLine("Probing") },
    async (file, progress) => {
      const name = basename(file, extname(file));
      const result = await withSnippet(
        startSnippet(file, cancel),
        async (app) => {
          if (shown.includes(file)) {
            printed[name] = await printedFor(app.baseURL, cancel);
            return undefined;
          }
          return probeApp(name, app);
        },
      );
      progress(1);
      return result;
    },
  );
  endProgress();
  return {
    apps: found.flatMap((one) => one ?? []),
    printed: Object.fromEntries(
      SHOWN.map((name) => [name, printed[name] ?? ""]),
    ),
  };
}

async function probeApp(name: string, app: Snippet): Promise<OfApp> {
  const get = ROUTES[name];
  const route = get ?? ({ method: "POST", path: "/update" } as const);
  const logIn = (user: string) => logInAs(app, user, "/login");
  const { verdict, cookies, copy, places, ...found } = await probe(
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
    [await logIn("alice"), await logIn("bob")],
    () => logIn("alice"),
    () => {},
  );
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

/** In two or three words each, so that a row fits a terminal. */
function tableOf(others: Others): string {
  const [, ...rows] = othersRows(others);
  const table = plainTable([
    "\nsmall app",
    "on its\nway",
    "in the\nhandler",
    "on its\nway back",
    "\na copy",
    "next\nuser",
  ]);
  const short = (words: string) =>
    words.replace("logged ", "").replace("is ", "");
  for (const [name = "", , , ...cells] of rows) {
    table.push([name, ...cells.map(short)]);
  }
  return textOf(table);
}

function differences(seen: Others, kept: Others): string[] {
  const names = [...seen.apps, ...kept.apps].map(({ name }) => name);
  const different = [...new Set(names)].filter((name) => {
    const [one, other] = [seen, kept].map(({ apps }) =>
      apps.find((app) => app.name === name),
    );
    return !isDeepStrictEqual(one, other);
  });
  return [
    ...different,
    ...SHOWN.filter((name) => seen.printed[name] !== kept.printed[name]),
  ];
}

await runCommand("others", main);
