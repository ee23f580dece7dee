import { fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { Pool } from "undici";
import { type BenchSample, readResult, writeResult } from "../base/results.ts";
import { ROOT } from "../base/root.ts";
import { loggedIn } from "../bed/browser.ts";
import { BODY } from "../bed/held-request.ts";
import { startRedis } from "../bed/redis.ts";
import { fileOf, needsRedis, usesRedis } from "../verify/snippet-files.ts";

// Measures the processor time that the process of each server takes for a POST /update, and the bytes
// of its response. All servers are up the whole time, and one at a time has work.

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "15" },
    write: { type: "boolean" },
  },
});
const rounds = Number(values.rounds);

/** How many requests a server gets in a round, and how many of them are in flight at once. */
const [REQUESTS, AT_ONCE] = [2000, 10];

/** Loaded into a server: it tells the processor time of its process, and ends with this one. */
const INSIDE = `data:text/javascript,
  process.on("message", () => process.send(process.cpuUsage()));
  process.on("disconnect", () => process.exit());`;
const imports = ["../bed/packages-first.mjs", "tsx"].map((name) =>
  import.meta.resolve(name),
);

/** Keeps a process on some cores, where taskset (util-linux) can. Elsewhere it only repeats less well. */
const keepOn = (cores: string, pid = process.pid) =>
  spawnSync("taskset", ["-acp", cores, `${pid}`]);

const verdicts = readResult(ROOT, "verdicts");
keepOn("1-1023");
const redis = await startRedis();

/** Starts a server, and makes the request that it is sent. */
async function start(server: string, store: BenchSample["store"]) {
  const verdict = verdicts[server]?.observation;
  const file = verdict
    ? fileOf(server)
    : join(import.meta.dirname, "no-auth.ts");
  const child = fork(file, {
    execArgv: [...imports, INSIDE].flatMap((name) => ["--import", name]),
    env: {
      ...process.env,
      ...{ NODE_ENV: "production", PORT: "0", UPDATE_MS: "0", IDP_MS: "0" },
      REDIS_URL: store === "Redis" ? redis.url : "",
    },
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const [line] = await once(child.stdout as NodeJS.ReadableStream, "data");
  child.stdout?.resume();
  keepOn("0", child.pid);
  const baseURL = String(line).match(/http:\S+/)?.[0] as string;
  const browser = verdict && (await loggedIn({ baseURL }));
  const request = await browser?.compose("cors", "POST", "/update", BODY);
  const user = verdict?.knowsUser ? "alice" : null;
  return {
    ...{ server, store, child, samples: [] as BenchSample[] },
    pool: new Pool(baseURL, { connections: AT_ONCE }),
    headers: request?.headers ?? {},
    expected: JSON.stringify({ recordedBy: user }),
  };
}
type Running = Awaited<ReturnType<typeof start>>;

/** Sends a request, and returns the size of the response, with its headers (RFC 9112, section 2.1). */
async function send({ pool, headers, expected }: Running): Promise<number> {
  const response = await pool.request({
    ...{ method: "POST", path: "/update", headers, body: JSON.stringify(BODY) },
    responseHeaders: "raw",
  });
  const body = await response.body.text();
  if (body !== expected) throw new Error(`the answer was ${body}`);
  const fields = response.headers as unknown as string[];
  return ["HTTP/1.1 200 OK", ...fields, "", body].join("\r\n").length;
}

/** Sends one server its requests, and looks what that took. */
async function measure(one: Running, round: number, count: number) {
  const used = async () => {
    one.child.send("");
    const [{ user, system }] = await once(one.child, "message");
    return user + system;
  };
  const before = await used();
  let [left, bytes] = [count, 0];
  const sendSome = async () => {
    while (left-- > 0) {
      const size = await send(one);
      bytes += size;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sendSome));
  const { server, store } = one;
  return {
    ...{ server, store, round },
    cpuMicroseconds: Number((((await used()) - before) / count).toFixed(1)),
    bytesPerResponse: Number((bytes / count).toFixed(1)),
  };
}

const all = [await start("no auth()", "process")];
for (const name of Object.keys(verdicts)) {
  if (!needsRedis(name)) all.push(await start(name, "process"));
  if (usesRedis(name)) all.push(await start(name, "Redis"));
}
// Without auth() there is no cookie, but the request is to be as large.
const [noAuth, broken] = all as [Running, Running];
noAuth.headers = broken.headers;

const orders = fc.shuffledSubarray(all, { minLength: all.length });
for (const [round, order] of fc.sample(orders, rounds + 1).entries()) {
  for (const one of order) {
    // The first round counts for nothing: then the code is compiled.
    const sample = await measure(one, round, REQUESTS * (round ? 1 : 2));
    if (round > 0) one.samples.push(sample);
    console.log(JSON.stringify(sample));
  }
}
const samples = all.flatMap((one) => one.samples);
if (values.write) writeResult(ROOT, "bench", samples);
process.exit();
