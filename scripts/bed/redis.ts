import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import which from "which";

/** The install hint. */
export const HOW_TO_INSTALL_REDIS = "apt-get install redis-server";

/**
 * Finds an installed Redis, or Valkey, on the PATH.
 * @returns undefined when there is none, or when `HIDE_OPTIONAL` is set
 */
export function findRedis(): string | undefined {
  if (process.env.HIDE_OPTIONAL) return undefined;
  const found = ["redis-server", "valkey-server"].map((name) =>
    which.sync(name, { nothrow: true }),
  );
  return found.find(Boolean) ?? undefined;
}

/** A command that Redis has run. */
export interface Command {
  /** The address of the connection that it came from. */
  from: string;
  words: string[];
}

/** A Redis server of our own. It ends with this process, however that ends. */
export interface RedisServer {
  url: string;
  port: number;
  /** Sends one command. */
  command(...words: string[]): Promise<unknown>;
  /** Watches the commands that it runs; `stop` returns them. */
  watch(): Promise<{ stop(): Promise<Command[]> }>;
  /** Stops it in the middle of its work: it keeps its connections, and does not answer. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
  /** Starts it again, at the same address, with what it has on its disk. */
  restart(): Promise<void>;
  /** Makes all that expires expire some milliseconds earlier, as if they had passed. */
  age(milliseconds: number): Promise<void>;
  /** Ends it for good. */
  stop(): Promise<void>;
}

/** The ports to try: below those that systems hand out by themselves, so that a restart has its own. */
const PORTS = { first: 21_000, count: 11_000 };

/** What is said of a server that writes nothing to its disk. */
const NO_DISK = ["--save", ""];

/** What is said of one that has written a command before it answers: when it is killed, nothing is lost. */
export const ON_DISK = [
  ...NO_DISK,
  "--appendonly",
  "yes",
  "--appendfsync",
  "no",
];

/**
 * Starts a Redis server on a free port of 127.0.0.1. It keeps its files in a temporary folder.
 * @param settings more options of its command line; by default, it writes nothing to its disk
 * @returns once it accepts connections
 * @throws {Error} when none is installed, or it does not start
 */
export async function startRedis(settings = NO_DISK): Promise<RedisServer> {
  const file = findRedis();
  if (!file) throw new Error(`there is no Redis: ${HOW_TO_INSTALL_REDIS}`);
  // It takes most of a second. Most of those who import this file start no Redis, and later a proxy
  // in this process would stand still for that second.
  await import("redis");
  const keeper = startKeeper(file, ["--bind", "127.0.0.1", ...settings]);
  try {
    const port = await startOnFreePort(keeper);
    return serverAt(port, keeper);
  } catch (error) {
    await keeper.end();
    throw error;
  }
}

function serverAt(port: number, keeper: Keeper): RedisServer {
  const url = `redis://127.0.0.1:${port}`;
  const command = (...words: string[]) =>
    withClient(url, (client) => client.sendCommand(words));
  return {
    url,
    port,
    command,
    watch: () => watch(url, command),
    pause: () => keeper.send("SIGSTOP"),
    resume: () => keeper.send("SIGCONT"),
    kill: () => keeper.send("SIGKILL"),
    async restart() {
      const isFree = await keeper.start(port);
      if (!isFree) throw new Error(`somebody has taken port ${port}`);
    },
    age: (milliseconds) =>
      withClient(url, async (client) => {
        for (const key of await client.keys("*")) {
          const left = await client.pTTL(key);
          if (left < 0) continue;
          // What has no time left is gone at once.
          await client.pExpire(key, left - milliseconds);
        }
      }),
    stop: () => keeper.end(),
  };
}

/** Makes a connection. */
async function connect(url: string) {
  const { createClient } = await import("redis");
  const client = createClient({ url, socket: { reconnectStrategy: false } });
  return client.on("error", () => {}).connect();
}

/** Does something over a connection of its own, so that nothing is left from a server before. */
async function withClient<T>(
  url: string,
  use: (client: Awaited<ReturnType<typeof connect>>) => Promise<T>,
): Promise<T> {
  const client = await connect(url);
  try {
    return await use(client);
  } finally {
    client.destroy();
  }
}

/** Watches the commands of a server, with `MONITOR`. */
async function watch(url: string, command: RedisServer["command"]) {
  const client = await connect(url);
  const seen: Command[] = [];
  const end = crypto.randomUUID();
  let isEnd = () => {};
  const ended = new Promise<void>((resolve) => {
    isEnd = resolve;
  });
  await client.monitor((line) => {
    const [, from = "", words = ""] = line.match(/ \[\d+ (\S+)\] (.*)/) ?? [];
    if (words.includes(end)) isEnd();
    else seen.push({ from, words: words.slice(1, -1).split('" "') });
  });
  return {
    async stop() {
      // What was run before this has been told before it.
      await command("ECHO", end);
      await ended;
      client.destroy();
      return seen;
    },
  };
}

/** The process that runs Redis for this one: see redis-process.mjs. */
interface Keeper {
  /** Starts Redis, and resolves with false when somebody has the port. */
  start(port: number): Promise<boolean>;
  send(signal: NodeJS.Signals): Promise<void>;
  end(): Promise<void>;
}

function startKeeper(file: string, options: string[]): Keeper {
  const folder = join(tmpdir(), `in-flight-redis-${crypto.randomUUID()}`);
  const code = fileURLToPath(new URL("redis-process.mjs", import.meta.url));
  const child = spawn(process.execPath, [code, folder, file, ...options], {
    // Ctrl-C goes to all processes of a terminal, but to none that is detached.
    detached: true,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const ended = once(child, "exit");
  const tell = async (order: object): Promise<string> => {
    // It can't be sent when the process has ended.
    child.send(order, () => {});
    const [reply] = await Promise.race([
      once(child, "message"),
      ended.then(() => {
        throw new Error("the process that runs Redis has ended");
      }),
    ]);
    return reply;
  };
  return {
    async start(port) {
      const output = await tell({ port });
      if (/Ready to accept connections/.test(output)) return true;
      if (/Address already in use/.test(output)) return false;
      throw new Error(`Redis does not start:\n${output}`);
    },
    async send(signal) {
      await tell({ signal });
    },
    async end() {
      if (child.connected) child.disconnect();
      await ended;
      // It deletes its folder, but not if somebody has killed it.
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Takes the first port that nobody has, from one that is picked at random. */
async function startOnFreePort(keeper: Keeper): Promise<number> {
  const start = Math.floor(Math.random() * PORTS.count);
  for (let tried = 0; tried < PORTS.count; tried += 1) {
    const port = PORTS.first + ((start + tried) % PORTS.count);
    if (await keeper.start(port)) return port;
  }
  throw new Error("there is no free port");
}
