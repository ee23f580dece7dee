import { UsageError } from "../base/command.ts";
import type { CookieEffect, Observation, Report } from "../base/results.ts";
import { ORDERS } from "./orders.ts";
import {
  type Answer,
  answerFor,
  answersIn,
  QUESTIONS,
  wordFor,
  wordsFor,
} from "./questions.ts";
import { expectationOf, SNIPPETS, snippetNames } from "./snippet-files.ts";

/** What is expected of a snippet: an answer to each question. */
export type Verdict = Omit<Observation, "updateCookie" | "logoutCookie"> & {
  updateCookie: CookieEffect["effect"];
  logoutCookie: CookieEffect["effect"];
  /** Who is logged in after a logout that overtook a write to Redis, for who writes there. */
  lateWrite?: string | null;
  /** It keeps something in one process, and does not claim to hold with two. */
  oneProcess: boolean;
};

const HEADINGS = QUESTIONS.map(({ heading }) => heading).join(", ");

/** An answer that not every snippet gives. */
const isOptional = (name: string) => name === "lateWrite";

/**
 * Reads what a snippet expects, at its end: `Verdict:` and all answers or, after `as broken, but`,
 * those that differ from `broken`'s.
 * @param snippet its name, for an error
 * @returns undefined when it says nothing
 * @throws {UsageError} when it has something that is not a verdict
 */
function read(
  snippet: string,
  expectation: string,
  broken: Verdict | undefined,
): Verdict | undefined {
  const fail = (problem: string): never => {
    throw new UsageError(`${snippet}.ts: ${problem}`);
  };
  const [, base, told] =
    expectation.match(/Verdict: (as broken(?:, but )?)?([^.]*)\./) ?? [];
  if (told === undefined) {
    if (!/\bverdict:|\bas broken, but\b/i.test(expectation)) return undefined;
    return fail(
      "its verdict can't be read: write “Verdict: … .”, with a full stop, into the comment of // lines that it ends with",
    );
  }
  if (base && !broken) return fail("broken.ts has no verdict");
  const verdict: Record<string, Answer> = base ? { ...broken } : {};
  for (const phrase of told.split(/,\s+/).filter(Boolean)) {
    const [, topic = "", word = ""] = phrase.match(/^(.*) (\S+)$/) ?? [];
    const question = QUESTIONS.find(({ heading }) => heading === topic);
    if (!question) {
      return fail(`“${phrase}” can't be in a verdict; there are ${HEADINGS}`);
    }
    const words = wordsFor(question);
    if (!(words?.includes(word) ?? /^\d+$/.test(word))) {
      const choice = words?.join(" or ") ?? "a number";
      return fail(`${topic} can't be ${word}, but ${choice}`);
    }
    verdict[question.name] = answerFor(question, word);
  }
  verdict.possible ??= ORDERS.length;
  const missing = QUESTIONS.filter(
    ({ name }) => verdict[name] === undefined && !isOptional(name),
  );
  if (missing.length > 0) {
    const headings = missing.map(({ heading }) => heading).join(", ");
    return fail(
      `its verdict does not have ${headings}: begin it with “as broken, but”, or add them`,
    );
  }
  const oneProcess = expectation.includes(" One process only.");
  return { ...(verdict as unknown as Verdict), oneProcess };
}

/**
 * Reads the verdicts of all snippets in a folder.
 * @throws {UsageError} when one can't be read
 * @returns them by the snippets' names, in the order of tables: what is broken first, and then what
 * holds, from the least to the most
 */
export function readVerdicts(folder = SNIPPETS): Record<string, Verdict> {
  const names = snippetNames(folder);
  const verdictOf = (name: string, base?: Verdict) =>
    read(name, expectationOf(name, folder), base);
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
      return at < 0
        ? one[0].localeCompare(other[0])
        : Number(theirs[at]) - Number(mine[at]);
    }),
  );
}

/** The names of the snippets in a folder, in the order of tables; those without a verdict come last. */
export function namesInOrder(folder = SNIPPETS): string[] {
  const judged = Object.keys(readVerdicts(folder));
  return [...new Set([...judged, ...snippetNames(folder)])];
}

/**
 * Compares what was seen of a snippet with what is expected.
 * @param processes how many were the app: a late write is only seen with two
 * @returns the questions whose answers differ, and how, in the words that a verdict has
 */
export function differences(
  expected: Verdict,
  report: Report,
  processes: 1 | 2,
) {
  const seen = answersIn(report);
  return QUESTIONS.flatMap((question) => {
    const { name, heading } = question;
    const [wanted, found] = [expected[name], seen[name]];
    if (wanted === found || (isOptional(name) && processes === 1)) return [];
    const word = (answer: Answer) =>
      answer === undefined ? "not there" : wordFor(question, answer);
    const told = `${heading} was expected to be ${word(wanted)}, and is ${word(found)}`;
    return [{ name, told }];
  });
}

/**
 * Tells what a snippet has to say at its end so that its answers are what is expected.
 * @param base the verdict of `broken` in its folder, if there is one
 * @returns a sentence, such as `Verdict: as broken, but browser 0.`
 */
export function verdictFor(report: Report, base: Verdict | undefined): string {
  const seen = answersIn(report);
  const phrases = QUESTIONS.filter(
    ({ name }) => name in seen && seen[name] !== base?.[name],
  ).map((one) => `${one.heading} ${wordFor(one, seen[one.name])}`);
  if (!base) return `Verdict: ${phrases.join(", ")}.`;
  const but = phrases.length > 0 ? `, but ${phrases.join(", ")}` : "";
  return `Verdict: as broken${but}.`;
}
