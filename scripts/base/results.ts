import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type * as meanings from "./meanings.ts";

/** The recorded results, by the names of their files in assets/. */
export interface Results {
  verdicts: Record<string, Observed>;
  measured: Measured;
  histories: Record<string, HistoriesReport>;
  race: Record<string, Looks>;
  browsers: Partial<Record<BrowserName, SeenInBrowser>>;
  deployment: Record<DeploymentCase, Deployed>;
  bench: BenchSample[];
  bites: Logouts[];
  soak: Soak;
  others: Others;
  versions: TriedVersion[];
}

const fileOf = (root: string, name: keyof Results) =>
  join(root, "assets", `${name}.json`);

/**
 * Reads a recorded result.
 * @param root the path of the repository's top folder
 */
export const readResult = <Name extends keyof Results>(
  root: string,
  name: Name,
): Results[Name] => JSON.parse(readFileSync(fileOf(root, name), "utf8"));

/** Records a result, of which `npm run sync` makes the posts' tables and pictures. */
export const writeResult = <Name extends keyof Results>(
  root: string,
  name: Name,
  result: Results[Name],
): void => {
  const isInLines = WITH_LINES.test(name);
  const text = isInLines ? linesOf(result) : JSON.stringify(result, null, 2);
  writeFileSync(fileOf(root, name), `${text}\n`);
};

/** The files that have a line for each thing in a list, or for each member of an object. */
const WITH_LINES = /^(histories|race|bench|bites|versions)$/;

function linesOf(result: object): string {
  const [begin, end] = Array.isArray(result) ? "[]" : "{}";
  const lines = Object.entries(result).map(([key, value]) => {
    const name = begin === "{" ? `"${key}": ` : "";
    return name + JSON.stringify(value);
  });
  return `${begin}\n${lines.join(",\n")}\n${end}`;
}

/** The stages of a request, in their order. */
export type Stage = "sent" | "received" | "answered" | "stored";

/** Those that can be in flight: `POST /update` and `POST /draft`. */
export type RequestName = "update" | "draft";

/**
 * One thing that happens to a request. It is *sent*, with the cookies that the browser has then;
 * *received*, so that the server has loaded the session; *answered*, so that the server has
 * finished with it; and *stored*, when the browser takes its `Set-Cookie`.
 */
export type Event =
  | `${RequestName} ${Stage}`
  | `logout ${Exclude<Stage, "received">}`;

/** What a response does to the session cookie. */
export interface CookieEffect {
  effect: "set" | "cleared" | "untouched";
  /** The length of the value that is set, all chunks together. */
  bytes: number;
}

/** verdicts.json: what the verifier has learned about a snippet, with two requests and with two processes. */
export interface Observed extends Report {
  deep?: DeepReport;
  twoProcesses?: TwoProcessReport;
}

/** Everything that the verifier learns about a snippet. Orders are indexes into the list of all. */
export interface Report {
  observation: Observation;
  /** The orders that leave the browser logged in; with `POST /draft` in flight; and those that the page can't produce. */
  losing: number[];
  losingDraft: number[];
  impossible: number[];
  /** What was seen in the simplest of the losing ones; empty when there is none. */
  example: Step[];
  lateWrite?: LateWrite;
}

/** An answer to each of the verifier's questions. */
export interface Observation {
  updateCookie: CookieEffect;
  logoutCookie: CookieEffect;
  /** How many orders leave the browser logged in, with `POST /update` in flight or `POST /draft`. */
  browser: number;
  draft: number;
  /** bites.json: after how many the server accepts a copy of the cookie from before the logout. */
  server: number;
  /** How many orders the snippet's own page can produce: all, unless it waits. */
  possible: number;
  nextUser: string | null;
  lateRequest: string | null;
  knowsUser: boolean;
  rolls: boolean;
  otherDevice: boolean;
  otherTab: string | null;
}

/** An event: whether the cookie was sent with it, or what it did to the cookie when it was stored. */
export interface Step {
  event: Event;
  withCookie?: boolean;
  cookie?: CookieEffect;
}

/** Who is logged in after a logout that overtook a write to Redis. */
export interface LateWrite {
  user: string | null;
  /** What Redis was asked, in its order, and by which request. */
  commands: string[];
}

/** What is kept when two processes were the app. */
export type TwoProcessReport = Pick<Report, "observation" | "lateWrite">;

/** What came of two requests in flight at once, and one logout. */
export interface DeepReport {
  /** All orders that the page can produce, and those tried, since all others come to the same. */
  possible: number;
  tried: number;
  /** How many of the tried ones leave the browser logged in, and how many let a copy in. */
  browser: number;
  server: number;
}

/** measured.json: when the orders were last tried (such as 2026-11-27), and with which packages. */
export interface Measured {
  date: string;
  node: string;
  versions: string[];
}

/**
 * race.json, by the snippet's name: what was seen after each beginning of each order that its page can
 * produce. A key has a letter for each event: `u` for the update's, `l` for the logout's. A value has
 * letters, too: `a`, alice is logged in in the browser; `j`, the session cookie is in its jar; `c`, the
 * server takes a copy of the cookie that was made after the login. Then what the last event did with
 * the cookie: `+`, took it along or set it; `-`, cleared it.
 */
export type Looks = Record<string, string>;

export type RuleName = keyof typeof meanings.RULES;
export type Excuse = keyof typeof meanings.EXCUSES;
export type Doubt = keyof typeof meanings.DOUBTS;

/** histories.json: what came of the histories of one snippet. */
export interface HistoriesReport {
  count: number;
  seed: number;
  /** Which histories break a rule, by their places from 0, and a shortest one that does. */
  broken: Partial<Record<RuleName, number[]>>;
  examples: Partial<Record<RuleName, Example>>;
  /** How often something happened that no server can prevent. */
  excused: Partial<Record<Excuse, number>>;
}

/** A history that breaks a rule, and how, such as `bob is out`. */
export interface Example {
  parts: ExamplePart[];
  how: string;
}

/** What happened to one request or login without a break. */
export interface ExamplePart {
  /** Which request or login it was, from 1, and what, such as `POST /basket answered, stored`. */
  nr: number;
  what: string;
  /** What was seen of it, in a few words each. */
  seen: string[];
  stages: Stage[];
  /** Whether the session cookie was sent with it, and what the response did with it when stored. */
  withCookie?: boolean;
  effect?: CookieEffect["effect"];
}

/** soak.json */
export interface Soak {
  seed: number;
  snippets: Record<string, Soaked>;
}

/** Counts, those of faults and of `excused` by their kinds; violations are of a rule. */
export interface Soaked {
  figures: Record<string, number>;
  faults: Record<string, number>;
  excused: Partial<Record<Excuse | Doubt, number>>;
  violations: number;
}

export type BrowserName = "chromium" | "firefox";
export type ScenarioName = keyof typeof meanings.SCENARIO_MEANINGS;

/** Who was logged in after each scenario. */
export type Outcome = Record<ScenarioName, string | null>;

/** browsers.json: what was seen in a browser, by the snippet's name. */
export interface SeenInBrowser {
  version: string;
  outcomes: Record<string, Outcome>;
}

/** How the page sends `POST /update`. */
export type Sending = "fetch" | "keepalive" | "beacon";

/** After how many of some logouts with `broken.ts` the user was logged in, in a browser and its setup. */
export interface Logouts {
  setup: string;
  version: string;
  sending: Sending;
  /** How long `/update` takes. */
  updateMs: number;
  runs: number;
  losing: number;
}

// deployment.json: what becomes of sessions when the app with the drop-in takes the old one's place.

export type DeploymentCase = keyof typeof meanings.DEPLOYMENT_CASES;
export type DeploymentQuestion = keyof typeof meanings.DEPLOYMENT_QUESTIONS;
export type DeploymentAnswer = keyof typeof meanings.DEPLOYMENT_ANSWERS;

/** What was seen of a case, and what is there after a rollback that the old app did not make. */
export type Deployed = Record<DeploymentQuestion, DeploymentAnswer> & {
  leftBehind: string[];
};

/** bench.json: one round of one server, and where it keeps what it keeps. */
export interface BenchSample {
  server: string;
  store: "process" | "Redis";
  round: number;
  cpuMicroseconds: number;
  bytesPerResponse: number;
}

/** others.json: what the probe said of small apps on other libraries, and printed of snippets. */
export interface Others {
  apps: ProbedApp[];
  printed: Record<string, string>;
}

export interface ProbedApp {
  name: string;
  /** How it uses its library, in a few words, and which request is late. */
  use: string;
  request: string;
  verdict: "held" | "affected" | "unclear";
  cookies: string[];
  /** What each response does to the session cookie. */
  effects: Record<"request" | "logout", CookieEffect["effect"]>;
  /** Whom the server takes the bearer of a copy for after a logout with nothing in flight. */
  copy: Who;
  places: Record<Place, LateOutcome | Unclear>;
}

/** Who is logged in, of two users; `unknown` when a page tells nothing. */
export type Who = "first" | "second" | "nobody" | "unknown";

/** Where a request can be when its user logs out, by what happened to it before. */
export type Place = Exclude<Stage, "stored">;

/** What came of a request that was late. */
export interface LateOutcome {
  /** Who is logged in in the browser, after the late response. */
  browser: Who;
  /** Whom the server takes the bearer of a copy of the cookie for, taken before the logout. */
  server: Who;
  /** Who is logged in when the next user was, before the late response arrived. */
  next?: Who;
}

export interface Unclear {
  unclear: string;
}

/** versions.json: what came of one snippet with a version of the library, on a version of Express. */
export interface TriedVersion {
  library: string;
  express: string;
  snippet: string;
  /** `holds`, `differs` or `does not run`, and of one that is broken, how many orders lose. */
  result: string;
}
