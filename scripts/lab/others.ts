import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type Others, writeResult } from "../base/results.ts";
import { ROOT } from "../base/root.ts";
import { startSnippet } from "../bed/snippet.ts";
import { logInAs } from "../probe/log-in.ts";
import { probe } from "../probe/probe-app.ts";
import { inWords } from "../probe/target.ts";
import { fileOf } from "../verify/snippet-files.ts";

// Points the probe at small apps on other session libraries. What was seen is in assets/others.json with
// --write, and git diff tells what has changed.

const { href } = new URL("small-apps.mjs", import.meta.url);
const { APPS, startApp } = await import(href);

async function probeApp(name: string): Promise<Others["apps"][number]> {
  const app = { baseURL: await startApp(name), now: () => Date.now() };
  // What Auth.js sets again is the session that a page asks for, and not what a route of ours reads.
  const isAuthJs = name === "auth-js";
  const route = isAuthJs
    ? { method: "GET", path: "/auth/session" }
    : { method: "POST", path: "/update" };
  const logIn = (user: string) => logInAs(app, user, "/login");
  const { race } = await probe(
    {
      ...{ app, route, body: isAuthJs ? undefined : "{}", headers: {} },
      logout: { method: "GET", path: "/logout" },
      ...{ page: "/", cookie: undefined, goesOn: true },
    },
    {
      ...{ alice: await logIn("alice"), bob: await logIn("bob") },
      again: () => logIn("alice"),
    },
    () => {},
  );
  if (!race) throw new Error(`${name}: its logout does not hold`);
  const { verdict, cookies, copy, places, ...found } = race;
  const effects = { request: found.route.effect, logout: found.logout.effect };
  const asked = { use: APPS[name][0], request: inWords(route) };
  return { name, ...asked, verdict, cookies, effects, copy, places };
}

/** Points the probe at a snippet as a reader does, and returns what it prints. */
async function printedFor(name: string): Promise<string> {
  const { baseURL } = await startSnippet(fileOf(name));
  const words = ["--post", "/update", "--as", "alice", "--as", "bob"];
  const file = join(ROOT, "scripts", "probe.ts");
  const child = spawn(
    process.execPath,
    ["--import", import.meta.resolve("tsx"), file, baseURL, ...words],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const printed = await text(child.stdout);
  return printed.replaceAll(baseURL, "http://localhost:3000");
}

const apps: Others["apps"] = [];
for (const name of Object.keys(APPS)) {
  apps.push(await probeApp(name));
  process.stdout.write(`${name}: ${apps.at(-1)?.verdict}\n`);
}
const others = { apps, printed: { broken: await printedFor("broken") } };
if (process.argv.includes("--write")) writeResult(ROOT, "others", others);
process.exit();
