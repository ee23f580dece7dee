import {
  endProgress,
  exitCodeOf,
  progressLine,
  type Streams,
} from "../base/command.ts";
import { wrap } from "../base/terminal.ts";
import { type Diagnosis, diagnose, type Facts } from "./causes.ts";
import { Chromium, type Rules, type Window } from "./chromium.ts";
import {
  HELP,
  type Options,
  readCommandLine,
  type Target,
} from "./command-line.ts";
import { LateRequests, MOST_SENT } from "./late.ts";
import { type Stage, seeLogin, seeLogout, seeUnasked } from "./logout.ts";
import { Hand, type Person, Played, Prompt } from "./people.ts";
import { inJson, inWords } from "./report.ts";
import { lookPastCaches, Recognizer } from "./sights.ts";
import { isAsking, isHere, ProbeError, printable } from "./words.ts";

/** More than this is not asked of an app, so that a mistake of ours does not flood it. */
const MOST_REQUESTS = 2000;

/** How many times longer than one request all that is played may take. */
const ALL_TIMES = 40;

const HANGING = "the logout does not answer, and the user is still logged in";
const UNKNOWN =
  "the user is still logged in, and what was seen does not tell why";

/** All that came of it. */
export interface Found {
  facts: Facts | undefined;
  diagnoses: Diagnosis[];
  /** Why something could not be told. */
  unclear: string | undefined;
}

/** Where the windows come from: tests have a Chromium for many probes. */
export type Launch = typeof Chromium.launch;

/**
 * Runs the command, and returns its exit code.
 * @param words what comes after the command's name
 * @param cancel aborts to end it at once; its reason is the exit code then
 */
export const runProbe = (
  words: string[],
  streams: Streams,
  cancel: AbortSignal,
  launch?: Launch,
): Promise<number> =>
  exitCodeOf(
    "probe",
    () => main(words, streams, cancel, launch),
    streams.stderr,
  );

async function main(
  words: string[],
  streams: Streams,
  cancel: AbortSignal,
  shared?: Launch,
): Promise<number> {
  const options = readCommandLine(words);
  if (options.help) {
    streams.stdout.write(HELP);
    return 0;
  }
  const prompt = new Prompt(streams);
  const started: Promise<Chromium>[] = [];
  const launch: Launch = (...how) => {
    started.push(Chromium.launch(...how));
    return started.at(-1) as Promise<Chromium>;
  };
  const cancelled = new Promise<number>((resolve) => {
    cancel.addEventListener("abort", () => resolve(cancel.reason));
  });
  try {
    return await Promise.race([
      cancelled,
      examine(options, streams, prompt, shared ?? launch),
    ]);
  } catch (error) {
    endProgress(streams);
    streams.stderr.write(`probe: ${printable(reasonOf(error as Error))}\n`);
    return 2;
  } finally {
    prompt.close();
    for (const one of started)
      await one.then((chromium) => chromium.close()).catch(() => {});
  }
}

/** Says why it can't go on, with nothing in it that an app has sent. */
function reasonOf(error: Error): string {
  if (error instanceof ProbeError) return error.message;
  if (/closed|detached|disconnected/i.test(error.message))
    return "the browser is gone, or its window is closed";
  const [, place] = error.stack?.match(/scripts[\\/]([\w/\\-]+\.ts:\d+)/) ?? [];
  return `it can't go on (${error.name}${place ? ` in ${place}` : ""})`;
}

async function examine(
  { target, json, yes }: Options,
  streams: Streams,
  prompt: Prompt,
  launch: Launch,
): Promise<number> {
  const { url, route } = target;
  const what = route
    ? `${route.method} ${route.path}`
    : "what the app's page has sent";
  const plan = `At ${url.origin}, a user logs out: first as ever, then with requests in flight. This ends sessions, and sends ${what} again, up to ${MOST_SENT} times in all.`;
  (json ? streams.stderr : streams.stdout).write(
    `${wrap(plan, 0).join("\n")}\n\n`,
  );
  if (!yes && !isHere(url)) {
    const doubt = `${url.hostname} is not this machine`;
    if (!prompt.isTerminal)
      throw new ProbeError(`${doubt}: say --yes if you may`);
    if (!(await prompt.isYes(`${doubt}. Is it yours to test?`)))
      throw new ProbeError("then it is left alone");
  }
  const found = await probe(
    target,
    prompt,
    launch,
    progressLine("Probing", streams),
  );
  endProgress(streams);
  const text = json
    ? JSON.stringify(inJson(target, found), null, 2)
    : inWords(found);
  streams.stdout.write(`${text}\n`);
  if (found.diagnoses.some(({ level }) => level === "found")) return 1;
  return found.unclear === undefined ? 0 : 2;
}

/** Lets windows ask the app, who was named, and a provider on this machine to which a local app leads. */
function rulesFor({
  url,
  providers,
  seconds,
  as,
}: Target): Rules & { agreed: Set<string> } {
  const agreed = new Set([url, ...providers].map(({ origin }) => origin));
  const begin = performance.now();
  let count = 0;
  const check = (to: URL) => {
    if (isAsking(to) && isHere(to) && isHere(url)) agreed.add(to.origin);
    const isLong =
      as.length > 0 && performance.now() - begin > ALL_TIMES * seconds * 1000;
    if (!agreed.has(to.origin) || ++count > MOST_REQUESTS || isLong)
      throw new ProbeError("it is not asked");
  };
  return { milliseconds: seconds * 1000, check, name: as[0], agreed };
}

async function probe(
  target: Target,
  prompt: Prompt,
  launch: Launch,
  tell: (share: number) => void,
): Promise<Found> {
  const { url, as, page = url.pathname } = target;
  const rules = rulesFor(target);
  const isByHand = as.length === 0;
  const quiet = await launch(false, target.ca !== undefined);
  const shown = isByHand ? await launch(true, target.ca !== undefined) : quiet;
  const windows: Window[] = [];
  const open = async (chromium: Chromium, name?: string) => {
    // Where somebody goes by hand, they have agreed to.
    const check = ({ origin }: URL) => void rules.agreed.add(origin);
    const isFree = isByHand && name === undefined;
    const window = await chromium.open(
      isFree ? { ...rules, check, name } : { ...rules, name },
    );
    windows.push(window);
    return window;
  };
  const personOf = (name: string | undefined, whose = ""): Person =>
    name === undefined
      ? new Hand(prompt, url.href, whose)
      : new Played(name, url);
  const found: Found = { facts: undefined, diagnoses: [], unclear: undefined };
  let late: LateRequests | undefined;
  try {
    const stage: Stage = {
      ...{ page: new URL(page, url).href, isNamed: target.page !== undefined },
      ...{ person: personOf(as[0]), who: new Recognizer(as) },
      ...{ stranger: await open(quiet, ""), scratch: await open(quiet, "") },
      me: await open(shown, as[0]),
    };
    tell(0.1);
    const login = await seeLogin(stage);
    const facts: Facts = { login };
    found.facts = facts;
    if (login.lostBy || login.leak || login.looks.includes("nobody"))
      return found;
    tell(0.3);
    const logout = await seeLogout(stage, login);
    facts.logout = logout;
    tell(0.5);
    if (!logout.isIn && logout.shown.who !== "first")
      facts.unasked = await seeUnasked(stage, login);
    // Where a provider or a late response has logged in again, the next one can be kept from that.
    const isBack =
      logout.trail.some((hop) => isAsking(hop.url)) ||
      diagnose(facts).some(({ name }) => name === "race");
    if (logout.isIn && !isBack) {
      const isHanging = logout.hop && !logout.hop.status && !logout.hop.by;
      if (diagnose(facts).length === 0)
        found.unclear = isHanging ? HANGING : UNKNOWN;
      return found;
    }
    if (!login.isInCookies)
      throw new ProbeError(
        "the session is in more than cookies, so a late response can't be played",
      );
    const next =
      as[1] !== undefined || target.nextUser
        ? await open(shown, as[1])
        : undefined;
    if (next) await seeNext(stage, personOf(as[1], ", as the next user"), next);
    tell(0.6);
    late = new LateRequests(stage, target, login, logout, next);
    facts.race = await late.run(target);
    found.unclear = whyUnclear(facts);
  } catch (error) {
    // What was found before is told all the same.
    if (!(error instanceof ProbeError) || !found.facts?.logout) throw error;
    found.unclear = error.message;
  } finally {
    late?.close();
    if (found.facts) found.diagnoses = diagnose(found.facts);
    for (const window of windows) await window.close();
  }
  return found;
}

/** Lets the next user log in, and learns how their page looks. */
async function seeNext(
  { who, page }: Stage,
  person: Person,
  next: Window,
): Promise<void> {
  await person.logIn(next, false);
  const sights = [
    await lookPastCaches(next, page),
    await lookPastCaches(next, page),
  ];
  if (!sights.every((sight) => person.saysIn ?? who.looksIn(sight, "second")))
    throw new ProbeError("the next user's login does not hold");
  who.add("second", ...sights);
  if (sights.some((sight) => who.who(sight) !== "second"))
    throw new ProbeError(
      "the page shows the same to both users. Are they two? Name another one with --page",
    );
}

function whyUnclear({ race }: Facts): string | undefined {
  if (race?.second) return undefined;
  if (!race?.findings.length)
    return "nothing was seen that could be late: name a route with --post or --get";
  const untold = race.findings.find(({ verdict }) => verdict === "unclear");
  if (!untold) return undefined;
  const reasons = Object.values(untold.places).flatMap((one) =>
    "unclear" in one ? one.unclear : [],
  );
  return `whether a late ${untold.request} undoes it: ${reasons[0] ?? "the page does not show who is logged in then"}`;
}
