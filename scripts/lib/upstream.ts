import type { Observation } from "./observe.ts";
import { VERDICTS, type Verdict } from "./verdicts.ts";
import {
  compareVersions,
  LIBRARY,
  type Tried,
  type Versions,
} from "./versions.ts";

/** Whether anything that is late logs a user in again, with one process. */
const bites = (seen: Observation | Verdict): boolean =>
  seen.browser + seen.draft > 0 ||
  [seen.nextUser, seen.lateRequest, seen.otherTab].includes("alice");

/** The snippets that are there to show the bug. */
const SHOWING = Object.entries(VERDICTS).flatMap(([name, verdict]) =>
  name.startsWith("broken") && bites(verdict) ? name : [],
);

/** What a run tells of a bug that is gone. */
export interface News {
  /** The good news, a line each; none when there is none. */
  lines: string[];
  /** Whether something newer is why this snippet no longer shows the bug. */
  isFixed(one: Tried): boolean;
}

/**
 * Looks for snippets that no longer show the bug, with a version of the library, or of Express, that
 * is newer than all with which they did. When none is newer, the snippet has changed, which is no news.
 * @param tried what this run has seen
 * @param known what earlier runs have seen
 */
export function upstreamNews(tried: Tried[], known: Tried[]): News {
  const shown = tried.filter(
    ({ snippet, observation }) => observation && SHOWING.includes(snippet),
  );
  const silent = shown.filter((one) => !isBiting(one));
  const biting = [...known, ...shown].filter(isBiting);
  const since = new Map<Tried, string>();
  const names = new Map<string, Set<string>>();
  for (const one of silent) {
    const what = sinceWhat(one, silent, biting);
    if (!what) continue;
    since.set(one, what);
    names.set(what, (names.get(what) ?? new Set()).add(one.snippet));
  }
  const isFixed = (one: Tried) => since.has(one);
  if (since.size === 0) return { lines: [], isFixed };

  const isNewest = (one: Tried) =>
    shown.every((other) => compareVersions(other.library, one.library) <= 0);
  const still = shown.filter((one) => isNewest(one) && isBiting(one));
  const fixed = new Set([...since.keys()].map(({ snippet }) => snippet));
  const last = biting
    .filter(({ snippet }) => fixed.has(snippet))
    .sort((one, other) => compareVersions(one.library, other.library))
    .at(-1) as Tried;
  const good = still.length > 0 ? "Good news, in part" : "Good news";
  const list = (snippets: Iterable<string>) =>
    [...new Set(snippets)].join(", ");
  const lines = [...names].flatMap(([what, snippets]) => [
    `${good}: fixed upstream since ${what}.`,
    `What is late logs nobody in again with ${list(snippets)}.`,
  ]);
  if (still.length > 0) {
    lines.push(`It still does with ${list(still.map((one) => one.snippet))}.`);
  }
  lines.push(
    `The bug was last seen with ${wordsFor(last)}.`,
    "This run fails until scripts/lib/verdicts.ts no longer expects the bug.",
  );
  return { lines, isFixed };
}

/** Tells since when a snippet does not show the bug, or nothing when no version is newer. */
function sinceWhat(
  one: Tried,
  allSilent: Tried[],
  allBiting: Tried[],
): string | undefined {
  const ofSame = ({ snippet }: Tried) => snippet === one.snippet;
  const onSame = ({ express }: Tried) => express === one.express;
  const biting = allBiting.filter(ofSame);
  const isKnown = biting.some(onSame);
  const rivals = isKnown ? biting.filter(onSame) : biting;
  const isNewer = ({ library }: Tried) =>
    rivals.every((rival) => compareVersions(rival.library, library) < 0);
  if (rivals.length > 0 && isNewer(one)) {
    const since = allSilent
      .filter((other) => ofSame(other) && onSame(other) && isNewer(other))
      .map(({ library }) => library)
      .sort(compareVersions)[0] as string;
    const bitesElsewhere = biting.some(
      ({ library }) => compareVersions(library, since) >= 0,
    );
    const where = bitesElsewhere ? ` on Express ${one.express}` : "";
    // With two that are new, it may be either.
    const other = isKnown ? "" : ` or Express ${one.express}`;
    return `${LIBRARY} ${since}${where}${other}`;
  }
  const before = biting.filter(({ library }) => library === one.library);
  const isNewExpress = before.every(
    ({ express }) => compareVersions(express, one.express) < 0,
  );
  return before.length > 0 && isNewExpress
    ? `Express ${one.express}`
    : undefined;
}

const isBiting = ({ snippet, observation }: Tried): boolean =>
  observation !== undefined && SHOWING.includes(snippet) && bites(observation);

/** Tells a pair of versions in words. */
export const wordsFor = ({ library, express }: Versions): string =>
  `${LIBRARY} ${library} on Express ${express}`;
