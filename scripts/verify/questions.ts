import type { CookieEffect } from "../client/cookie-effect.ts";
import type { LateWrite, Observation, TwoProcessReport } from "./observe.ts";
import { ORDERS } from "./orders.ts";
import type { Step } from "./race.ts";

/** One of the verifier's questions, with all that a table of answers needs. */
interface Question {
  name: keyof Observation;
  heading: string;
  /** The heading of a column in a terminal; without it, the answers get a line of their own. */
  column?: string;
  /** What is asked, in a line. */
  meaning: string;
  /** Tells the answer, in a word, so that a table fits a terminal. */
  answer: (seen: Observation) => string;
}

/** All questions, in the order in which tables have them. */
export const QUESTIONS: Question[] = [
  {
    name: "updateCookie",
    heading: "update cookie",
    column: "update\ncookie",
    meaning: "the response to /update: bytes of session cookie it sets",
    answer: (seen) => effect(seen.updateCookie),
  },
  {
    name: "logoutCookie",
    heading: "logout cookie",
    meaning: "the response to /logout, likewise",
    answer: (seen) => effect(seen.logoutCookie),
  },
  {
    name: "browser",
    heading: "browser",
    column: "brow-\nser",
    meaning: `orders, of ${ORDERS.length}, that leave the browser logged in`,
    answer: (seen) => orders(seen.browser, seen),
  },
  {
    name: "server",
    heading: "server",
    column: "\nserver",
    meaning: "orders after which a copy of the old cookie still works",
    answer: (seen) => orders(seen.server, seen),
  },
  {
    name: "draft",
    heading: "draft",
    column: "\ndraft",
    meaning: "as browser, for POST /draft, a route that no fix names",
    answer: (seen) => orders(seen.draft, seen),
  },
  {
    name: "nextUser",
    heading: "next user",
    column: "next\nuser",
    meaning: "alice out, bob in, her late response arrives: who is in?",
    answer: (seen) => seen.nextUser ?? "none",
  },
  {
    name: "lateRequest",
    heading: "late request",
    column: "late\nreq.",
    meaning: "alice out, bob in, her late request arrives: who is in?",
    answer: (seen) => seen.lateRequest ?? "none",
  },
  {
    name: "knowsUser",
    heading: "knows user",
    column: "knows\nuser",
    meaning: "does POST /update know who is calling?",
    answer: (seen) => (seen.knowsUser ? "yes" : "no"),
  },
  {
    name: "rolls",
    heading: "rolls",
    column: "\nrolls",
    meaning: "does activity extend the session?",
    answer: (seen) => (seen.rolls ? "yes" : "no"),
  },
  {
    name: "otherDevice",
    heading: "other device",
    column: "other\ndevice",
    meaning: "alice's other device, after she logs out here: in or out?",
    answer: (seen) => (seen.otherDevice ? "in" : "out"),
  },
  {
    name: "otherTab",
    heading: "other tab",
    meaning: "another tab loads a page while alice logs out: who is in?",
    answer: (seen) => seen.otherTab ?? "none",
  },
];

/** The question that is asked of two processes alone. */
export const LATE_WRITE = {
  heading: "late write",
  meaning: "she logs out while her session is on its way to Redis",
  answer: ({ lateWrite }: TwoProcessReport): string =>
    lateWrite ? (lateWrite.user ?? "none") : "-",
};

/** Tells a number of orders, and of how many, when the snippet's page can't produce them all. */
const orders = (count: number, { possible }: Observation): string =>
  possible === ORDERS.length ? String(count) : `${count}/${possible}`;

/** Tells what a response does to the session cookie; a number says how large it sets it. */
function effect({ effect, bytes }: CookieEffect): string {
  if (effect === "set") return `${bytes} B`;
  return effect === "cleared" ? "clears" : "leaves";
}

/** Tells what Redis was asked around a late write, in a line for each command. */
export const commandLines = ({ commands }: LateWrite): string[] =>
  commands.map((command) => {
    const [request = "", ...words] = command.split(" ");
    return `/${request.slice(0, -1)}  ${words.join(" ")}`;
  });

/** Tells an order, in a line for each event. */
export const stepLines = (steps: Step[]): string[] =>
  steps.map(({ event, withCookie, cookie }) => {
    const sent = withCookie && "with the session cookie";
    const size = cookie?.bytes ? `, ${cookie.bytes} bytes` : "";
    const stored = cookie && `session cookie ${cookie.effect}${size}`;
    return `/${event.padEnd(16)} ${sent || stored || ""}`.trimEnd();
  });
