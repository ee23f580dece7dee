import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { watch } from "chokidar";
import { LIFELINE } from "./lib/blog.ts";
import { runCommand, UsageError } from "./lib/command.ts";
import {
  blogFiles,
  complaint,
  type Files,
  findJekyll,
  githubFiles,
  HOW_TO_INSTALL_JEKYLL,
  NOT_SHOWN,
  writeFiles,
} from "./lib/site.ts";

const HELP = `Usage: npm run read -- [options]

Shows the posts in a browser, as a Jekyll blog does and as GitHub does. While
you write, the page reloads. Ctrl-C ends it.

Options:
  --port PORT   listen there, or with 0 on any free port (unless told: 4000)
  --in FOLDER   show another copy of this repository
  -h, --help    print this

Exit code: 0 when it was told to stop, 1 when it can't start or Jekyll fails,
2 when the command line makes no sense.
`;

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** How long Jekyll may take to stop, in ms. */
const PATIENCE_MS = 5000;

/** Runs the command, and returns its exit code. */
async function main(): Promise<number> {
  const { help, root, port } = readCommandLine();
  if (help) {
    process.stdout.write(HELP);
    return 0;
  }
  const jekyll = findJekyll();
  if (!jekyll) {
    console.error(`jekyll is missing: ${HOW_TO_INSTALL_JEKYLL}`);
    return 1;
  }
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => stop.abort());
  }
  const folder = mkdtempSync(join(tmpdir(), "in-flight-"));
  try {
    return await show(root, folder, { jekyll, port, stop: stop.signal });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readCommandLine() {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "4000" },
      in: { type: "string", default: ROOT },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const port = Number(values.port);
  if (!/^\d+$/.test(values.port) || port > 65_535) {
    throw new UsageError(
      `--port ${values.port} does not work: give a whole number from 0 to 65535`,
    );
  }
  if (!existsSync(join(values.in, "posts"))) {
    throw new UsageError(`there is no folder ${join(values.in, "posts")}`);
  }
  return { help: values.help, root: values.in, port };
}

/** What it takes to show the posts: Jekyll's path, a port, and what ends it. */
interface Means {
  jekyll: string;
  port: number;
  stop: AbortSignal;
}

/** Shows the posts from a temporary folder until told to stop, and returns the exit code. */
async function show(
  root: string,
  folder: string,
  { jekyll, port: wanted, stop }: Means,
): Promise<number> {
  const port = await freePort(wanted);
  if (port === undefined) {
    console.error(`port ${wanted} is taken: try --port 0`);
    return 1;
  }
  const write = writer(root, folder);
  const watcher = watch(root, {
    ignored: (path) => NOT_SHOWN.includes(basename(path)),
    ignoreInitial: true,
    // An editor may take several steps to write a file.
    awaitWriteFinish: { stabilityThreshold: 50, pollInterval: 10 },
  });
  await once(watcher, "ready");
  if (!write()) {
    await watcher.close();
    return 1;
  }
  watcher.on("all", write);

  const listen = ["--host", "127.0.0.1", "--port", String(port)];
  const reload = ["--livereload-port", String(await freePort(0))];
  const child = spawn(
    jekyll,
    ["serve", "--watch", "--livereload", ...listen, ...reload],
    // The plugin for relative links takes the working folder for the blog's.
    { cwd: folder, stdio: "pipe" },
  );
  const closed = once(child, "close");
  const end = () => {
    child.kill("SIGINT");
    setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS).unref();
  };
  if (stop.aborted) end();
  stop.addEventListener("abort", end);
  createInterface(child.stderr).on("line", (line) => {
    const text = complaint(line, folder);
    if (text) console.error(text);
  });
  createInterface(child.stdout).on("line", (line) => {
    if (!line.includes("Server running")) return;
    console.log(`The posts, as a blog and as GitHub show them:
http://127.0.0.1:${port}
The page reloads when a file changes. Ctrl-C ends this.`);
  });
  await closed;
  await watcher.close();
  return stop.aborted ? 0 : 1;
}

/** Makes a function that renders all that has changed, and returns whether that went well. */
function writer(root: string, folder: string): () => boolean {
  let written: Files = new Map();
  return () => {
    try {
      const files = new Map(blogFiles(root));
      files.set("_plugins/lifeline.rb", LIFELINE);
      for (const [path, content] of githubFiles(root)) {
        files.set(`github/${path}`, content);
      }
      writeFiles(folder, files, written);
      written = files;
      return true;
    } catch (error) {
      console.error((error as Error).message);
      return false;
    }
  };
}

/** Looks whether a port of this machine is free, and returns it; with 0, any that is. */
async function freePort(port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    await once(server.listen(port, "127.0.0.1"), "listening");
    return (server.address() as AddressInfo).port;
  } catch {
    return undefined;
  } finally {
    server.close();
  }
}

await runCommand("read", main);
