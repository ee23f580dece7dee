import { RULES } from "../verify/histories/reference.ts";
import type { HistoriesReport } from "../verify/histories/try-histories.ts";
import type { Observed } from "../verify/observed.ts";

type Seen = Observed[string];

/**
 * Tells in a line what a remedy does, and what it does not: ✓ for what holds, ✗ for what does not.
 * What is good with `broken` as well is told only where it is bad.
 * @param seen what the verifier saw of its orders
 * @param histories what came of its histories
 */
export function verdictLine(seen: Seen, histories: HistoriesReport): string {
  const { observation, twoProcesses } = seen;
  const { browser, server, draft, possible, nextUser, lateRequest } =
    observation;
  const others = [nextUser, lateRequest];
  const two = twoProcesses?.observation;
  const rules = RULES.filter(({ name }) => !histories.broken[name]).length;
  const marks: [isGood: boolean, good: string, bad: string][] = [
    [browser === 0, "this route", `this route (${browser} of ${possible})`],
    [draft === 0, "other routes", `other routes (${draft} of ${possible})`],
    [server === 0, "a copied cookie ends", "a copied cookie works on"],
    others.includes("alice")
      ? [false, "", "the next user becomes alice"]
      : [
          !others.includes(null),
          "the next user",
          "the next user is logged out",
        ],
    [
      rules === RULES.length,
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
