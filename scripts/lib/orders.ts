/** What happens to the in-flight request, in its own order. */
const UPDATE = [
  "update sent",
  "update received",
  "update answered",
  "update stored",
] as const;

/** What happens to the logout, in its own order. */
const LOGOUT = ["logout sent", "logout answered", "logout stored"] as const;

/**
 * One thing that happens to a request. It is *sent*, with the cookies that the browser has then;
 * *received*, so that the server has loaded the session; *answered*, so that the server has
 * finished with it; and *stored*, when the browser takes its `Set-Cookie`.
 */
export type Event = (typeof UPDATE)[number] | (typeof LOGOUT)[number];

/** All orders in which one in-flight request and one logout can happen: C(7,3) = 35. */
export const ORDERS: readonly Event[][] = interleavings<Event>(UPDATE, LOGOUT);

/** All ways to merge two rows of events into one in which each row keeps its own order. */
export function interleavings<T>(
  left: readonly T[],
  right: readonly T[],
): T[][] {
  const [first, ...restOfLeft] = left;
  const [second, ...restOfRight] = right;
  if (first === undefined || second === undefined) return [[...left, ...right]];
  return [
    ...interleavings(restOfLeft, right).map((rest) => [first, ...rest]),
    ...interleavings(left, restOfRight).map((rest) => [second, ...rest]),
  ];
}

/**
 * Picks the order that is the easiest to read: the one that goes the least often from one request
 * to the other, and of those the one whose logout is nearest to the middle of the other request.
 * @returns the index of one of `orders`, or undefined when there are none
 */
export function simplest(orders: readonly number[]): number | undefined {
  const difficulty = (index: number): number => {
    const order = ORDERS[index] ?? [];
    const isLogout = order.map((event) => event.startsWith("logout"));
    const switches = isLogout.filter(
      (is, at) => at > 0 && is !== isLogout[at - 1],
    );
    const middle = UPDATE.length / 2;
    return switches.length * 10 + Math.abs(isLogout.indexOf(true) - middle);
  };
  return [...orders].sort(
    (one, other) => difficulty(one) - difficulty(other),
  )[0];
}
