import type { Browser, HTTPRequest, Page } from "puppeteer-core";
import { SCENARIO_MEANINGS } from "../base/meanings.ts";
import type {
  BrowserName,
  Outcome,
  Results,
  ScenarioName,
} from "../base/results.ts";
import { holdRoute } from "../bed/route-holds.ts";
import { type Snippet, startSnippet } from "../bed/snippet.ts";
import * as workers from "../bed/workers.ts";
import { ORDERS } from "../verify/orders.ts";
import { pageWaitsFor } from "../verify/page-script.ts";
import { fileOf, needsRedis } from "../verify/snippet-files.ts";
import { readVerdicts, type Verdict } from "../verify/verdicts.ts";
import { inspect } from "./accessible.ts";
import { type BrowserError, launchBrowser } from "./installed-browsers.ts";

/** All scenarios, in the order in which tables have them. */
export const SCENARIOS = Object.keys(SCENARIO_MEANINGS) as ScenarioName[];

/** Runs in a page before its own script, and replaces its `fetch`. A beacon gets no answer. */
const REPLACEMENTS: Partial<Record<ScenarioName, string>> = {
  // Sends what the button is about to send, and lets the button send it no more.
  fetchFirst: `{
    const { fetch } = window;
    let sent;
    window.fetch = (path, request) => (sent ??= fetch(path, request));
    addEventListener("click", ({ target }) => {
      if (target.id !== "log-out") return;
      const headers = { "Content-Type": "application/json" };
      window.fetch("/update", { method: "POST", headers, body: "{}" });
    }, { capture: true });
  }`,
  keepalive: `{
    const { fetch } = window;
    window.fetch = (path, request) => fetch(path, { ...request, keepalive: true });
  }`,
  beacon: `
    window.fetch = async (path, { body }) => {
      navigator.sendBeacon(path, new Blob([body], { type: "application/json" }));
    };`,
};

/**
 * Tells what is expected of a snippet, from its verdict. In all scenarios but the last, the response to
 * `/update` is made after the logout, and reaches the browser while that is at the provider. So the user
 * is back where any order brings them back, unless the page waits, which it can't for a beacon, or the
 * browser gives up a fetch when the user leaves the page after it, as Firefox does.
 */
export function expectedOf(verdict: Verdict, browser: BrowserName): Outcome {
  const user = verdict.browser > 0 ? "alice" : null;
  const waits = verdict.possible < ORDERS.length;
  const beacon = waits ? "alice" : user;
  const fetchFirst = browser === "firefox" ? null : user;
  const { otherTab } = verdict;
  return { click: user, fetchFirst, keepalive: user, beacon, otherTab };
}

/** A scenario with a snippet in a browser. */
interface Visit extends workers.Task {
  browserName: BrowserName;
  snippet: string;
  scenario: ScenarioName;
  folder: string;
}

/** Plays all scenarios with some snippets, in workers. Returns what was seen, and what is wrong. */
export async function visitAll(
  browserNames: BrowserName[],
  names: string[],
  folder: string,
  how: { cancel: AbortSignal; progress: workers.Progress },
): Promise<{ seen: Results["browsers"]; problems: string[] }> {
  const visits: Visit[] = [];
  for (const browserName of browserNames)
    for (const snippet of names)
      for (const scenario of SCENARIOS) {
        const name = `${snippet} in ${browserName}, ${scenario}`;
        visits.push({ name, browserName, snippet, scenario, folder });
      }
  type End = Awaited<ReturnType<typeof work>>;
  const ends = await workers.inWorkers<End>(import.meta.url, visits, how);
  const seen: Results["browsers"] = {};
  const problems = ends.flatMap((end, at) => {
    if (end instanceof workers.TaskError) return end.message;
    if (typeof end === "string") return end;
    const { name, browserName, snippet, scenario } = visits[at] as Visit;
    const { version, user, complaints } = end;
    seen[browserName] ??= { version, outcomes: {} };
    const { outcomes } = seen[browserName];
    outcomes[snippet] = { ...outcomes[snippet], [scenario]: user } as Outcome;
    const verdict = readVerdicts(folder)[snippet];
    if (!verdict) return `${snippet} has no verdict`;
    const expected = expectedOf(verdict, browserName)[scenario];
    if (user !== expected)
      complaints.push(`${expected} was expected, and ${user} is logged in`);
    return complaints.map((complaint) => `${name}: ${complaint}`);
  });
  return { seen, problems: [...new Set(problems)] };
}

/** What runs in this worker: browsers and snippets, by their names. */
const browsers: Partial<Record<BrowserName, Promise<Browser>>> = {};
const apps: Record<string, Snippet> = {};

/**
 * Plays one scenario, in a worker: alice logs in, and logs out while a request is in flight.
 * @returns who is logged in then, or why the browser does not start
 */
export async function work(
  { browserName, snippet, scenario, folder }: Visit,
  progress: workers.Progress,
) {
  browsers[browserName] ??= launchBrowser(browserName);
  const browser = await browsers[browserName].catch(
    ({ message }: BrowserError) => message,
  );
  if (typeof browser === "string") return browser;
  const redis = needsRedis(snippet, folder);
  apps[snippet] ??= await startSnippet(fileOf(snippet, folder), { redis });
  const { baseURL } = apps[snippet];
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    const text = message.text();
    if (/Content.Security.Policy/i.test(text)) complaints.push(text);
  });
  await page.evaluateOnNewDocument(REPLACEMENTS[scenario] ?? "");
  // The pages are the same in all scenarios. One is enough to look at them.
  const look = async () => {
    progress(0);
    if (scenario !== "click") return;
    complaints.push(...(await inspect(page, browserName === "chromium")));
  };
  await page.goto(baseURL);
  await look();
  await press(page, "form");
  await look();
  await press(page, "#log-out");
  await look();
  if (scenario === "otherTab") {
    const tab = await context.newPage();
    await tab.goto(baseURL);
    const draft = holdRoute("/draft");
    await tab.evaluate(`
      document.body.innerHTML = '<form method="post" action="/draft">';
      document.forms[0].submit();`);
    await draft.reached;
    await page.bringToFront();
    await logOut(page, scenario);
    draft.release();
    await tab.waitForSelector("pre");
    await page.reload();
  } else await logOut(page, scenario);
  await look();
  const told = String(await page.evaluate("document.body.innerText"));
  await page.goto(`${baseURL}/whoami`);
  const read = 'JSON.parse(document.querySelector("pre").textContent).user';
  const user = (await page.evaluate(read)) as string | null;
  const reason = /^← POST \/(update|draft) +session cookie set, \d+ bytes/m;
  if (!(user ? reason : /^Nobody is logged in$/m).test(told))
    complaints.push(`the page does not say why ${user} is logged in`);
  await context.close();
  return { version: await browser.version(), user, complaints };
}

/** Presses the page's first link or button, with the keyboard, and waits for what the next page has. */
async function press(page: Page, next: string): Promise<void> {
  await page.keyboard.press("Tab");
  await Promise.all([page.waitForSelector(next), page.keyboard.press("Enter")]);
}

/**
 * Clicks *log out*, and returns when the app's page is there again. The server sees `/update` first,
 * which not every browser sends first. The response to it comes while the browser is at the provider,
 * or before it goes there, where the page waits for it.
 */
async function logOut(page: Page, scenario: ScenarioName): Promise<void> {
  const waits =
    scenario !== "beacon" &&
    (await pageWaitsFor(await page.content(), "/update"));
  // The next page may have such a button, too.
  await page.evaluate('document.querySelector("#log-out").name = "old"');
  const update = holdRoute("/update");
  const logout = holdRoute("/logout", "arrival");
  const hop = holdRoute("/session/end");
  // The browser has the whole response, or has given the request up.
  const ended = new Promise<void>((resolve) => {
    const end = (request: HTTPRequest) =>
      request.url().endsWith("/update") && resolve();
    page.on("requestfinished", end).on("requestfailed", end);
  });
  const goAway = async () => {
    // Firefox may give a request up before the server has seen it.
    await Promise.race([update.reached, ended]);
    logout.release();
    if (!waits) await hop.reached;
    update.release();
    await ended;
    await hop.reached;
    hop.release();
    await page.waitForSelector('[href="/login"], #log-out:not([name])');
  };
  // Chromium says that a click is done only when the provider has answered.
  await Promise.all([page.click("#log-out"), goAway()]);
}
