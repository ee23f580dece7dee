import type { Event, RequestName } from "../base/results.ts";

/** What happens to a request that is in flight: see `Event`. */
const IN_FLIGHT = ["sent", "received", "answered", "stored"] as const;

/** What happens to the logout, whose moment of arrival makes no difference. */
const LOGOUT = ["logout sent", "logout answered", "logout stored"] as const;

const inFlight = (name: RequestName): Event[] =>
  IN_FLIGHT.map((happens): Event => `${name} ${happens}`);

/**
 * Makes all orders in which some requests in flight and one logout can happen. Each request keeps
 * the order of its own events.
 */
export const ordersOf = (...names: RequestName[]): Event[][] =>
  interleavings<Event>([...names.map(inFlight), [...LOGOUT]]);

function interleavings<T>(rows: T[][]): T[][] {
  const waiting = rows.filter((row) => row.length > 0);
  if (waiting.length === 0) return [[]];
  return waiting.flatMap((row) => {
    const rest = waiting.map((other) => (other === row ? row.slice(1) : other));
    return interleavings(rest).map((order) => [row[0] as T, ...order]);
  });
}

/** All orders of `POST /update` and one logout: C(7,3) = 35. */
export const ORDERS: readonly Event[][] = ordersOf("update");

/**
 * Finds the order in which the whole logout happens while the request is in one place: on its way
 * to the server (after it was sent), in the handler (received), or on its way back (answered).
 * @returns its index in {@link ORDERS}
 */
export function logoutAfter(
  happened: "sent" | "received" | "answered",
): number {
  const sent = IN_FLIGHT.indexOf(happened) + 1;
  return ORDERS.findIndex((order) =>
    LOGOUT.every((event, at) => order[sent + at] === event),
  );
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
    const middle = IN_FLIGHT.length / 2;
    return switches.length * 10 + Math.abs(isLogout.indexOf(true) - middle);
  };
  return [...orders].sort(
    (one, other) => difficulty(one) - difficulty(other),
  )[0];
}

/**
 * Leaves out orders that can't differ in their outcome, and keeps the first of each kind.
 *
 * Two events of different requests that come one after the other may change places unless both
 * touch the same thing and one of them changes it. There are two such things. The cookie jar is
 * read when a request is sent, and changed when a response is stored. The sessions on the server
 * are read when a request is received, and changed when it is answered. (When the response to the
 * logout is stored, the browser goes on to the provider, and that may tell the server: it counts
 * as a change of both.) So an order's outcome depends only on how it puts those pairs of events
 * that may not change places.
 */
export function reduce(orders: Event[][]): Event[][] {
  const kinds = new Map<string, Event[]>();
  for (const order of orders) {
    const pairs = order.flatMap((event, at) =>
      order
        .slice(at + 1)
        .filter((later) => collide(event, later))
        .map((later) => `${event} < ${later}`),
    );
    const kind = pairs.sort().join();
    if (!kinds.has(kind)) kinds.set(kind, order);
  }
  return [...kinds.values()];
}

/** Whether it makes a difference which of two events comes first. */
function collide(one: Event, other: Event): boolean {
  if (one.split(" ")[0] === other.split(" ")[0]) return true;
  const [mine, theirs] = [touches(one), touches(other)];
  return (
    (mine.changes || theirs.changes) &&
    ((mine.jar && theirs.jar) || (mine.server && theirs.server))
  );
}

const touches = (event: Event) => ({
  jar: /sent|stored/.test(event),
  server: /received|answered|logout stored/.test(event),
  changes: /answered|stored/.test(event),
});
