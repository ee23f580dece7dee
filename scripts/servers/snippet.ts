import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Place } from "./inside/clock.ts";
import { startRedis } from "./redis-server.ts";
import { needsRedis } from "./snippet-files.ts";
import { type StartedProcess, startProcess } from "./started-process.ts";

export { SnippetError } from "./started-process.ts";

/** A snippet is on its own: any free port, the local provider, and nothing slow. */
const ENVIRONMENT = {
  ...process.env,
  PORT: "0",
  UPDATE_MS: "0",
  IDP_MS: "0",
  ISSUER_BASE_URL: undefined,
  CLIENT_ID: undefined,
  CLIENT_SECRET: undefined,
  SECRET: undefined,
  CLAIM_BYTES: undefined,
  REDIS_URL: undefined,
};

/** What can be loaded into a snippet's process. */
export type Inside =
  | "./inside/announce-reading.ts"
  | "./inside/clock.ts"
  | "./inside/more-routes.ts"
  | "./inside/usage.ts";

/** What the verifier needs there. It costs time on each request. */
const FOR_VERIFIER: Inside[] = [
  "./inside/announce-reading.ts",
  "./inside/clock.ts",
];

/** What it needs there to play histories. */
export const FOR_HISTORIES: Inside[] = [
  ...FOR_VERIFIER,
  "./inside/more-routes.ts",
];

/** A route that is held: its requests wait until they are let go. */
export interface Held {
  /** Resolves once a request is there. */
  reached: Promise<void>;
  /** Lets the requests go that wait there, and all that come after. */
  release(): void;
}

/** A snippet that runs in a process of its own. */
export interface Snippet extends StartedProcess {
  name: string;
  /** The app's address, as the snippet printed it. */
  baseURL: string;
  /** The time by the snippet's clock, in milliseconds since 1970. */
  now(): number;
  /** Moves the snippet's clock forward, by some milliseconds. */
  travel(milliseconds: number): Promise<void>;
  /** The same, but of several processes only the one that gets the requests; below 0 it goes back. */
  shift(milliseconds: number): Promise<void>;
  /** Holds the requests to a route of the snippet, or of its local provider, by its path. */
  hold(path: string, at?: Place): Promise<Held>;
}

/**
 * Starts a snippet as a reader does, in its own process through tsx. By default its clock can be
 * moved, and it takes no time for its work: the verifier says when a request is answered. One that
 * needs a Redis gets a server of its own, if the settings name none.
 * @param file the snippet's path
 * @param cancel aborts to end the process at once
 * @param settings what else to set in its environment
 * @param inside what to load into its process
 * @returns once the snippet accepts requests
 * @throws {SnippetError} when it ends before that, or takes too long
 */
export async function startSnippet(
  file: string,
  cancel: AbortSignal,
  settings: NodeJS.ProcessEnv = {},
  inside = FOR_VERIFIER,
): Promise<Snippet> {
  const isAlone = !needsRedis(basename(file, ".ts"), dirname(file));
  if (isAlone || settings.REDIS_URL) {
    return startAlone(file, cancel, settings, inside);
  }
  const redis = await startRedis();
  try {
    const own = { ...settings, REDIS_URL: redis.url };
    const snippet = await startAlone(file, cancel, own, inside);
    return {
      ...snippet,
      async travel(milliseconds) {
        await snippet.travel(milliseconds);
        await redis.age(milliseconds);
      },
      async stop() {
        const end = await snippet.stop();
        await redis.stop();
        return end;
      },
    };
  } catch (error) {
    await redis.stop();
    throw error;
  }
}

/** Starts a snippet, for which there is all that it needs. */
async function startAlone(
  file: string,
  cancel: AbortSignal,
  settings: NodeJS.ProcessEnv,
  inside: Inside[],
): Promise<Snippet> {
  const name = basename(file, ".ts");
  const [started, baseURL] = await startProcess(
    name,
    [...modulesFor(inside), file],
    { ...ENVIRONMENT, ...settings },
    /http:\/\/localhost:\d+/,
    cancel,
  );
  return snippetIn(started, movableClock(started), name, baseURL);
}

/** Makes the part of a command line that loads what is needed into a snippet's process. */
export const modulesFor = (inside: Inside[]): string[] =>
  [
    "./inside/packages-first.mjs",
    "tsx",
    "./inside/exit-with-parent.ts",
    ...inside,
  ].flatMap((module) => ["--import", import.meta.resolve(module)]);

/**
 * Starts some snippets in one process, with one clock. To start a process takes longer than most of
 * what tests ask.
 * @param files the snippets' paths; none may need a Redis
 * @param inside what to load into the process
 * @returns the snippets, in the order of their files; who stops one stops all of them
 * @throws {SnippetError} when one does not start
 */
export async function startTogether(
  files: string[],
  cancel: AbortSignal,
  settings: NodeJS.ProcessEnv = {},
  inside = FOR_VERIFIER,
): Promise<Snippet[]> {
  const together = fileURLToPath(import.meta.resolve("./inside/together.ts"));
  const [started, printed] = await startProcess(
    "snippets together",
    [...modulesFor(inside), together, ...files],
    { ...ENVIRONMENT, ...settings },
    /(?:.|\n)*^all of them listen$/m,
    cancel,
  );
  const clock = movableClock(started);
  const addresses = printed.match(/http:\/\/localhost:\d+/g) ?? [];
  return files.map((file, index) =>
    snippetIn(started, clock, basename(file, ".ts"), addresses[index] ?? ""),
  );
}

/** Makes the functions that ask for, and move, the clock of a process. */
function movableClock({ call }: StartedProcess) {
  let ahead = 0;
  const travel = async (milliseconds: number) => {
    ahead = await call<number>("travel", milliseconds);
  };
  return { now: () => Date.now() + ahead, travel, shift: travel };
}

/** Makes a snippet of the process that it runs in. */
const snippetIn = (
  started: StartedProcess,
  clock: Pick<Snippet, "now" | "travel" | "shift">,
  name: string,
  baseURL: string,
): Snippet => ({
  ...started,
  ...clock,
  name,
  baseURL,
  async hold(path, at = "work") {
    const { call, ended } = started;
    await call("hold", path, at);
    const ignore = () => {};
    return {
      // When the process ends, nobody has to wait here any more.
      reached: call<void>("reached", path).catch(() => ended.then(ignore)),
      release: () => void call("release", path).catch(ignore),
    };
  },
});

/**
 * Does something with a snippet, and stops it, however that ends.
 * @param starting the snippet, as {@link startSnippet} gives it
 * @param work what to do
 * @returns what came of the work
 * @throws {SnippetError} when the snippet does not start, or the work fails
 */
export async function withSnippet<One extends Snippet, Result>(
  starting: Promise<One>,
  work: (snippet: One) => Promise<Result>,
): Promise<Result> {
  const snippet = await starting;
  try {
    const result = await work(snippet);
    await snippet.stop();
    return result;
  } catch (error) {
    // A process that dies hangs up first. How it died says more.
    const end = await snippet.stop();
    throw snippet.blame(end ? `it ended, with ${end}` : error);
  }
}

/** Does the same with snippets of one process, as {@link startTogether} gives them. */
export const withTogether = <Result>(
  starting: Promise<Snippet[]>,
  work: (snippets: Snippet[]) => Promise<Result>,
): Promise<Result> =>
  withSnippet(
    starting.then(([first]) => first as Snippet),
    async () => work(await starting),
  );
