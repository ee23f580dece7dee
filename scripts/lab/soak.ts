import { parseArgs } from "node:util";
import { progressLine, untilSignal } from "../base/command.ts";
import { type Soak, writeResult } from "../base/results.ts";
import { ROOT } from "../base/root.ts";
import { inWorkers, TaskError } from "../bed/workers.ts";
import type { Soaked } from "./soak-histories.ts";

// Plays histories, many at once, with two servers of each form of the drop-in, while things go wrong
// with their Redis. The six rules have to hold; what a lost Redis costs is counted.

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
    write: { type: "boolean" },
  },
});
const seed = Number(values.seed);

const { href } = new URL("soak-histories.ts", import.meta.url);
const tasks = ["fix-complete", "fix-complete-cookie"].map((name) => ({
  ...{ name, seed, requests: Number(values.requests) / 2 },
}));
const cancel = untilSignal();
const progress = progressLine("Soaking");
const all = await inWorkers<Soaked>(href, tasks, { cancel, progress });
if (cancel.aborted) process.exit(cancel.reason);

const snippets: Soak["snippets"] = {};
for (const [at, soaked] of all.entries()) {
  if (soaked instanceof TaskError) throw soaked;
  const { told, ...counts } = soaked;
  snippets[tasks[at]?.name ?? ""] = counts;
  process.exitCode ||= Number(told.length > 0);
  for (const lines of told.slice(0, 5)) console.error(lines);
}
console.log(JSON.stringify({ seed, snippets }, null, 2));
if (values.write && !process.exitCode) {
  writeResult(ROOT, "soak", { seed, snippets });
}
