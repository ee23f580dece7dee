import type { Observation } from "./observe.ts";

/** What is expected of a snippet. How many bytes a cookie has is seen, and not expected. */
export type Verdict = Omit<Observation, "updateCookie" | "logoutCookie"> & {
  updateCookie: Observation["updateCookie"]["effect"];
  logoutCookie: Observation["logoutCookie"]["effect"];
};

const BROKEN: Verdict = {
  updateCookie: "set",
  logoutCookie: "cleared",
  browser: 19,
  server: 35,
  draft: 19,
  possible: 35,
  nextUser: "alice",
  lateRequest: "alice",
  knowsUser: true,
  rolls: true,
  otherDevice: true,
  otherTab: "alice",
};

/** What holds on the server makes the late cookie worthless, but does not keep it away. */
const HOLDS_ON_SERVER: Verdict = {
  ...BROKEN,
  browser: 0,
  server: 0,
  draft: 0,
  // The late response brings a cookie of a dead session, which takes the place of bob's.
  nextUser: null,
  // The library clears the cookie of a request that comes with a dead session.
  lateRequest: null,
  otherTab: null,
};

/** The expected verdict of every snippet, in the order in which tables have them. */
export const VERDICTS: Record<string, Verdict> = {
  broken: BROKEN,
  "broken-rolling-false": { ...BROKEN, rolls: false },
  "broken-plain-store": {
    ...BROKEN,
    browser: 6,
    server: 9,
    draft: 6,
    lateRequest: null,
  },
  // Each of the orders has the look and the write of an answer at once.
  "broken-check-then-set": HOLDS_ON_SERVER,
  "fix-ordering": {
    ...BROKEN,
    updateCookie: "untouched",
    browser: 0,
    nextUser: "bob",
    lateRequest: "bob",
    knowsUser: false,
  },
  "fix-read-only-route": {
    ...BROKEN,
    updateCookie: "untouched",
    browser: 0,
    nextUser: "bob",
    lateRequest: "bob",
  },
  "fix-navigations-only": {
    ...BROKEN,
    updateCookie: "untouched",
    browser: 0,
    draft: 0,
    nextUser: "bob",
    lateRequest: "bob",
  },
  "fix-front-end": {
    ...BROKEN,
    browser: 0,
    server: 1,
    draft: 0,
    possible: 1,
    nextUser: "bob",
    lateRequest: "bob",
  },
  "fix-deny-list": HOLDS_ON_SERVER,
  // The provider's logout token names the user, too, and the library's hooks go by either.
  "fix-back-channel": { ...HOLDS_ON_SERVER, otherDevice: false },
  "fix-store": HOLDS_ON_SERVER,
  "fix-store-redis": HOLDS_ON_SERVER,
  "fix-complete": {
    ...HOLDS_ON_SERVER,
    updateCookie: "untouched",
    nextUser: "bob",
    lateRequest: "bob",
  },
};

/**
 * Compares what was seen of a snippet with what is expected.
 * @returns the questions whose answers differ, with both answers
 */
export function differences(
  expected: Verdict,
  { updateCookie, logoutCookie, ...rest }: Observation,
): { question: keyof Verdict; expected: unknown; seen: unknown }[] {
  const seen: Verdict = {
    updateCookie: updateCookie.effect,
    logoutCookie: logoutCookie.effect,
    ...rest,
  };
  return (Object.keys(expected) as (keyof Verdict)[])
    .filter((question) => seen[question] !== expected[question])
    .map((question) => ({
      question,
      expected: expected[question],
      seen: seen[question],
    }));
}

/** The snippets that keep something in Redis, when there is one. */
export const IN_REDIS = [
  "broken-check-then-set",
  "fix-deny-list",
  "fix-store-redis",
  "fix-complete",
];

/** Who is in after a logout that overtook a write of the session on its way to Redis. */
const LATE_WRITES: Record<string, string | null> = {
  "broken-check-then-set": "alice",
  "fix-store-redis": null,
  "fix-complete": null,
};

/** The snippets that keep something in one process, and don't claim to hold with two. */
export const ONE_PROCESS_ONLY = [
  "broken-plain-store",
  "fix-back-channel",
  "fix-store",
];

/** Who is expected to be in after a late write; undefined where a request writes nothing. */
export const lateWriteOf = (name: string): string | null | undefined =>
  LATE_WRITES[name];
