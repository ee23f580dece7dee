import { randomBytes } from "node:crypto";
import type { Who } from "../base/results.ts";
import { readable } from "./html.ts";
import { Browser } from "./played-browser.ts";
import { ProbeError } from "./refusal.ts";
import type { Answer } from "./requests.ts";
import { inWords, type Target } from "./target.ts";

/** Tells who is logged in in a browser, by the page that shows it. */
export interface Recognizer {
  (browser: Browser): Promise<Who>;
  /** Tells it of a page that has been loaded already. */
  of(answer: Answer): Who;
}

/** What the page shows to whom. */
interface Pages {
  hers: Answer[];
  nobodys: Answer[];
  /** Whether it shows her as logged in at one time and as a stranger at another. */
  isAlternating: boolean;
  /** Whether it always shows her what a stranger sees. */
  isSame: boolean;
  /** What a stranger gets who comes after her: her page alone, or her cookie, too. */
  leak?: "page" | "cookie";
}

/** Loads a page, and takes its cookies, but goes nowhere from there. */
export async function load(browser: Browser, page: string): Promise<Answer> {
  const request = await browser.compose("navigate", "GET", page);
  const answer = await browser.exchange(request);
  if (answer.isCut) {
    const what = inWords({ method: "GET", path: page });
    throw new ProbeError(`${what} has no end: name another page with --page`);
  }
  return answer;
}

/** How often a user's page is looked at: of several processes, one alone may know the user. */
const LOOKS = 4;
const MOST_LOOKS = 8;

/** Looks at the page a few times: as the user, and as a stranger. */
export async function lookAtPages(
  { app, page }: Target,
  alice: Browser,
): Promise<Pages> {
  const nobodys = [
    await load(new Browser(app), page),
    await load(new Browser(app), page),
  ];
  const hers: Answer[] = [];
  const isOut: boolean[] = [];
  while (
    hers.length < LOOKS ||
    (hers.length < MOST_LOOKS && !isOut.includes(false))
  ) {
    const answer = await load(alice, page);
    hers.push(answer);
    isOut.push(isAsIn(answer, nobodys));
  }
  const isSame = !isOut.includes(false);
  const isAlternating = !isSame && isOut.includes(true);
  const pages = { hers, nobodys, isAlternating, isSame };
  if (!isSame) return pages;
  const newcomer = new Browser(app);
  const untouched = await load(new Browser(app), withoutCache(page));
  // A page that nobody else has asked for can't come from a cache.
  if (isAsIn(untouched, hers)) return pages;
  await load(newcomer, page);
  const isHer = isAsIn(await load(newcomer, withoutCache(page)), hers);
  return { ...pages, leak: isHer ? "cookie" : "page" };
}

/** Makes an address of a page that no cache has. */
export const withoutCache = (page: string): string =>
  `${page}${page.includes("?") ? "&" : "?"}probe=${randomBytes(6).toString("hex")}`;

/** Whether a page is like others, but for what differs between those, such as a nonce. */
function isAsIn(answer: Answer, others: Answer[]): boolean {
  const words = others.map(wordsOf);
  const [first = new Set<string>()] = words;
  const stable = [...first].filter((word) =>
    words.every((one) => one.has(word)),
  );
  const extra = Math.max(...words.map((one) => one.size - stable.length));
  const seen = wordsOf(answer);
  const hasAll = stable.every((word) => seen.has(word));
  return hasAll && seen.size - stable.length <= extra;
}

/**
 * Learns to tell who is logged in.
 * @param bob the next user's browser, if there is one
 * @throws {ProbeError} when the page is the same to two of them
 */
export async function learnPages(
  { page }: Target,
  { hers, nobodys }: Pick<Pages, "hers" | "nobodys">,
  bob?: Browser,
): Promise<Recognizer> {
  const examples = new Map<Who, Answer[]>([
    ["nobody", nobodys],
    ["first", hers],
  ]);
  const what = inWords({ method: "GET", path: page });
  if (!learn(examples)) {
    const [{ status }] = hers as [Answer];
    throw new ProbeError(
      `${what} answers with ${status}, and the same to the user and to nobody. ` +
        "Is the user logged in? If so, name a page that shows it, with --page",
    );
  }
  if (bob)
    examples.set("second", [await load(bob, page), await load(bob, page)]);
  const recognize = learn(examples) as Recognize<Who> | undefined;
  if (!recognize) {
    throw new ProbeError(
      `${what} answers the same to both users. Are they two? ` +
        "If so, name a page that tells them apart, with --page",
    );
  }
  const of = (answer: Answer) => recognize(answer) ?? "unknown";
  const who = async (browser: Browser) => of(await load(browser, page));
  return Object.assign(who, { of });
}

/** Tells, of an answer, from whom it is; undefined when it can't be told. */
type Recognize<Who> = (answer: Answer) => Who | undefined;

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
function wordsOf({ status, headers, body }: Answer): Set<string> {
  // What comes after a question mark may be made anew each time, as a state for a login is.
  const [place = ""] = (headers.location ?? "").split("?");
  // Of a page, what can be read in it.
  const runs = readable(body).match(/[\p{L}\p{N}_@-]+/gu) ?? [];
  // Numbers are left out: sizes, times and counters change by themselves.
  const words = runs.filter((run) => /\p{L}/u.test(run));
  return new Set([`status ${status}`, `to ${place}`, ...words]);
}

/** What a browser may do with a page, by its headers, and what one has done. */
export interface PageUse {
  /** Whether *back* shows the page as it was, without asking the app. */
  isKeptForBack: boolean;
  /** For how many seconds it is shown again without asking. */
  isKeptFor: number;
  /** Whether a real browser has shown the user's page after the logout, or has not. */
  isShown?: boolean;
  /** Whether that came from a service worker. */
  isFromWorker?: boolean;
}

/** Reads what a browser may do with a page, in its headers. A page can see that it is shown again. */
export function useOf({ headers, body }: Answer): PageUse {
  const control = String(headers["cache-control"] ?? "");
  const isStored = !/no-store/i.test(control);
  return {
    isKeptForBack: isStored && !/persisted|pageshow/.test(body),
    isKeptFor: isStored ? secondsOf(headers, control) : 0,
  };
}

/** How long a page is fresh (RFC 9111, 4.2); a page that varies by cookie is another one then. */
function secondsOf(headers: Answer["headers"], control: string): number {
  if (/no-cache/i.test(control)) return 0;
  if (/\*|cookie/i.test(String(headers.vary ?? ""))) return 0;
  const [, age] = control.match(/\bmax-age="?(\d{1,9})/i) ?? [];
  return Number(age ?? 0);
}
