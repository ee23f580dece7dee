import { randomBytes } from "node:crypto";
import type { Browser } from "../client/browser.ts";
import type { Answer } from "../client/http.ts";
import { stranger } from "./log-in.ts";
import { learn, type Recognize, wordsOf } from "./recognize.ts";
import { inWords, ProbeError, type Target, type Who } from "./target.ts";

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
    await load(stranger(app), page),
    await load(stranger(app), page),
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
  const newcomer = stranger(app);
  const untouched = await load(stranger(app), withoutCache(page));
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
  { hers, nobodys }: Pages,
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
