import type { Who } from "../base/results.ts";
import { type Finding, isThrownOut } from "./late-response.ts";
import type { LoggedIn, PlainLogout } from "./plain-logout.ts";
import { printable, type Uncleared } from "./plain-logout.ts";
import { inWords, type Target } from "./target.ts";

const POST = "posts/2026-11-27-is-it-this-bug.md";
const RACE = "posts/2026-11-27-which-fix.md#take-one-file";

/** All that a diagnosis is made from. */
export interface Facts {
  target: Target;
  /** Whether the page showed the user at one time and a stranger at another, before any logout. */
  isAlternating?: boolean;
  /** What a stranger got who came after the user. */
  leak?: "page" | "cookie";
  plain?: PlainLogout;
  /** Whether a request was in flight during that logout. */
  isRacing?: boolean;
  /** What became of late responses. */
  race?: Finding;
  /** The streams and sockets of the user that are still open after the logout. */
  outliving?: string[];
}

/** What is wrong, by name. */
export interface Diagnosis {
  name: string;
  /** `found` breaks a logout, or hides it; a `note` does not: it is said, and that is all. */
  level: "found" | "note";
  title: string;
  seen: string[];
  advice: string;
  /** Where the posts tell of it. */
  link: string;
}

interface Row extends Pick<Diagnosis, "name" | "link" | "title"> {
  level?: (facts: Facts) => Diagnosis["level"];
  /** What is seen when it is this, a sentence each; nothing when it is not. */
  seen(facts: Facts): (string | false | undefined)[];
  advice: string | ((facts: Facts) => string);
}

/** All that can be wrong. */
export const ROWS: Row[] = [
  {
    name: "shared-cache",
    link: `${POST}#a-shared-cache`,
    title: "A SHARED CACHE gives one user's answers to others.",
    seen: ({ leak, target }) => [
      leak === "cookie" &&
        `A stranger with no cookie asks for ${pageOf(target)}, gets the user's session cookie, and is logged in as the user.`,
      leak === "page" &&
        `A stranger with no cookie asks for ${pageOf(target)}, and gets the user's page. With another query after it, they do not.`,
    ],
    advice:
      "Turn that cache off now, or have it leave out what has Set-Cookie. Answer with " +
      "Cache-Control: private, no-store wherever somebody is logged in. Then end all sessions.",
  },
  {
    name: "unshared-sessions",
    link: `${POST}#processes-that-share-nothing`,
    title: "Several processes DO NOT SHARE their sessions.",
    seen: ({ isAlternating, plain, target }) => [
      isAlternating &&
        `${pageOf(target)} shows the user as logged in at one time and as a stranger at another, with no logout between.`,
      isMixed(plain?.later) &&
        `After ${plain?.logout}, ${pageOf(target)} shows the user as logged in at one time and as logged out at another.`,
    ],
    advice:
      "Keep the sessions where all processes see them, such as in Redis. A balancer that sends " +
      "each user to one process only hides it, until that process restarts.",
  },
  {
    name: "logout-failed",
    link: `${POST}#the-logout-fails`,
    title: "The logout FAILS.",
    seen: ({ plain }) => [
      plain?.failure &&
        !plain.isHanging &&
        `${plain.logout}: ${plain.failure}.`,
      (plain?.status ?? 0) >= 500 &&
        `${plain?.logout} answers with ${plain?.status}, and the user is ${isIn(plain) ? "still logged in" : "logged out all the same"}.`,
    ],
    advice:
      "The app's own log has the reason. Often it is a function that is not there, or one that " +
      "wants a callback (req.logout since Passport 0.6), or a store that can't be asked.",
  },
  {
    name: "logout-too-early",
    link: `${POST}#the-logout-answers-too-early`,
    title: "The logout answers TOO EARLY.",
    seen: ({ plain }) => [
      plain?.atOnce.includes("first") &&
        !isIn(plain) &&
        `Right after ${plain.logout} has answered, the user is logged in. A moment later they are not.`,
    ],
    advice:
      "Answer when the session has ended: in the callback of req.logout, destroy or save, or " +
      "after an await.",
  },
  {
    name: "silent-login",
    link: `${POST}#a-silent-login`,
    title: "A SILENT LOGIN logs the user in again.",
    seen: ({ plain }) => [
      plain?.again?.isSilent &&
        `After ${plain.logout}, the app asks the provider at ${plain.again.via ?? plain.provider} with prompt=none, and it answers.`,
      plain?.wouldAsk &&
        !plain.leftProvider &&
        `After ${plain.logout}, the app asks the provider at ${plain.wouldAsk} with prompt=none, and the logout has not gone there.`,
    ],
    advice:
      "End the provider's session, too (idpLogout: true), or do not try a silent login after a " +
      "logout. A logout of your own has to do what the library's does: it remembers that.",
  },
  {
    name: "provider-session",
    link: `${POST}#the-provider-still-knows-the-user`,
    title: "The PROVIDER'S SESSION outlives the logout.",
    seen: ({ plain }) => {
      if (!plain || plain.again?.isSilent || plain.wouldAsk) return [];
      const { again, unasked, provider, leftProvider, isCutOff, isFetched } =
        plain;
      const isFollowed = again?.via ?? unasked?.via;
      return [
        again?.via &&
          `After ${plain.logout}, the app sends the browser to the provider at ${again.via}. It asks nothing, and ${inNoTime(again)}.`,
        unasked?.via &&
          `After ${plain.logout}, a click on log in leads to the provider at ${unasked.via}. It asks nothing, and ${inNoTime(unasked)}.`,
        !isFollowed &&
          provider !== undefined &&
          leftProvider === undefined &&
          `A login leads to the provider at ${provider}, and ${plain.logout} never goes there.`,
        isFetched &&
          isCutOff &&
          leftProvider !== undefined &&
          `${plain.logout} leads on to ${leftProvider}. The page's script fetches it, and a fetch is stopped there (CORS).`,
      ];
    },
    advice: ({ plain }) =>
      plain?.isFetched && plain.leftProvider
        ? "Go to the logout, with a link or location.assign, in place of fetch."
        : "Log out at the provider, too: idpLogout: true in express-openid-connect, elsewhere the " +
          "provider's end_session_endpoint. If the other apps should stay logged in, ask for " +
          "prompt=login at the next login.",
  },
  {
    name: "clearing-does-not-match",
    link: `${POST}#the-clearing-does-not-match`,
    title: "The logout's Set-Cookie DOES NOT MATCH the cookie.",
    seen: ({ plain }) =>
      (plain?.uncleared ?? []).map(
        ({ name, reasons }) =>
          reasons.length > 0 &&
          `The cookie ${printable(name)} is still there after ${plain?.logout}. ${reasonsOf({ name, reasons })}`,
      ),
    advice:
      "Clear the cookie with the name, Path, Domain, Secure, SameSite and Partitioned that it was " +
      "set with. And end the session on the server, so that it does not depend on this.",
  },
  {
    name: "second-credential",
    link: `${POST}#a-second-credential`,
    title: "A SECOND CREDENTIAL logs the user in again.",
    seen: ({ plain }) => {
      if (!plain || isMixed(plain.later)) return [];
      const { credentials, again, unasked } = plain;
      return [
        ...credentials.map(
          (name) =>
            `The session has ended, and the cookie ${printable(name)} is still there. It logs the user in again.`,
        ),
        credentials.length === 0 &&
          again !== undefined &&
          !again.via &&
          !again.isSilent &&
          `After ${plain.logout}, ${again.by ?? "the page"} logs the user in again, without a provider.`,
        unasked &&
          !unasked.via &&
          `After ${plain.logout}, a click on log in asks nothing, and logs the user in again. A stranger is asked.`,
      ];
    },
    advice:
      "Have the logout clear that one, too, and revoke it on the server: a remember-me cookie, a " +
      "refresh token.",
  },
  {
    name: "only-looks-logged-in",
    link: `${POST}#the-page-only-looks-logged-in`,
    // What the back button shows is history, as in most apps. What a click or a reload shows is not.
    level: ({ plain }) =>
      plain?.page.isShown || (plain?.page.isKeptFor ?? 0) > 0
        ? "found"
        : "note",
    title: "Logged out, but it DOES NOT LOOK so.",
    seen: ({ plain, target }) => {
      if (!plain || isIn(plain) || plain.failure) return [];
      const { page, clearsCache } = plain;
      return [
        page.isFromWorker &&
          `A service worker of ${pageOf(target)} answers from a cache of its own, and shows the user's page.`,
        page.isKeptFor > 0 &&
          !(clearsCache && page.isShown === undefined) &&
          `A browser may show ${pageOf(target)} for ${page.isKeptFor} s without asking: it says so in Cache-Control or Expires.`,
        page.isShown &&
          !page.isFromWorker &&
          page.isKeptFor === 0 &&
          `The window shows the user's page all the same. A script of it has kept that, it seems.`,
        page.isKeptForBack &&
          !(clearsCache && page.isShown === undefined) &&
          (page.isShown === undefined
            ? `The back button can show the user's page again: ${pageOf(target)} comes without Cache-Control: no-store.`
            : "In the window, the back button shows the user's page again."),
      ];
    },
    advice:
      "Answer with Cache-Control: no-store wherever somebody is logged in, or reload on pageshow. " +
      'A logout can send Clear-Site-Data: "cache". A service worker should not keep such pages.',
  },
  {
    name: "stream-lives-on",
    link: `${POST}#a-stream-lives-on`,
    title: "A STREAM LIVES ON after the logout.",
    seen: ({ outliving, plain }) =>
      (outliving ?? []).map(
        (what) => `${what} was open before ${plain?.logout}, and still is.`,
      ),
    advice: "Close the streams and sockets of a session when it ends.",
  },
  {
    name: "race",
    link: RACE,
    title: "A LATE RESPONSE logs the user in again.",
    seen: ({ race, target }) => [
      race?.verdict === "affected" &&
        `A late ${inWords(target.route)} undoes the logout.`,
    ],
    advice: "Take the smallest remedy that fits.",
  },
  {
    name: "mirror-race",
    link: `${POST}#the-next-user-is-thrown-out`,
    level: () => "note",
    title: "A late response THROWS OUT the next user.",
    seen: ({ race, plain, target }) => [
      race &&
        isThrownOut(race) &&
        `When somebody else has logged in meanwhile, a late ${inWords(target.route)} ends their session.`,
      race?.afterLateLogout === "nobody" &&
        `A script sends ${plain?.logout}. When somebody logs in before that is answered, its answer ends their session.`,
    ],
    advice: ({ race }) =>
      race?.afterLateLogout === "nobody"
        ? "Let the script wait for the answer, and only then go to the login."
        : "Let no response clear a cookie that it was not sent.",
  },
];

/** Finds what is wrong, by what was seen; it may be more than one thing. */
export function diagnose(facts: Facts): Diagnosis[] {
  return ROWS.flatMap(({ name, title, level, seen, advice, link }) => {
    const lines = seen(facts).filter((line) => typeof line === "string");
    if (lines.length === 0) return [];
    return {
      name,
      level: level?.(facts) ?? "found",
      title,
      seen: lines,
      advice: typeof advice === "string" ? advice : advice(facts),
      link,
    };
  });
}

const pageOf = ({ page }: Target): string =>
  inWords({ method: "GET", path: page });

export const isIn = (plain: PlainLogout | undefined): boolean =>
  plain?.later.includes("first") ?? false;

const isMixed = (later: Who[] = []): boolean =>
  later.includes("first") && later.includes("nobody");

const inNoTime = ({ by }: LoggedIn): string =>
  by ? `${by} sets a new session cookie` : "the user is logged in again";

const reasonsOf = ({ reasons }: Uncleared): string =>
  reasons.map((reason) => `The logout clears it ${reason}.`).join(" ");
