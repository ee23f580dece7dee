import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What one remedy costs in Redis. */
export interface Cost {
  /** The memory of a session that lives, in bytes. */
  sessionBytes: number;
  /** The memory of a logout that has to be remembered, in bytes. */
  logoutBytes: number;
  /** How long it has to be remembered, in hours. */
  logoutHours: number;
  /** The commands that each of these takes, such as `GET, SET`. */
  request: string;
  /** A request after an hour without one. */
  afterHour: string;
  /** A login, and the page after it. */
  login: string;
  logout: string;
  /** A request of somebody who has no session cookie. */
  stranger: string;
}

/** The costs of the remedies, by their names. */
export type Costs = Record<string, Cost>;

/** Where they are kept, from the top folder. */
export const COSTS_FILE = "assets/redis.json";

/**
 * Reads what the last run with `--write` has measured.
 * @param root the path of the repository's top folder
 */
export const readCosts = (root: string): Costs =>
  JSON.parse(readFileSync(join(root, COSTS_FILE), "utf8"));

/** A site that is large: what the posts reckon with. */
const SESSIONS = 10_000_000;
const LOGOUTS_AN_HOUR = SESSIONS * 0.05;
const GIGABYTE = 1e9;

/** What was measured, for a table: a row for each remedy, and the headings above. */
export const costRows = (costs: Costs): string[][] => [
  [
    ...["in Redis", "a session", "a logout", "for"],
    ...["a request", "after an hour", "a login and its page", "a logout"],
    "without a cookie",
  ],
  ...Object.entries(costs).map(([name, cost]) => [
    name,
    bytes(cost.sessionBytes),
    bytes(cost.logoutBytes),
    cost.logoutHours ? `${cost.logoutHours} h` : "-",
    cost.request,
    cost.afterHour,
    cost.login,
    cost.logout,
    cost.stranger,
  ]),
];

const bytes = (count: number): string => (count ? `${count} B` : "nothing");

/** What that comes to with ten million sessions, of which 5 % log out in an hour. */
export const paperRows = (costs: Costs): string[][] => [
  ["10 million sessions", "live", "remembered", "memory", "for logouts"],
  ...Object.entries(costs).map(([name, cost]) => {
    const live = cost.sessionBytes ? SESSIONS : 0;
    const dead = cost.logoutBytes ? LOGOUTS_AN_HOUR * cost.logoutHours : 0;
    const size = live * cost.sessionBytes + dead * cost.logoutBytes;
    return [
      name,
      `${live / 1e6} million`,
      `${dead / 1e6} million`,
      `${(size / GIGABYTE).toFixed(1)} GB`,
      `${Math.round(LOGOUTS_AN_HOUR / 3600)} a second`,
    ];
  }),
];

/** Tells the costs in a terminal. */
export const costLines = (costs: Costs): string =>
  Object.entries(costs)
    .map(
      ([name, cost]) =>
        `${name}\n` +
        Object.entries(cost)
          .map(([what, value]) => `  ${what.padEnd(13)} ${value}`)
          .join("\n"),
    )
    .join("\n");
