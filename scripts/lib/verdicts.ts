import type { Observation } from "./observe.ts";

/** What is expected of a snippet. How many bytes a cookie has is seen, and not expected. */
export type Verdict = Omit<Observation, "updateCookie" | "logoutCookie"> & {
  updateCookie: Observation["updateCookie"]["effect"];
  logoutCookie: Observation["logoutCookie"]["effect"];
};

/** The expected verdict of every snippet, in the order in which tables have them. */
export const VERDICTS: Record<string, Verdict> = {
  broken: {
    updateCookie: "set",
    logoutCookie: "cleared",
    browser: 19,
    server: 35,
    draft: 19,
    nextUser: "alice",
    lateRequest: "alice",
    knowsUser: true,
    rolls: true,
    otherDevice: true,
  },
  "fix-ordering": {
    updateCookie: "untouched",
    logoutCookie: "cleared",
    browser: 0,
    server: 35,
    draft: 19,
    nextUser: "bob",
    lateRequest: "bob",
    knowsUser: false,
    rolls: true,
    otherDevice: true,
  },
  "fix-store": {
    updateCookie: "set",
    logoutCookie: "cleared",
    browser: 0,
    server: 0,
    draft: 0,
    // The late response brings a dead id, which takes the place of bob's.
    nextUser: null,
    // The library clears the cookie of a request whose session it doesn't find.
    lateRequest: null,
    knowsUser: true,
    rolls: true,
    otherDevice: true,
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
