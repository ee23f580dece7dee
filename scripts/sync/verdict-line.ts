import { RULE_NAMES } from "../base/meanings.ts";
import type { HistoriesReport, Observed } from "../base/results.ts";

/**
 * Tells in a line what a remedy does, and what it does not: ✓ for what holds, ✗ for what does not.
 * What is good with `broken` as well is told only where it is bad.
 * @param seen what the verifier saw of its orders
 * @param histories what came of its histories
 */
export function verdictLine(
  seen: Observed,
  histories: HistoriesReport,
): string {
  const { observation, twoProcesses } = seen;
  const { browser, server, draft, possible, nextUser, lateRequest } =
    observation;
  const others = [nextUser, lateRequest];
  const two = twoProcesses?.observation;
  const rules = RULE_NAMES.filter((name) => !histories.broken[name]).length;
  const marks: [isGood: boolean, good: string, bad: string][] = [
    [browser === 0, "this route", `this route (${browser} of ${possible})`],
    [draft === 0, "other routes", `other routes (${draft} of ${possible})`],
    [server === 0, "a copied cookie ends", "a copied cookie works on"],
    [
      others.every((user) => user === "bob"),
      "the next user",
      others.includes("alice")
        ? "the next user becomes alice"
        : "the next user is logged out",
    ],
    [
      rules === RULE_NAMES.length,
      "all six rules hold",
      `only ${rules} of six rules ${rules === 1 ? "holds" : "hold"}`,
    ],
  ];
  const prices: [isPaid: boolean, price: string][] = [
    [!observation.knowsUser, "the route does not know its user"],
    [!observation.rolls, "sessions do not roll"],
    [!observation.otherDevice, "all devices are logged out"],
    [two !== undefined && two.server > server, "one process only"],
    [twoProcesses?.lateWrite?.user === "alice", "a late write lets alice in"],
  ];
  return [
    ...marks.map(([isGood, good, bad]) => (isGood ? `✓ ${good}` : `✗ ${bad}`)),
    ...prices.flatMap(([isPaid, price]) => (isPaid ? `✗ ${price}` : [])),
  ].join(" · ");
}
