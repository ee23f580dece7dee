import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ROOT } from "../cli/root.ts";
import type { Place, Reply, Request } from "./inside/clock.ts";
import type { FillReply, FillRequest } from "./inside/fill-store.ts";
import type { MemoryReply, MemoryRequest, Usage } from "./inside/usage.ts";
import type { HeldCommand } from "./redis-proxy.ts";
import {
  findRedis,
  HOW_TO_INSTALL_REDIS,
  type RedisServer,
  startRedis,
} from "./redis-server.ts";

/** How long a snippet may take to start, and to stop, in milliseconds. */
const START_MS = 60_000;
const STOP_MS = 5_000;

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
  | "./inside/fill-store.ts";

/** What the verifier needs there. It costs time on each request. */
const FOR_VERIFIER: Inside[] = [
  "./inside/announce-reading.ts",
  "./inside/clock.ts",
];

/** What a snippet's process can be told, and what it replies. */
type Asked = Request | MemoryRequest | FillRequest;
type Replied = Reply | MemoryReply | FillReply;

const SNIPPETS = join(ROOT, "snippets");

/** The names of the snippets in a folder. */
export const snippetNames = (folder = SNIPPETS): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".ts"))
    .map((file) => basename(file, ".ts"));

const sourceOf = (name: string, folder = SNIPPETS): string => {
  const file = join(folder, `${name}.ts`);
  return existsSync(file) ? readFileSync(file, "utf8") : "";
};

/** Whether a snippet keeps something in Redis, when there is one. */
export const usesRedis = (name: string, folder?: string): boolean =>
  /open(?:Redis|Store)\(/.test(sourceOf(name, folder));

/** Whether a snippet does not start without a Redis: its header has no way to do that. */
export const needsRedis = (name: string, folder?: string): boolean =>
  usesRedis(name, folder) && !/^\/\/ +npx tsx/m.test(sourceOf(name, folder));

/**
 * Leaves out the snippets that can't start on this machine, and says so, by their names.
 * @returns the others
 */
export function withoutSkipped(names: string[], folder?: string): string[] {
  if (findRedis()) return names;
  const skipped = names.filter((name) => needsRedis(name, folder));
  for (const name of skipped) {
    console.error(`${name} is skipped: no Redis (${HOW_TO_INSTALL_REDIS})`);
  }
  return names.filter((name) => !skipped.includes(name));
}

/** Something that a snippet did wrong, with the last lines that it printed. */
export class SnippetError extends Error {}

/** A route that is held: its requests wait until they are let go. */
export interface Held {
  /** Resolves once a request is there. */
  reached: Promise<void>;
  /** Lets the requests go that wait there, and all that come after. */
  release(): void;
}

/** A snippet that runs in a process of its own. */
export interface Snippet {
  name: string;
  /** The id of its process. */
  pid: number;
  /** The app's address, as the snippet printed it. */
  baseURL: string;
  /** The address of another process of the same app, which gets the logouts, if there is one. */
  otherURL?: string;
  /** Holds the next write of a session, on its way to Redis. */
  holdWrite?(): HeldCommand;
  /** Watches what its Redis is asked. */
  watchRedis?: RedisServer["watch"];
  /** The time by the snippet's clock, in milliseconds since 1970. */
  now(): number;
  /** Moves the snippet's clock forward, by some milliseconds. */
  travel(milliseconds: number): Promise<void>;
  /** The same, but of several processes only the one that gets the requests; below 0 it goes back. */
  shift(milliseconds: number): Promise<void>;
  /** Collects its garbage, and tells the bytes that are left on its heap. */
  heapBytes(): Promise<number>;
  /** Tells what its process has used. */
  usage(): Promise<Usage>;
  /** Fills its store with copies of a session, by its id. It takes fill.ts inside. */
  fill(sessions: number, like: string): Promise<void>;
  /** Holds the requests to a route of the snippet, or of its local provider, by its path. */
  hold(path: string, at?: Place): Promise<Held>;
  /** Resolves once the process prints something like this, from now on. */
  printed(pattern: RegExp): Promise<void>;
  /** Resolves when the process has ended, in whatever way. */
  ended: Promise<unknown>;
  /** Makes an error that names the snippet and has the last lines that it printed. */
  blame(reason: unknown): SnippetError;
  /**
   * Asks the process to end, and makes it after a while.
   * @returns how it ended, when it did so by itself and not because it was asked to
   */
  stop(): Promise<string | undefined>;
}

/**
 * Starts a snippet as a reader does, in its own process through tsx. Only its clock can be moved,
 * unless told otherwise, and it takes no time for its work: the verifier says when a request is
 * answered. One that needs a Redis gets a server of its own, if the settings name none.
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
    return startProcess(file, cancel, settings, inside);
  }
  const redis = await startRedis();
  try {
    const own = { ...settings, REDIS_URL: redis.url };
    const snippet = await startProcess(file, cancel, own, inside);
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

async function startProcess(
  file: string,
  cancel: AbortSignal,
  settings: NodeJS.ProcessEnv,
  inside: Inside[],
): Promise<Snippet> {
  const name = basename(file, ".ts");
  const first = settings.ISSUER_BASE_URL ? [] : ["./inside/provider-first.mjs"];
  const modules = [
    ...first,
    "tsx",
    "./inside/exit-with-parent.ts",
    "./inside/usage.ts",
    ...inside,
  ];
  const loaders = modules.flatMap((module) => [
    "--import",
    import.meta.resolve(module),
  ]);
  const child = spawn(process.execPath, [...loaders, file], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { ...ENVIRONMENT, ...settings },
    signal: cancel,
    killSignal: "SIGKILL",
  });
  // It is an error, too, when the process ends because of `cancel`. How it ended says as much.
  child.on("error", () => {});
  const ended = new Promise<string>((resolve) => {
    child.once("close", (code, signal) =>
      resolve(code === null ? `signal ${signal}` : `exit code ${code}`),
    );
  });

  let output = "";
  let found: RegExpMatchArray | null = null;
  const address = new Promise<string>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        // Under load this is called thousands of times a second.
        if (output.length > 40_000) output = output.slice(-20_000);
        found ??= output.match(/http:\/\/localhost:\d+/);
        if (found) resolve(found[0]);
      });
    }
  });
  const blame = (reason: unknown): SnippetError => {
    const words = reason instanceof Error ? reason.message : reason;
    const lines = output.trim().split("\n").slice(-12).join("\n  | ");
    const last = lines ? `The last it printed:\n  | ${lines}` : "";
    return new SnippetError(`${name}: ${words}. ${last}`.trimEnd());
  };

  let timer: NodeJS.Timeout | undefined;
  const baseURL = await Promise.race([
    address,
    ended.then((how) => Promise.reject(blame(`it ended, with ${how}`))),
    new Promise<never>((_, reject) => {
      const late = `it gave no address within ${START_MS / 1000} s`;
      timer = setTimeout(() => reject(blame(late)), START_MS);
    }),
  ])
    .catch((error) => {
      child.kill("SIGKILL");
      throw error;
    })
    .finally(() => clearTimeout(timer));

  /** What waits for something to be printed, until it says that it has it. */
  const readers = new Set<(text: string) => boolean>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (text: string) => {
      for (const read of readers) if (read(text)) readers.delete(read);
    });
  }
  const printed = (pattern: RegExp) =>
    new Promise<void>((resolve) => {
      let seen = "";
      readers.add((text) => {
        seen += text;
        if (!pattern.test(seen)) return false;
        resolve();
        return true;
      });
    });

  let ahead = 0;
  const ask = (request: Asked) => child.send(request);
  /** What waits for a reply, until it says that it has it. */
  const waiting = new Set<(reply: Replied) => boolean>();
  child.on("message", (reply: Replied) => {
    for (const isIt of waiting) if (isIt(reply)) waiting.delete(isIt);
  });
  /** Resolves with the first reply that is such a one, or with nothing when the process ends. */
  const replied = <R extends Replied = Reply>(isIt: (reply: R) => boolean) =>
    new Promise<R | undefined>((resolve) => {
      waiting.add((reply) => {
        if (isIt(reply as R)) resolve(reply as R);
        return isIt(reply as R);
      });
      ended.then(() => resolve(undefined));
    });
  const travel = async (milliseconds: number) => {
    const moved = replied((reply) => "ahead" in reply);
    ask({ travel: milliseconds });
    const reply = await moved;
    if (reply && "ahead" in reply) ahead = reply.ahead;
  };
  return {
    name,
    pid: child.pid as number,
    baseURL,
    now: () => Date.now() + ahead,
    travel,
    shift: travel,
    async heapBytes() {
      const replying = replied<{ heapBytes: number }>((r) => "heapBytes" in r);
      ask({ memory: true });
      return (await replying)?.heapBytes ?? 0;
    },
    async usage() {
      const replying = replied<Usage>((reply) => "cpuMicroseconds" in reply);
      ask({ usage: true });
      const usage = await replying;
      if (!usage) throw blame("it does not tell what it has used");
      return usage;
    },
    async fill(sessions, like) {
      const replying = replied<FillReply>((reply) => "filled" in reply);
      ask({ fill: sessions, like });
      const reply = await replying;
      if (reply?.filled !== sessions) throw blame(reply?.problem ?? "it ended");
    },
    async hold(path, at = "work") {
      const held = replied((r) => "held" in r && r.held === path);
      const reached = replied((r) => "reached" in r && r.reached === path);
      ask({ hold: path, at });
      await held;
      return {
        reached: reached.then(() => {}),
        release: () => void ask({ release: path }),
      };
    },
    printed,
    ended,
    blame,
    async stop() {
      let killed = false;
      const timer = setTimeout(() => {
        killed = child.kill("SIGKILL");
      }, STOP_MS);
      child.kill("SIGTERM");
      const how = await ended;
      clearTimeout(timer);
      // On Windows a process can't answer a signal, and ends.
      const asAsked = ["exit code 0", "signal SIGTERM"].includes(how);
      return killed || asAsked ? undefined : how;
    },
  };
}

/**
 * Does something with a snippet, and stops it, however that ends.
 * @param starting the snippet, as {@link startSnippet} gives it
 * @param work what to do
 * @returns what came of the work
 * @throws {SnippetError} when the snippet does not start, or the work fails
 */
export async function withSnippet<Result>(
  starting: Promise<Snippet>,
  work: (snippet: Snippet) => Promise<Result>,
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
