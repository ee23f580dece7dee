import fc from "fast-check";
import type { Stage } from "../base/results.ts";

/** What can happen to a request, in this order. */
export const STAGES = ["sent", "received", "answered", "stored"] as const;
/**
 * What somebody does in a browser, and how often, compared with the others. `page` stands before a page
 * that is loaded; scripts make the other requests. `/look` only reads the session, as `/update` does,
 * `/basket` puts something into it, and `/token` stores another access token.
 */
const DEEDS = {
  "alice logs in": 8,
  "bob logs in": 8,
  logout: 16,
  "GET /look": 8,
  "POST /update": 10,
  "POST /basket": 14,
  "POST /token": 6,
  "page /look": 8,
  "page /basket": 6,
  "13 hours pass": 6,
};
export type Deed = keyof typeof DEEDS;
export const isLogin = (deed: Deed) => deed.endsWith("logs in");

/** Something that is done in one of two browsers: the second one is another device. */
export interface Flight {
  browser: 1 | 2;
  deed: Deed;
}

/** Brings a flight, by its place in the list, so far, and through all that comes before. */
export interface HistoryStep {
  flight: number;
  to: Stage;
}

/**
 * What happens in two browsers. It is data: what can't happen when its turn comes is left out, so that
 * any part of a history is a history.
 */
export interface History {
  flights: Flight[];
  steps: HistoryStep[];
}

/** A flight, and during how many of those that begin after it each next stage has to wait. */
type Delayed = Flight & { waits: [number, number, number] };

const wait = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 3 }) },
);

const flight = (deed: fc.Arbitrary<Deed>): fc.Arbitrary<Delayed> =>
  fc.record({
    browser: fc.oneof(
      { weight: 5, arbitrary: fc.constant<1 | 2>(1) },
      { weight: 1, arbitrary: fc.constant<1 | 2>(2) },
    ),
    deed,
    waits: fc.tuple(wait, wait, wait),
  });

const LOGIN: Delayed = { browser: 1, deed: "alice logs in", waits: [0, 0, 0] };

/** Most begin with a login that nothing disturbs, since little can go wrong before one. */
const first = fc.oneof(
  { weight: 4, arbitrary: fc.constant(LOGIN) },
  { weight: 1, arbitrary: flight(fc.constant<Deed>("POST /basket")) },
);

const anyDeed = fc.oneof(
  ...Object.entries(DEEDS).map(([deed, weight]) => ({
    weight,
    arbitrary: fc.constant(deed as Deed),
  })),
);

const delayed = fc
  .tuple(first, fc.array(flight(anyDeed), { minLength: 3, maxLength: 8 }))
  .map(([one, others]) => [one, ...others]);

/** Puts the stages of all flights into one row: each begins after the one before it has begun. */
function inOneRow(delayed: Delayed[]): History {
  const due = delayed.flatMap(({ waits }, flight) => {
    const [onItsWay, inside, back] = waits;
    const answered = flight + onItsWay + inside;
    const times = [flight, flight + onItsWay, answered, answered + back];
    return times.map((time, at) => ({
      time,
      flight,
      to: STAGES[at] as Stage,
      // What begins now, with all that it does at once, comes before what has been waiting.
      isOld: time > flight,
    }));
  });
  due.sort(
    (one, other) =>
      one.time - other.time ||
      Number(one.isOld) - Number(other.isOld) ||
      one.flight - other.flight,
  );
  return {
    flights: delayed.map(({ browser, deed }) => ({ browser, deed })),
    steps: mergeSteps(due.map(({ flight, to }) => ({ flight, to }))),
  };
}

/**
 * Makes histories, always the same from one seed.
 * @param count how many
 */
export const makeHistories = (count: number, seed: number): History[] =>
  fc.sample(delayed.map(inOneRow), { numRuns: count, seed });

/**
 * Leaves out steps of a history, for as long as something stays true of it.
 * @param isTrue whether it is true of a part of the history
 * @returns the shortest part that was found
 */
export async function shrink(
  { flights, steps }: History,
  isTrue: (part: History) => Promise<boolean>,
): Promise<History> {
  const known = new Map<string, Promise<boolean>>();
  const isFalse = async (part: HistoryStep[]) => {
    const merged = mergeSteps(part);
    const key = JSON.stringify(merged);
    const answer = known.get(key) ?? isTrue({ flights, steps: merged });
    known.set(key, answer);
    return !(await answer);
  };
  const start = mergeSteps(steps);
  const { counterexample } = await fc.check(
    fc.asyncProperty(fc.subarray(start), isFalse),
    { examples: [[start]], numRuns: 1 },
  );
  return { flights, steps: mergeSteps(counterexample?.[0] ?? start) };
}

/** Of steps of one flight that come one after the other, only the last one counts. */
const mergeSteps = (steps: HistoryStep[]): HistoryStep[] =>
  steps.filter(({ flight }, at) => steps[at + 1]?.flight !== flight);
