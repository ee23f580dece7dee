import { EventEmitter } from "node:events";
import { register } from "node:module";
import { basename } from "node:path";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { format } from "node:util";
// Before the servers and the provider, which keep what they find.
import { follow, skew } from "./clock.ts";
import "./announce-reading.ts";
import { startProvider } from "../../snippets/support/provider.ts";
import type { App } from "./browser.ts";
import { type RedisServer, startRedis } from "./redis.ts";
import { type HeldCommand, startRedisProxy } from "./redis-proxy.ts";

/** How long a snippet may take to start, in milliseconds. */
const START_MS = 60_000;

/** How a snippet is started. */
export interface SnippetOptions {
  /** With 2, two servers of it are one app. The second one gets the logouts. */
  processes?: 1 | 2;
  /** Whether it gets a Redis. */
  redis?: boolean;
  /** How far the clock of the second server is ahead, in milliseconds. */
  aheadMs?: number;
  /** More of its environment. */
  settings?: NodeJS.ProcessEnv;
}

/** A snippet that runs in this process. */
export interface Snippet extends App {
  name: string;
  /** Its Redis, and what can hold a command on its way there from the first of two servers. */
  redis?: RedisServer & { hold?(command: string): HeldCommand };
}

/** Any free port, the local provider, nothing slow: whatever else the environment says. */
const SETTINGS = {
  ...{ PORT: "0", UPDATE_MS: "0", IDP_MS: "0", CLAIM_BYTES: "0" },
  ...{ ISSUER_BASE_URL: "", CLIENT_ID: "", CLIENT_SECRET: "", SECRET: "" },
  REDIS_URL: "",
};

/** What snippets print, line by line. */
const printing = new EventEmitter().setMaxListeners(0);

/** Has all that is printed from now on told to {@link printed}. */
function listen(): void {
  const { log } = console;
  console.log = (...words) => {
    printing.emit("line", format(...words));
    // A worker's lines are shown when it fails. In a test they are in the way.
    if (process.send && !process.env.NODE_TEST_CONTEXT) log(...words);
  };
  // Each snippet waits for Ctrl-C.
  process.setMaxListeners(0);
}
let isListening = false;

/** Resolves once a snippet of this process prints something like this, from now on. */
export const printed = (pattern: RegExp, times = 1): Promise<string> =>
  new Promise((resolve) => {
    let left = times;
    const look = (line: string) => {
      const [found] = line.match(pattern) ?? [];
      if (found === undefined || --left > 0) return;
      printing.off("line", look);
      resolve(found);
    };
    printing.on("line", look);
  });

let starting: Promise<unknown> = Promise.resolve();
let redis: Promise<RedisServer> | undefined;

/**
 * Starts a snippet in this process. It has the clock of all, and takes no time for its work: who
 * asks it says when a request is answered. The process has one Redis, which is empty then.
 * @param file the snippet's path
 * @returns once the snippet accepts requests
 * @throws {Error} when it does not start, or takes too long
 */
export async function startSnippet(
  file: string,
  options: SnippetOptions = {},
): Promise<Snippet> {
  // One after the other, since the environment is everybody's.
  const start = starting.then(() => startNow(file, options));
  starting = start.catch(() => {});
  return start;
}

async function startNow(
  file: string,
  options: SnippetOptions,
): Promise<Snippet> {
  const { processes = 1, settings, aheadMs = 0 } = options;
  if (!isListening) listen();
  isListening = true;
  const server = options.redis ? await emptyRedis() : undefined;
  const name = basename(file, ".ts");
  const all = { ...settings, ...(server && { REDIS_URL: server.url }) };
  if (processes === 1) {
    const baseURL = await run(file, all);
    return { name, baseURL, ...(server && { redis: server }) };
  }
  register("./copies.mjs", import.meta.url);
  const proxy = server && (await startRedisProxy(server.port));
  let address = "";
  const { provider } = await startProvider({
    ...{ baseURL: "http://localhost", idpMs: 0, backChannelLogout: true },
    claimBytes: Number(settings?.CLAIM_BYTES ?? 0),
    // Apps that take no such call answer with 404, and nothing comes of it.
    backChannelAddress: () => address,
  });
  const shared = {
    ...all,
    ISSUER_BASE_URL: provider.issuerBaseURL,
    CLIENT_ID: provider.clientID,
    CLIENT_SECRET: provider.clientSecret,
    SECRET: provider.secret,
  };
  const first = { ...shared, ...(proxy && { REDIS_URL: proxy.url }) };
  const baseURL = await run(file, first);
  const otherURL = await skew.run(aheadMs, () => run(file, shared, true));
  address = otherURL;
  const app = { name, baseURL, otherURL };
  if (!server || !proxy) return app;
  return { ...app, redis: { ...server, hold: proxy.hold } };
}

async function emptyRedis(): Promise<RedisServer> {
  redis ??= startRedis().then((server) => {
    follow(server.age);
    return server;
  });
  const server = await redis;
  await server.command("FLUSHALL");
  return server;
}

let count = 0;

/**
 * Runs a snippet's file once more. Each import of another address is another module.
 * @param isCopy whether all that it imports is another module, too, as in a process of its own
 * @returns the address that it prints
 */
async function run(
  file: string,
  settings: NodeJS.ProcessEnv,
  isCopy = false,
): Promise<string> {
  const before = { ...process.env };
  Object.assign(process.env, SETTINGS, settings);
  process.argv[1] = file;
  count += 1;
  const query = `${isCopy ? "copy" : "run"}=${count}`;
  const address = printed(/http:\/\/localhost:\d+/);
  const late = setTimeout(START_MS, undefined, { ref: false });
  const never = () => {
    throw new Error("it gave no address: does it end with serve(app)?");
  };
  try {
    const running = import(`${pathToFileURL(file)}?${query}`);
    await Promise.race([running, late.then(never)]);
    return await Promise.race([address, setTimeout(0).then(never)]);
  } finally {
    for (const key of Object.keys(SETTINGS)) delete process.env[key];
    Object.assign(process.env, before);
  }
}
