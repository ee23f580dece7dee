import { readable } from "../client/html.ts";
import type { Answer } from "../client/http.ts";

/** Tells, of an answer, from whom it is; undefined when it can't be told. */
export type Recognize<Who> = (answer: Answer) => Who | undefined;

/**
 * Learns to tell whose a page is, from examples. What is in all examples of one, and in none of
 * the others', are that one's marks: a name, a button, a status. What differs between two examples
 * of the same one, such as a nonce, is not looked at.
 * @param examples some answers for each of those between whom to tell
 * @returns undefined when two of them can't be told apart
 */
export function learn<Who>(
  examples: Map<Who, Answer[]>,
): Recognize<Who> | undefined {
  const words = [...examples].map(([who, answers]) => ({
    who,
    all: answers.map(wordsOf),
  }));
  const marks = words.map(({ who, all: [first, ...others] }) => ({
    who,
    marks: [...(first ?? [])].filter(
      (word) =>
        others.every((other) => other.has(word)) &&
        !words.some(
          (one) => one.who !== who && one.all.some((seen) => seen.has(word)),
        ),
    ),
  }));
  // One of them may be known by having nothing that the others have.
  const isTold = marks.filter((one) => one.marks.length === 0).length <= 1;
  if (!isTold) return undefined;
  return (answer) => {
    const seen = wordsOf(answer);
    const found = marks.map((one) => ({
      ...one,
      count: one.marks.filter((word) => seen.has(word)).length,
    }));
    // A page changes while it is looked at, so not all marks have to be there.
    const likely = found.filter(
      ({ count, marks }) => count > 0 && count >= marks.length / 2,
    );
    if (likely.length === 1) return likely[0]?.who;
    const isBare = found.every(({ count }) => count === 0);
    return isBare
      ? found.find((one) => one.marks.length === 0)?.who
      : undefined;
  };
}

/** All that can tell one answer from another: its status, where it leads, and the words in it. */
export function wordsOf({ status, headers, body }: Answer): Set<string> {
  // What comes after a question mark may be made anew each time, as a state for a login is.
  const [place = ""] = (headers.location ?? "").split("?");
  // Of a page, what can be read in it.
  const runs = readable(body).match(/[\p{L}\p{N}_@-]+/gu) ?? [];
  // Numbers are left out: sizes, times and counters change by themselves.
  const words = runs.filter((run) => /\p{L}/u.test(run));
  return new Set([`status ${status}`, `to ${place}`, ...words]);
}
