import { join } from "node:path";
import { launchBrowser } from "./installed.ts";
import type { Progress } from "./observe.ts";
import { logoutAfter, ORDERS } from "./orders.ts";
import { race } from "./race.ts";
import { recorded, replay } from "./replay.ts";
import { runSnippets } from "./run.ts";
import {
  type Snippet,
  startSnippet,
  withoutSkipped,
  withSnippet,
} from "./snippet.ts";
import { spread } from "./spread.ts";
import type { Timings } from "./timings.ts";
import { VERDICTS } from "./verdicts.ts";
import type { BrowserCost, ReplayCost, RunCost } from "./verifier-cost.ts";
import { Visitor } from "./visit.ts";

/** What all measurements need. */
interface Options {
  /** The folder in which the snippets are. */
  folder: string;
  /** Aborts to end all processes at once. */
  cancel: AbortSignal;
  progress: Progress;
}

/** How many times a run is measured, and an order in a browser. */
const RUN_ROUNDS = 3;
const BROWSER_ROUNDS = 15;

/** The snippet that is measured when one will do: its page can produce all orders. */
const ONE = "fix-complete";

/**
 * Measures how long the orders of each snippet take beside their own requests, one snippet after
 * the other, with nothing beside it.
 * @throws {SnippetError} when a snippet fails
 */
export async function measureReplays(
  names: string[],
  { folder, cancel, progress }: Options,
): Promise<Record<string, ReplayCost>> {
  const costs: Record<string, ReplayCost> = {};
  for (const [at, name] of names.entries()) {
    costs[name] = await withSnippet(
      startSnippet(join(folder, `${name}.ts`), cancel),
      (snippet) =>
        compareWithReplay(snippet, (share) =>
          progress((at + share) / names.length),
        ),
    );
  }
  return costs;
}

/**
 * Runs each order, and right after it replays what that has sent, so that whatever else the machine
 * does slows both.
 */
export async function compareWithReplay(
  snippet: Snippet,
  progress: Progress,
): Promise<ReplayCost> {
  const ratios: number[] = [];
  const { app, sent } = recorded(snippet);
  // The first order asks the provider for its keys, and runs code that is not compiled yet.
  await race(app, ORDERS[0] ?? []);
  await replay(sent);
  for (const order of ORDERS) {
    sent.length = 0;
    const took = await clocked(() => race(app, order));
    ratios.push(took / (await replay(sent)));
    progress(ratios.length / ORDERS.length);
  }
  return { requests: sent.length, ratio: summary(ratios).ratio };
}

/**
 * Measures how the time grows: with snippets, with processes, and with requests in flight.
 * @param withPairs whether to try two processes, which needs a Redis
 * @throws {SnippetError} when a snippet fails
 */
export async function measureRuns(
  withPairs: boolean,
  options: Options,
): Promise<RunCost[]> {
  const others = Object.keys(VERDICTS).filter((name) => name !== ONE);
  const all = withoutSkipped([ONE, ...others]);
  const run = { names: [ONE], processes: 1 as 1 | 2, deep: false };
  const runs = [
    { ...run, what: "one snippet" },
    { ...run, what: "2 snippets", names: all.slice(0, 2) },
    { ...run, what: "4 snippets", names: all.slice(0, 4) },
    { ...run, what: `all ${all.length}`, names: all },
    { ...run, what: "one, --processes 2", processes: 2 as const },
    { ...run, what: "one, --deep", deep: true },
  ].filter(({ processes }) => withPairs || processes === 1);
  const costs = runs.map(({ what }) => ({ what, orders: 0, requests: 0 }));
  const ratios: number[][] = runs.map(() => []);
  // Round by round, so that whatever else the machine does slows all of them.
  for (let round = 0; round < RUN_ROUNDS; round += 1) {
    let oneMs = 0;
    for (const [at, { what: _, names, ...rest }] of runs.entries()) {
      const timings = new Map<string, Timings>();
      const tookMs = await clocked(async () => {
        const progress = (share: number) =>
          options.progress((round + (at + share) / runs.length) / RUN_ROUNDS);
        const how = { ...options, ...rest, large: false, timings, progress };
        for (const result of await runSnippets(names, how)) {
          if (result && "failure" in result) throw result.failure;
        }
      });
      oneMs ||= tookMs;
      ratios[at]?.push(tookMs / oneMs);
      const seen = [...timings.values()];
      const sum = (count: (one: Timings) => number) =>
        seen.map(count).reduce((one, other) => one + other, 0);
      Object.assign(costs[at] ?? {}, {
        orders: sum((one) => one.of("order").times),
        requests: sum((one) => one.requests),
      });
    }
  }
  return costs.map((cost, at) => ({ ...cost, ...summary(ratios[at] ?? []) }));
}

/**
 * Measures one order in Chromium and in the verifier, in turn: the logout while `/update` is in its
 * handler.
 * @param path where the browser is
 * @throws {Error} when the two do not come to the same end
 */
export async function measureBrowser(
  path: string,
  { folder, cancel, progress }: Options,
): Promise<BrowserCost> {
  const order = ORDERS[logoutAfter("received")] ?? [];
  const browser = await launchBrowser("chromium", path);
  const close = () => browser.close();
  cancel.addEventListener("abort", close);
  try {
    const file = join(folder, "broken.ts");
    return await withSnippet(startSnippet(file, cancel), async (snippet) => {
      const visitor = await Visitor.open(browser, snippet);
      const ratios: number[] = [];
      for (let round = 0; round <= BROWSER_ROUNDS; round += 1) {
        let seen: string | null = null;
        let expected: string | null = null;
        const oursMs = await clocked(async () => {
          expected = (await race(snippet, order)).browser;
        });
        const theirsMs = await clocked(async () => {
          await visitor.startAgain();
          await visitor.goToProvider();
          await visitor.logIn();
          await visitor.logOut();
          seen = await visitor.whoami();
        });
        if (seen !== expected) {
          throw new Error(`in Chromium ${seen} is in, otherwise ${expected}`);
        }
        // The first round is slower in both, since nothing is compiled yet.
        if (round > 0) ratios.push(theirsMs / oursMs);
        progress(round / BROWSER_ROUNDS);
      }
      return { version: await browser.version(), ...summary(ratios) };
    });
  } finally {
    cancel.removeEventListener("abort", close);
    await close();
  }
}

/** Does something, and tells how long that took, in milliseconds. */
async function clocked(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The median of some ratios, and their range, with as many digits as they deserve. */
function summary(ratios: number[]): {
  ratio: number;
  range: [number, number];
} {
  const { median, least, most } = spread(ratios);
  const rounded = (ratio: number) => Math.round(ratio * 100) / 100;
  return { ratio: rounded(median), range: [rounded(least), rounded(most)] };
}
