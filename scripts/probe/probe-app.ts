import { type Diagnosis, diagnose, type Facts, isIn } from "./diagnoses.ts";
import {
  askRoute,
  type Finding,
  type Leave,
  letArrive,
  listen,
  listenToSocket,
  sendLate,
  takesForUser,
} from "./late-response.ts";
import {
  learnPages,
  load,
  lookAtPages,
  type Recognizer,
  useOf,
} from "./pages.ts";
import { logOut, type PlainLogout, withoutChunk } from "./plain-logout.ts";
import { Browser } from "./played-browser.ts";
import { ProbeError } from "./refusal.ts";
import type { Answer } from "./requests.ts";
import { inWords, type Target, wishOf } from "./target.ts";
import { playedAgent, type UserAgent } from "./trail.ts";

/** What the probe found. */
export interface Found {
  diagnoses: Diagnosis[];
  /** Of late responses; undefined when the logout does not hold without one. */
  race?: Finding;
  /** What it could not tell, and what would. */
  unclear?: string;
}

/** Those who log in, and how they do it once more. */
export interface Users {
  alice: Browser;
  bob?: Browser | undefined;
  /** The window in which the first one has logged in by hand, if there is one. */
  window?: UserAgent;
  /** Logs the first one in again. */
  again?: (() => Promise<Browser>) | undefined;
}

/**
 * Logs a user out of an app that is not ours, and looks: first with nothing in flight, and then, if
 * that logout holds, while requests of hers are. Who can't log in again is logged out once, for both.
 * @param progress is told how much of it is done, from 0 to 1
 * @throws {ProbeError} when the app does something by which nothing can be told
 */
export async function probe(
  given: Target,
  users: Users,
  progress: (share: number) => void,
): Promise<Found> {
  // Only a script can make a request with another method.
  const isByScript = !["GET", "POST"].includes(given.logout.method);
  const target = { ...given, isFetched: given.isFetched || isByScript };
  const pages = await lookAtPages(target, users.alice);
  const { isAlternating, isSame } = pages;
  const isGiven = isSame && !pages.leak && (await isGivenCookie(target, users));
  const leak = isGiven ? "cookie" : pages.leak;
  const facts: Facts = { target, isAlternating, ...(leak && { leak }) };
  if (isAlternating || leak) return { diagnoses: diagnose(facts) };
  const who = await learnPages(target, pages, users.bob);
  const use = useOf(pages.hers[0] as Answer);
  progress(0.1);

  let { alice } = users;
  if (users.again) {
    const needed = await neededCookies(target, alice, who);
    const agent = users.window ?? playedAgent(target, alice);
    facts.plain = (await logOut(target, agent, who, needed, use)).seen;
    const stop = stopAfter(facts);
    if (stop) return stop;
    target.isFetched ||= facts.plain.isFetched ?? false;
    alice = await users.again();
  }
  progress(0.3);
  const leave: Leave = [];
  try {
    const { nobodys } = pages;
    return await race({ ...users, alice }, facts, nobodys, progress, leave);
  } catch (error) {
    // What has been found already is not to be lost.
    const diagnoses = diagnose(facts);
    if (!(error instanceof ProbeError) || diagnoses.length === 0) throw error;
    return { diagnoses, unclear: error.message };
  } finally {
    for (const end of leave) end();
  }
}

/** Whether the page gives the user's own cookie to a stranger, and the route takes them for the user. */
async function isGivenCookie(target: Target, { alice }: Users) {
  const newcomer = new Browser(target.app);
  await load(newcomer, target.page);
  const hers = await alice.kept();
  const isShared = (await newcomer.kept()).some((one) =>
    hers.some(({ name, value }) => name === one.name && value === one.value),
  );
  return isShared && takesForUser(target, alice, newcomer).catch(() => false);
}

/**
 * Tells what was found when a logout does not hold, and nothing when it does.
 * @throws {ProbeError} when it is not known why it does not hold
 */
function stopAfter(facts: Facts): Found | undefined {
  const { plain } = facts;
  const diagnoses = diagnose(facts);
  const isBroken = plain?.failure || plain?.atOnce.includes("first");
  if (!plain || !(isBroken || isIn(plain))) return undefined;
  const why = plain.isHanging ? whyHanging : whyStillIn;
  if (diagnoses.length === 0) throw new ProbeError(why(facts, plain));
  return { diagnoses };
}

function whyHanging(
  { target, isRacing }: Facts,
  { failure, later }: PlainLogout,
): string {
  const still = later.includes("first") ? "still logged in" : "logged out";
  const when = isRacing ? ` while ${inWords(target.route)} is in flight` : "";
  return (
    `${failure}${when}, and the user is ${still}. The app's log has what it waits for. ` +
    (isRacing
      ? "If one request of a session waits for another, none of them can be late"
      : "If it is only slow, give more with --timeout")
  );
}

function whyStillIn({ target }: Facts, plain: PlainLogout): string {
  const { logout, status, leftProvider, isCutOff, hasForm } = plain;
  const still = `${logout} answers with ${status}, and the user is still logged in`;
  if (isCutOff && leftProvider) {
    return (
      `${still}. It leads on to ${leftProvider}, and may end the session on the way back: ` +
      "name that site with --provider, or the way back with --logout"
    );
  }
  if (hasForm && target.logout.method === "GET") {
    return `${still}. It answers with a form: name what that sends, as in --logout "POST /logout" --logout-body "…"`;
  }
  const wish = wishOf(target.logout, status, "--logout-");
  return `${still}: ${wish ?? "name another route with --logout"}`;
}

async function race(
  { alice, bob }: Users,
  facts: Facts,
  nobodys: Answer[],
  progress: (share: number) => void,
  leave: Leave,
): Promise<Found> {
  const { target } = facts;
  const asked = await askRoute(target, alice);
  // What her page shows may change with what she does, so it is looked at after that.
  const hers = [await load(alice, target.page), await load(alice, target.page)];
  const who = await learnPages(target, { hers, nobodys }, bob);
  const needed = await neededCookies(target, alice, who);
  progress(0.5);
  const use = facts.plain?.page ?? useOf(hers[0] as Answer);
  const late = await sendLate(target, alice, leave);
  const stream = await listen(target, alice, asked, leave);
  const socket = await listenToSocket(target, alice, leave);
  const agent = playedAgent(target, alice);
  const { seen, logout } = await logOut(target, agent, who, needed, use);
  facts.plain ??= seen;
  progress(0.7);
  facts.outliving = [
    ...((await stream?.()) ? [inWords(target.route)] : []),
    ...((await socket?.()) ? [`The WebSocket ${target.socket}`] : []),
  ];
  const stop = stopAfter({ ...facts, plain: seen, isRacing: true });
  if (stop || !logout) return stop ?? { diagnoses: diagnose(facts) };
  const known = { asked, logout, who, bob, needed };
  const finding = await letArrive(target, alice, late, known);
  progress(1);
  facts.race = finding;
  const unclear = await doubt(finding, logout.before);
  if (unclear) finding.verdict = "unclear";
  return {
    diagnoses: diagnose(facts),
    race: finding,
    ...(unclear && { unclear }),
  };
}

/** Why a logout that holds here may not hold in a browser. */
async function doubt(
  { copy, cookies, verdict }: Finding,
  before: Browser,
): Promise<string | undefined> {
  if (copy !== "first" || verdict === "affected") return undefined;
  const guessed = (await before.kept()).filter(
    ({ name, isGuessed }) => isGuessed && cookies.includes(withoutChunk(name)),
  );
  const [one] = guessed;
  if (!one) return undefined;
  return (
    "A Cookie header does not tell a cookie's Path, Domain and Partitioned, and this logout holds only " +
    `if the browser clears ${one.name}. Paste the login's Set-Cookie line as well, or log in in the window`
  );
}

/** Finds the cookies without which nobody is logged in, by leaving out halves of those in doubt. */
async function neededCookies(
  { cookie }: Target,
  browser: Browser,
  who: Recognizer,
): Promise<string[]> {
  if (cookie) return [cookie];
  const among = async (names: string[]): Promise<string[]> => {
    const lacking = await browser.fork();
    for (const name of names) await lacking.forget(name);
    const seen = await who(lacking);
    if (seen === "first") return [];
    if (names.length < 2) return seen === "nobody" ? names : [];
    const half = names.length >> 1;
    return [
      ...(await among(names.slice(0, half))),
      ...(await among(names.slice(half))),
    ];
  };
  const names = new Set((await browser.kept()).map(({ name }) => name));
  return [...new Set((await among([...names])).map(withoutChunk))];
}
