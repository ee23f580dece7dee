import type { CookieEffect, Observation, Report } from "../base/results.ts";
import { ORDERS } from "./orders.ts";

/** An answer, as a verdict expects it: how many bytes a cookie has is seen, and not expected. */
export type Answer = string | number | boolean | null | undefined;

/** What a kind of question can be answered with, by the words that a verdict has for it. */
const WORDS = {
  user: { alice: "alice", bob: "bob", none: null },
  effect: { set: "set", cleared: "cleared", untouched: "untouched" },
  whether: { yes: true, no: false },
  place: { in: true, out: false },
  count: undefined,
} as const;

/** One of the verifier's questions, with all that verdicts and tables of answers need. */
interface Question {
  name: keyof Observation | "lateWrite";
  heading: string;
  kind: keyof typeof WORDS;
  /** The heading of a column in a terminal; without it, the answers get a line of their own. */
  column?: string;
  /** What is asked, in a line; without it, no table has it. */
  meaning?: string;
}

/** All questions, in the order in which tables have them. */
export const QUESTIONS: Question[] = [
  { name: "possible", heading: "possible", kind: "count" },
  {
    ...{ name: "updateCookie", heading: "update cookie", kind: "effect" },
    column: "update\ncookie",
    meaning: "the response to /update: bytes of session cookie it sets",
  },
  {
    ...{ name: "logoutCookie", heading: "logout cookie", kind: "effect" },
    meaning: "the response to /logout, likewise",
  },
  {
    ...{ name: "browser", heading: "browser", kind: "count" },
    column: "brow-\nser",
    meaning: `orders, of ${ORDERS.length}, that leave the browser logged in`,
  },
  {
    ...{ name: "server", heading: "server", kind: "count" },
    column: "\nserver",
    meaning: "orders after which a copy of the old cookie still works",
  },
  {
    ...{ name: "draft", heading: "draft", kind: "count" },
    column: "\ndraft",
    meaning: "as browser, for POST /draft, a route that no fix names",
  },
  {
    ...{ name: "nextUser", heading: "next user", kind: "user" },
    column: "next\nuser",
    meaning: "alice out, bob in, her late response arrives: who is in?",
  },
  {
    ...{ name: "lateRequest", heading: "late request", kind: "user" },
    column: "late\nreq.",
    meaning: "alice out, bob in, her late request arrives: who is in?",
  },
  {
    ...{ name: "knowsUser", heading: "knows user", kind: "whether" },
    column: "knows\nuser",
    meaning: "does POST /update know who is calling?",
  },
  {
    ...{ name: "rolls", heading: "rolls", kind: "whether" },
    column: "\nrolls",
    meaning: "does activity extend the session?",
  },
  {
    ...{ name: "otherDevice", heading: "other device", kind: "place" },
    column: "other\ndevice",
    meaning: "alice's other device, after she logs out here: in or out?",
  },
  {
    ...{ name: "otherTab", heading: "other tab", kind: "user" },
    meaning: "another tab loads a page while alice logs out: who is in?",
  },
  {
    ...{ name: "lateWrite", heading: "late write", kind: "user" },
    meaning: "she logs out while her session is on its way to Redis",
  },
];

/** The words that a question can be answered with in a verdict; undefined for any whole number. */
export const wordsFor = ({ kind }: Question): string[] | undefined =>
  kind === "count" ? undefined : Object.keys(WORDS[kind]);

/** What a word in a verdict stands for. */
export const answerFor = ({ kind }: Question, word: string): Answer =>
  kind === "count"
    ? Number(word)
    : (WORDS[kind] as Record<string, Answer>)[word];

/** The word for an answer. */
export const wordFor = ({ kind }: Question, answer: Answer): string => {
  const words = Object.entries(WORDS[kind] ?? {});
  return words.find(([, one]) => one === answer)?.[0] ?? String(answer);
};

/** All answers that were seen of a snippet, by the names of the questions. */
export const answersIn = ({ observation, lateWrite }: Report) =>
  ({
    ...observation,
    updateCookie: observation.updateCookie.effect,
    logoutCookie: observation.logoutCookie.effect,
    ...(lateWrite && { lateWrite: lateWrite.user }),
  }) as Record<Question["name"], Answer>;

/** Tells what was seen, in a word, so that a table fits a terminal. */
export function cellFor(question: Question, report: Report): string {
  const { name, kind } = question;
  if (name === "lateWrite" && !report.lateWrite) return "-";
  if (kind === "effect") {
    const { effect, bytes } = report.observation[name as "updateCookie"];
    return EFFECT_CELLS[effect] ?? `${bytes} B`;
  }
  const word = wordFor(question, answersIn(report)[name]);
  // When the snippet's page can't produce all orders, of how many.
  const { possible } = report.observation;
  const isPart = kind === "count" && possible < ORDERS.length;
  return isPart ? `${word}/${possible}` : word;
}

const EFFECT_CELLS: Partial<Record<CookieEffect["effect"], string>> = {
  cleared: "clears",
  untouched: "leaves",
};
