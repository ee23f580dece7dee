import { readFileSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../cli/command.ts";
import { ROOT } from "../cli/root.ts";
import { snippetNames } from "../servers/snippet-files.ts";
import type { Observation } from "./observe.ts";
import { ORDERS } from "./orders.ts";
import { QUESTIONS } from "./questions.ts";

/** What is expected of a snippet. How many bytes a cookie has is seen, and not expected. */
export type Verdict = Omit<Observation, "updateCookie" | "logoutCookie"> & {
  updateCookie: Observation["updateCookie"]["effect"];
  logoutCookie: Observation["logoutCookie"]["effect"];
  /** Who is logged in after a logout that overtook a write to Redis, for who writes there. */
  lateWrite?: string | null;
  /** It keeps something in one process, and does not claim to hold with two. */
  oneProcess?: true;
};

type Answer = string | number | boolean | null;

const USER = ["alice", "bob", "none"];
const EFFECT = ["set", "cleared", "untouched"];

/** The words that a verdict can have for an answer. Where there are none, it has a number. */
const CHOICES: Record<string, string[]> = {
  updateCookie: EFFECT,
  logoutCookie: EFFECT,
  nextUser: USER,
  lateRequest: USER,
  otherTab: USER,
  lateWrite: USER,
  knowsUser: ["yes", "no"],
  rolls: ["yes", "no"],
  otherDevice: ["in", "out"],
};

/** What words stand for in a verdict. All others stand for themselves. */
const WORDS: Record<string, Answer> = {
  none: null,
  yes: true,
  no: false,
  in: true,
  out: false,
};

/** What a verdict tells, by the words that it has for that. */
const TOPICS: Record<string, string> = {
  possible: "possible",
  ...Object.fromEntries(QUESTIONS.map(({ heading, name }) => [heading, name])),
  "late write": "lateWrite",
};

/** The comment at the top of a snippet, as one line. */
export const headerOf = (source: string): string =>
  (source.match(/^(?:\/\/.*\r?\n)+/)?.[0] ?? "").replace(/\r?\n?\/\/ ?/g, " ");

/** Whether a snippet's header says that it seldom writes a session, so that time has to pass first. */
export const isTriedLate = (source: string): boolean =>
  / Tried after half a day\./.test(headerOf(source));

/**
 * Reads what the header of a snippet expects: `Verdict:` and all answers or, after `as broken, but`,
 * those that differ from `broken`'s.
 * @param snippet its name, for an error
 * @returns undefined when it says nothing
 * @throws {UsageError} when it has something that is not a verdict
 */
function read(
  snippet: string,
  source: string,
  broken: Verdict | undefined,
): Verdict | undefined {
  const [, base, told] =
    headerOf(source).match(/Verdict: (as broken(?:, but )?)?([^.]*)\./) ?? [];
  if (told === undefined) {
    if (!/\bverdict:|\bas broken, but\b/i.test(source)) return undefined;
    throw new UsageError(
      `${snippet}.ts: its verdict can't be read: write “Verdict: … .”, with a full stop, into the comment of // lines that it begins with`,
    );
  }
  if (base && !broken) throw new UsageError("broken.ts has no verdict");
  const verdict: Record<string, Answer> = base ? { ...broken } : {};
  for (const phrase of told.split(/,\s+/).filter(Boolean)) {
    const [, topic = "", word = ""] = phrase.match(/^(.*) (\S+)$/) ?? [];
    const name = TOPICS[topic];
    if (!name) {
      throw new UsageError(
        `${snippet}.ts: “${phrase}” can't be in a verdict; there are ${Object.keys(TOPICS).join(", ")}`,
      );
    }
    const choices = CHOICES[name];
    if (!(choices?.includes(word) ?? /^\d+$/.test(word))) {
      throw new UsageError(
        `${snippet}.ts: ${topic} can't be ${word}, but ${choices?.join(" or ") ?? "a number"}`,
      );
    }
    const itself = choices ? word : Number(word);
    verdict[name] = word in WORDS ? (WORDS[word] as Answer) : itself;
  }
  verdict.possible ??= ORDERS.length;
  const missing = QUESTIONS.filter(({ name }) => verdict[name] === undefined);
  if (missing.length > 0) {
    const headings = missing.map(({ heading }) => heading).join(", ");
    throw new UsageError(
      `${snippet}.ts: its verdict does not have ${headings}: begin it with “as broken, but”, or add them`,
    );
  }
  return {
    ...(verdict as unknown as Verdict),
    ...(/ One process only\./.test(headerOf(source)) && { oneProcess: true }),
  };
}

/**
 * Reads the verdicts of all snippets in a folder, from their headers.
 * @param folder by default that of this repository
 * @throws {UsageError} when one can't be read
 * @returns them by the snippets' names, in the order of tables: what is broken first, and then what
 * holds, from the least to the most
 */
export function readVerdicts(
  folder = join(ROOT, "snippets"),
): Record<string, Verdict> {
  const names = snippetNames(folder);
  const verdictOf = (name: string, base?: Verdict) =>
    read(name, readFileSync(join(folder, `${name}.ts`), "utf8"), base);
  const broken = names.includes("broken") ? verdictOf("broken") : undefined;
  const all = names.flatMap((name) => {
    const verdict = verdictOf(name, broken);
    return verdict ? [[name, verdict] as const] : [];
  });
  const weight = ([name, verdict]: readonly [string, Verdict]) => [
    name === "broken" ? 2 : name.startsWith("broken") ? 1 : 0,
    verdict.server,
    verdict.draft,
    verdict.knowsUser ? 0 : 1,
    verdict.nextUser === "bob" ? 0 : 1,
  ];
  return Object.fromEntries(
    all.sort((one, other) => {
      const [mine, theirs] = [weight(one), weight(other)];
      const at = mine.findIndex((value, at) => value !== theirs[at]);
      const [name, otherName] = [one[0], other[0]];
      return at < 0
        ? name.localeCompare(otherName)
        : (theirs[at] as number) - (mine[at] as number);
    }),
  );
}

const answersOf = ({
  updateCookie,
  logoutCookie,
  ...rest
}: Observation): Verdict => ({
  updateCookie: updateCookie.effect,
  logoutCookie: logoutCookie.effect,
  ...rest,
});

/** One question, and what does not agree. */
export interface Difference {
  question: keyof Verdict;
  expected: Answer | undefined;
  seen: Answer | undefined;
}

/** Tells a difference, in the words that a verdict has. */
export function differenceInWords({
  question,
  expected,
  seen,
}: Difference): string {
  const word = (answer: Answer | undefined) =>
    answer === undefined ? "not there" : wordFor(question, answer);
  const topic = Object.keys(TOPICS).find((one) => TOPICS[one] === question);
  return `${topic} was expected to be ${word(expected)}, and is ${word(seen)}`;
}

/**
 * Compares what was seen of a snippet with what is expected.
 * @returns the questions whose answers differ, with both answers
 */
export function differences(
  expected: Verdict,
  observation: Observation,
): Difference[] {
  const seen = answersOf(observation);
  return (Object.keys(seen) as (keyof Verdict)[])
    .filter((question) => seen[question] !== expected[question])
    .map((question) => ({
      question,
      expected: expected[question] as Answer | undefined,
      seen: seen[question] as Answer | undefined,
    }));
}

/**
 * Tells what a snippet's header has to say so that its answers are what is expected.
 * @param base the verdict of `broken` in its folder, if there is one
 * @returns a sentence, such as `Verdict: as broken, but browser 0.`
 */
export function verdictFor(
  observation: Observation,
  base: Verdict | undefined,
): string {
  const seen = answersOf(observation) as unknown as Record<string, Answer>;
  const broken = { ...base } as Record<string, unknown>;
  const phrases = Object.entries(TOPICS)
    .filter(([, name]) => name in seen && seen[name] !== broken[name])
    .map(([topic, name]) => `${topic} ${wordFor(name, seen[name] as Answer)}`);
  if (!base) return `Verdict: ${phrases.join(", ")}.`;
  const but = phrases.length > 0 ? `, but ${phrases.join(", ")}` : "";
  return `Verdict: as broken${but}.`;
}

const wordFor = (name: string, answer: Answer): string => {
  if (answer === null) return "none";
  if (typeof answer !== "boolean") return String(answer);
  if (name === "otherDevice") return answer ? "in" : "out";
  return answer ? "yes" : "no";
};
