import type { Who } from "../base/results.ts";
import { type Hop, now, type Window } from "./chromium.ts";
import { isAsking, nameOf, ProbeError } from "./words.ts";

/** What is to be seen in a page. */
export interface Sight {
  /** Its text, without what can be clicked on, and the labels of that. */
  text: string;
  labels: string[];
  hasLogOut: boolean;
  /** Whether it leads to a provider that is to log somebody in. */
  isAsking: boolean;
  status: number;
  /** Who answered in the app's place. */
  by: Hop["by"];
}

const LOG = "(?:log|sign)[ _-]?";
/** How what logs in and out is called. */
export const LOG_IN = `\\b${LOG}(?:in|on)\\b|anmelden|einloggen|connexion`;
export const LOG_OUT = `\\b${LOG}(?:out|off)\\b|abmelden|ausloggen|d.connexion`;

/** A script's functions that find what can be clicked on. */
export const CONTROLS = `
  const labelOf = (one) =>
    (one.innerText || one.value || one.ariaLabel || one.title || "").trim();
  const controls = () => [...document.querySelectorAll(
    "a[href], button, input[type=submit], input[type=button], [role=button], [role=menuitem], [onclick]")];
  const isShown = (one) => one.checkVisibility?.() ?? true;
  // An address counts, too: what a link leads to tells what it is for.
  const aimOf = (one) => [one.getAttribute("href"), one.getAttribute("onclick"), one.id,
    one.type !== "button" && one.form?.getAttribute("action")].join(" ").replace(/\\?\\S*/g, "");
  const isFor = (one, pattern) => labelOf(one).length < 60 &&
    (pattern.test(labelOf(one)) || (!labelOf(one) && pattern.test(aimOf(one))));
`;

const READ = `(() => {${CONTROLS}
  const shown = controls().filter(isShown).slice(0, 500);
  const labels = shown.map(labelOf);
  let text = document.title + "\\n" + (document.body?.innerText ?? "").slice(0, 100000);
  for (const label of labels) if (label) text = text.replace(label, " ");
  const hasLogOut = shown.some((one) => isFor(one, /${LOG_OUT}/i));
  return { text, labels, hasLogOut, href: location.href };
})()`;

/** Looks at what a tab shows now. */
export async function sightOf(window: Window, page = window.page) {
  const seen = await window.ask(READ, page);
  const { href, ...rest } = (seen ?? {}) as Sight & { href: string };
  if (!href || !URL.canParse(href)) return undefined;
  const isIt = ({ kind, url }: Hop) => kind === "Document" && url.href === href;
  const { status = 200, by } = window.since(0).findLast(isIt) ?? {};
  const asks = isAsking(new URL(href));
  return { ...rest, isAsking: asks, status, by } as Sight;
}

/**
 * Asks for a page, and looks at it. It goes to no provider that would log somebody in again.
 * @throws {ProbeError} when it is not answered
 */
export async function look(
  window: Window,
  address: string,
  page = window.page,
): Promise<Sight> {
  const from = now();
  const { isKept } = window;
  window.isKept = true;
  await window.go(address, page);
  window.isKept = isKept;
  const hops = window.since(from);
  const limited = hops.find(({ status }) => status === 429);
  const tooMany =
    "answers with 429: the app limits how often it is asked. Raise that limit while the probe runs";
  if (limited) throw new ProbeError(`${nameOf(limited)} ${tooMany}`);
  const hop = hops.findLast(({ kind }) => kind === "Document");
  const { failure, status, url = new URL(address) } = hop ?? {};
  if (failure && !status) throw new ProbeError(reasonOf(failure, url, address));
  const sight = status && (await sightOf(window, page));
  if (!sight)
    throw new ProbeError(`it does not answer GET ${url.pathname.slice(0, 60)}`);
  return sight;
}

/** Looks at what the app itself answers, in a tab in the background. */
export async function lookPastCaches(window: Window, address: string) {
  const tab = await window.looker();
  const sight = await look(window, address, tab);
  // What it listens to is not the user's.
  await tab.goto("about:blank").catch(() => null);
  return sight;
}

/** Says why the browser got no answer. */
function reasonOf(failure: string, { origin }: URL, address: string): string {
  const { host, protocol } = new URL(address);
  const code = failure.replace(/^net::ERR_/, "");
  const [, reason] = REASONS.find(([codes]) => codes.test(code)) ?? [];
  const other = protocol === "http:" ? "https" : "http";
  return `${host} ${reason ?? `can't be asked (${code})`}`
    .replace("OTHER", other)
    .replace("ORIGIN", origin);
}

const REASONS: [RegExp, string][] = [
  [
    /^BLOCKED_BY_CLIENT/,
    "leads on to ORIGIN, which nobody has named: say --provider with it if that is right, or is the address not what the app has for its baseURL?",
  ],
  [/^CONNECTION_REFUSED/, "does not answer: is the app running?"],
  [/^NAME_NOT_RESOLVED/, "is no host that is known"],
  [/^(EMPTY|CONNECTION|SOCKET)/, "hangs up: does it want OTHER?"],
  [/^(SSL|INVALID_HTTP)/, "speaks another protocol: does it want OTHER?"],
  [/^CERT/, "has a certificate that nobody known has signed: give --ca"],
];

type User = "first" | "second";

/** Tells who is logged in by a page, from pages of which that is known. */
export class Recognizer {
  readonly #names: string[];
  readonly #seen: Record<User | "nobody", Sight[]>;

  /** @param names those of the users who are played: a page may show them */
  constructor(names: string[]) {
    this.#names = names;
    this.#seen = { first: [], second: [], nobody: [] };
  }

  add = (who: User | "nobody", ...sights: Sight[]): unknown =>
    this.#seen[who].push(...sights.filter(({ status }) => status < 500));

  /** Whether a played person is logged in, as they see it themselves. */
  looksIn(sight: Sight, who: User): boolean {
    if (sight.isAsking || sight.status >= 500) return false;
    const { nobody } = this.#seen;
    const name = this.#nameOf(who);
    const isNew = (has: (one: Sight) => boolean) =>
      has(sight) && !nobody.some(has);
    return isNew((one) => hasName(one, name)) || isNew((one) => one.hasLogOut);
  }

  who(sight: Sight): Who {
    if (sight.isAsking) return "nobody";
    if (sight.status >= 500) return "unknown";
    const users = (["first", "second"] as const).filter(
      (user) => this.#seen[user].length > 0,
    );
    const all = users.flatMap((user) => this.#seen[user]);
    const hasLogOut = (one: Sight) => one.hasLogOut;
    const tells = all.every(hasLogOut) && !this.#seen.nobody.some(hasLogOut);
    if (tells && !sight.hasLogOut) return "nobody";
    if (tells && users.length === 1) return "first";
    const shares = users.map((user) => this.#shareOf(user, sight));
    if (shares.length === 0 || shares.includes(undefined)) return "unknown";
    return users.find((_, at) => (shares[at] ?? 0) >= 0.5) ?? "nobody";
  }

  #nameOf = (who: User): string => this.#names[who === "first" ? 0 : 1] ?? "";

  /** How much a page has of what only this user's pages have; the name alone, if they all have that. */
  #shareOf(user: User, sight: Sight): number | undefined {
    const own = this.#seen[user];
    const others = Object.values(this.#seen).filter((one) => one !== own);
    const isOwn = (has: (one: Sight) => boolean) =>
      own.every(has) && !others.flat().some(has);
    const named = (one: Sight) => hasName(one, this.#nameOf(user));
    if (isOwn(named)) return named(sight) ? 1 : 0;
    const [first] = own.map(wordsOf);
    const marks = [...(first ?? [])].filter((word) =>
      isOwn((one) => wordsOf(one).has(word)),
    );
    const words = wordsOf(sight);
    if (marks.length === 0) return undefined;
    return marks.filter((word) => words.has(word)).length / marks.length;
  }
}

/** Whether a page shows a name, and not as what logs in. */
function hasName({ text, labels }: Sight, name: string): boolean {
  if (!name) return false;
  const word = name.replace(/[^\w]/g, "\\$&");
  const is = new RegExp(`(?<![\\p{L}\\p{N}])${word}(?![\\p{L}\\p{N}])`, "iu");
  const logsIn = new RegExp(`^${word}$|${LOG_IN}`, "i");
  return [text, ...labels.filter((one) => !logsIn.test(one))].some((one) =>
    is.test(one),
  );
}

/** The words of a page; numbers change by themselves. */
const wordsOf = ({ text, labels }: Sight): Set<string> =>
  new Set([text, ...labels].join(" ").match(/[\p{L}_@-]{2,}/gu) ?? []);
