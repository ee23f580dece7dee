import {
  ALL,
  type Look,
  ORDERS,
  type Order,
  outcomesOf,
  type Step,
} from "./race-orders.ts";

const PATHS = { u: "/update", l: "/logout" };
/** What the browser sends. */
const CALLS = { u: "POST /update", l: "GET /logout" };

/** Says what happens in a step: two short lines. */
export function wordsOf({ chain, what, look, undoes }: Step): [string, string] {
  const stored = look?.brought
    ? `cookie set${undoes ? " again" : ""}`
    : look?.cleared
      ? "cookie cleared"
      : "cookie left alone";
  const more = {
    sent: look?.brought ? "with the cookie" : "without the cookie",
    received: "by the server",
    answered: "by the server",
    stored,
  };
  return [`${PATHS[chain]} ${what}`, look ? more[what] : "cannot happen"];
}

/** Says the same in a sentence. */
export function sentenceOf({ chain, what, look, undoes }: Step): string {
  const path = PATHS[chain];
  if (what === "received") return "The server has /update, and works on it.";
  if (what === "answered") return `The server answers ${path}.`;
  if (what === "sent") {
    const cookie = look?.brought ? "with" : "without";
    return `The browser sends ${CALLS[chain]}, ${cookie} the session cookie.`;
  }
  const does = look?.brought
    ? `sets the session cookie${undoes ? ", after the logout" : ""}`
    : look?.cleared
      ? "clears the session cookie"
      : "leaves the session cookie alone";
  return `The answer to ${path} arrives, and ${does}.`;
}

/** Says what has just happened, or how it ended. */
export function newsOf(server: string, steps: Step[], now: number) {
  const step = steps[now - 1];
  const look = step?.look;
  const isEnd = now === ALL || !steps[now]?.look;
  if (!step) {
    const text = "alice is logged in, and is about to click Log out.";
    return { head: "Nothing has happened yet.", text, kind: "" };
  }
  if (!isEnd) {
    const head = `Step ${now} of ${ALL}.`;
    return { head, text: sentenceOf(step), kind: "" };
  }
  if (now < ALL) {
    const text = `The page of ${server} waits for the answer to /update, and only then goes to /logout.`;
    return { head: "This order cannot happen.", text, kind: "" };
  }
  if (look?.loggedIn) {
    const text = "alice clicked Log out. At the end, she is logged in.";
    return { head: "✗ This logout did not hold.", text, kind: "bad" };
  }
  const but = look?.copy
    ? " But whoever has a copy of the cookie is let in."
    : "";
  const text = `At the end, nobody is logged in.${but}`;
  return { head: "✓ This logout held.", text, kind: "good" };
}

/** Says what was seen: whether each thing is so, in a sentence. */
export const stateOf = (look: Look | undefined) => ({
  jar: {
    isSo: look?.inJar === true,
    text: `The cookie jar has ${look?.inJar ? "the" : "no"} session cookie.`,
  },
  browser: {
    isSo: look?.loggedIn === true,
    text: `In the browser, ${look?.loggedIn ? "alice" : "nobody"} is logged in.`,
  },
  copy: {
    isSo: look?.copy === true,
    text: `The server ${look?.copy ? "takes" : "refuses"} a copy of the cookie.`,
  },
});

/** Says how many orders go wrong with a server, and whether this one does. */
export function countOf(server: string, order: Order): string {
  const { possible, losing } = outcomesOf(server);
  const isAll = possible.length === ORDERS.length;
  const can = `Of the ${ORDERS.length} orders, ${possible.length} can happen with ${server}. `;
  if (losing.length === 0) {
    const other = server.startsWith("broken")
      ? " It fails in another way: see what this server does."
      : "";
    return isAll
      ? `None of the ${ORDERS.length} orders leaves alice logged in.${other}`
      : `${can}None leaves alice logged in.`;
  }
  const at = losing.indexOf(order) + 1;
  const here = at > 0 ? `This is number ${at} of them.` : "This one does not.";
  return `${isAll ? "" : can}${losing.length} of the ${possible.length} orders leave alice logged in. ${here} It is a count of orders, and does not say how often it happens.`;
}
