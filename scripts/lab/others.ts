import { type Others, writeResult } from "../base/results.ts";
import { ROOT } from "../base/root.ts";
import { startSnippet } from "../bed/snippet.ts";
import { runHere } from "../probe/run-here.ts";
import { fileOf } from "../verify/snippet-files.ts";

// Points the probe at small apps on other session libraries. What was seen is in assets/others.json with
// --write, and git diff tells what has changed.

const { href } = new URL("small-apps.mjs", import.meta.url);
const { APPS, startApp } = await import(href);

const BOTH = ["--as", "alice", "--as", "bob", "--timeout", "30"];

async function probeApp(name: string): Promise<Others["apps"][number]> {
  // What Auth.js sets again is the session that a page asks for, and not what a route of ours reads.
  const isAuthJs = name === "auth-js";
  const route = isAuthJs ? ["--get", "/auth/session"] : ["--post", "/update"];
  const words = [...route, ...BOTH, "--json"];
  const { stdout, stderr } = await runHere(await startApp(name), words);
  const { findings, cookies, copy, logout } = JSON.parse(stdout || "{}");
  const [finding] = findings ?? [];
  if (!finding) throw new Error(`${name}: ${stdout || stderr}`);
  const { request, verdict, places, effect } = finding;
  const effects = { request: effect, logout: logout.effect };
  const asked = { use: APPS[name][0], request };
  return { name, ...asked, verdict, cookies, effects, copy, places };
}

const apps: Others["apps"] = [];
for (const name of Object.keys(APPS)) {
  apps.push(await probeApp(name));
  process.stdout.write(`${name}: ${apps.at(-1)?.verdict}\n`);
}
const { baseURL } = await startSnippet(fileOf("broken"));
const { stdout } = await runHere(baseURL, ["--post", "/update", ...BOTH]);
const broken = stdout.replaceAll(baseURL, "http://localhost:3000");
if (process.argv.includes("--write"))
  writeResult(ROOT, "others", { apps, printed: { broken } });
process.exit();
