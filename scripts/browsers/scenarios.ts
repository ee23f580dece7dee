import type { Browser as RealBrowser } from "puppeteer-core";
import type { Progress } from "../cli/side-by-side.ts";
import type { Snippet } from "../servers/snippet.ts";
import { ORDERS } from "../verify/orders.ts";
import type { Verdict } from "../verify/verdicts.ts";
import { inspect } from "./accessible.ts";
import type { BrowserName } from "./installed-browsers.ts";
import { type Hand, type Sending, Visitor } from "./visit.ts";

/** What somebody does in a real browser, and who is logged in after it. */
export interface Scenario {
  name: "click" | "fetchFirst" | "keepalive" | "beacon" | "otherTab";
  /** The heading of its column in a table. */
  heading: string;
  /** What happens, in a line. */
  meaning: string;
  hand: Hand;
  sending: Sending;
}

/** All scenarios, in the order in which tables have them. */
export const SCENARIOS: Scenario[] = [
  {
    name: "click",
    heading: "click",
    meaning: "she clicks the page's button",
    hand: "mouse",
    sending: "fetch",
  },
  {
    name: "fetchFirst",
    heading: "fetch first",
    meaning: "the button's fetch comes before location.assign",
    hand: "keyboard",
    sending: "fetchFirst",
  },
  {
    name: "keepalive",
    heading: "keepalive",
    meaning: "the page's fetch has keepalive: true",
    hand: "keyboard",
    sending: "keepalive",
  },
  {
    name: "beacon",
    heading: "beacon",
    meaning: "the page uses sendBeacon in place of fetch",
    hand: "keyboard",
    sending: "beacon",
  },
  {
    name: "otherTab",
    heading: "other tab",
    meaning: "another tab loads a page while alice logs out",
    hand: "keyboard",
    sending: "fetch",
  },
];

/** Who was logged in after each scenario. */
export type Outcome = Record<Scenario["name"], string | null>;

/** What was seen of one snippet in one browser. */
export interface Visit {
  outcome: Outcome;
  /** What is wrong with the pages, a line each. */
  complaints: string[];
}

/**
 * Tells what is expected of a snippet in a browser, from its verdict. In all scenarios but the
 * last, the response to `/update` is made after the logout, and reaches the browser while that is
 * at the provider. So the user is back where any order brings them back, unless
 * - the browser gives up a fetch when the user leaves the page after it, as Firefox does,
 * - or the page waits. It can't wait for a beacon.
 */
export function expectedIn(browser: BrowserName, verdict: Verdict): Outcome {
  const user = verdict.browser > 0 ? "alice" : null;
  const waits = verdict.possible < ORDERS.length;
  return {
    click: user,
    fetchFirst: browser === "firefox" ? null : user,
    keepalive: user,
    beacon: waits ? "alice" : user,
    otherTab: verdict.otherTab,
  };
}

/** How long one scenario may take, in milliseconds. */
const PATIENCE_MS = 60_000;

/**
 * Plays all scenarios with a running snippet in a real browser, one after the other, since some
 * remedies know users and not sessions.
 * @throws {Error} when one of them does not come to its end
 */
export async function visit(
  browser: RealBrowser,
  browserName: BrowserName,
  snippet: Snippet,
  progress: Progress,
): Promise<Visit> {
  const outcome: Partial<Outcome> = {};
  const complaints: string[] = [];
  for (const [at, scenario] of SCENARIOS.entries()) {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new Error(`"${scenario.heading}" does not end`);
      timer = setTimeout(() => reject(error), PATIENCE_MS);
    });
    const { user, problems } = await Promise.race([
      play(browser, browserName, snippet, scenario),
      snippet.ended.then(() => Promise.reject(new Error("it ended"))),
      late,
    ]).finally(() => clearTimeout(timer));
    outcome[scenario.name] = user;
    complaints.push(
      ...problems.map((problem) => `"${scenario.heading}": ${problem}`),
    );
    progress((at + 1) / SCENARIOS.length);
  }
  return { outcome: outcome as Outcome, complaints };
}

/** Plays one scenario, and returns who is logged in after it, and what is wrong with the pages. */
async function play(
  browser: RealBrowser,
  browserName: BrowserName,
  snippet: Snippet,
  { name, hand, sending }: Scenario,
): Promise<{ user: string | null; problems: string[] }> {
  const problems: string[] = [];
  const visitor = await Visitor.open(browser, snippet, sending);
  // The pages are the same in all scenarios. One is enough to look at them.
  const look = async () => {
    if (name !== "click") return;
    problems.push(...(await inspect(visitor.page, browserName === "chromium")));
  };
  await look();
  await visitor.goToProvider(hand);
  await look();
  await visitor.logIn(hand);
  await look();
  const tab = name === "otherTab" ? await visitor.loadOtherTab() : undefined;
  await visitor.logOut(hand);
  if (tab) {
    await tab.finish();
    await visitor.reload();
  }
  await look();

  const user = await visitor.whoami();
  const notice = await visitor.notice();
  const line = /^← POST \/(update|draft) +session cookie set, \d+ bytes/m;
  if (user && !line.test(notice ?? "")) {
    problems.push(`the page does not say why ${user} is back`);
  }
  if (!user && notice) problems.push(`the page says: ${notice}`);
  problems.push(...visitor.complaints);
  await visitor.close();
  return { user, problems };
}
