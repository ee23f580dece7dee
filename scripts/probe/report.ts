import type { LateOutcome, Place, Unclear, Who } from "../base/results.ts";
import { paint, plainTable, textOf, wrap } from "../base/terminal.ts";
import type { Diagnosis, Facts } from "./causes.ts";
import type { Target } from "./command-line.ts";
import type { Finding } from "./late.ts";
import { does, type Login, type Logout } from "./logout.ts";
import type { Found } from "./run-probe.ts";
import { isAsking, nameOf, printable } from "./words.ts";

const SMALLER = "posts/2026-11-27-smaller-fixes.md";
const WHOLE = "posts/2026-11-27-which-fix.md";
const OTHERS = "posts/2026-11-27-other-libraries.md#what-i-have-read";

/** The remedies of the posts for express-openid-connect, for whom each is, and where it is told; the smallest first. */
export const ADVICE = [
  [
    "fix-ordering: if it is this route alone, and it need not know its user",
    `${SMALLER}#move-the-route`,
  ],
  [
    "fix-read-only-route: if it is this route alone, and it has to know its user",
    `${SMALLER}#make-the-route-read-only`,
  ],
  [
    "fix-complete-cookie: if it should be whole (any route, old copies, next user)",
    `${WHOLE}#i-have-cookie-sessions-and-no-store`,
  ],
  [
    "fix-complete: if it should be whole, and there is a session store",
    `${WHOLE}#i-have-a-session-store`,
  ],
];

/** What other libraries have for it, by the cookie that tells them. */
const SETTINGS: [RegExp, string][] = [
  [
    /^connect\.sid$/,
    "express-session: resave: false, rolling: false, and a logout that clears the cookie",
  ],
  [/^koa[.:]sess/, "koa-session: rolling: false, renew: false"],
  [/^sessionId$/, "@fastify/session: rolling: false, saveUninitialized: false"],
  [
    /(authjs|next-auth)\.session-token/,
    "Auth.js: a page that stops asking for the session before it logs out",
  ],
  [/^__session/, "nextjs-auth0: rolling: false"],
];

/** Picks what fits the app: the library's fixes only where its cookie, its route and a provider were seen. */
function adviceFor({ login: { needed, hops }, race }: Facts): string[][] {
  if (!race?.findings.some(({ verdict }) => verdict === "affected")) return [];
  const isLibrary =
    needed.some((name) => name.startsWith("appSession")) &&
    hops.some(({ url }) => url.pathname.endsWith("/callback")) &&
    hops.some(({ url }) => isAsking(url));
  if (isLibrary) return race.copy === "first" ? ADVICE : ADVICE.slice(-1);
  const rule =
    "No answer but the login's may set a session, and no write may make an ended one live again.";
  const known = SETTINGS.filter(([is]) => needed.some((name) => is.test(name)));
  return [rule, ...known.map(([, setting]) => setting)].map((one) => [
    one,
    OTHERS,
  ]);
}

const PLACES: [Place, string][] = [
  ["sent", "on its way to the server"],
  ["received", "in its handler"],
  ["answered", "on its way back"],
];

/** Tells what the logout's answers did to the session's cookies. */
const effectOf = ({ trail, own }: Logout): "set" | "cleared" | "untouched" =>
  trail.some((hop) => does(true, own, hop))
    ? "cleared"
    : trail.some((hop) => does(false, own, hop))
      ? "set"
      : "untouched";

/** The ordinary answers that set the session's cookie. */
const ordinary = ({ use, needed }: Login): string[] => [
  ...new Set(
    use
      .filter((hop) => does(false, needed, hop))
      .map((hop) => `${nameOf(hop)} (${hop.status})`),
  ),
];

/** Tells what was found, for programs. */
export function inJson(target: Target, { facts, diagnoses, unclear }: Found) {
  const { login, logout, race } = facts ?? {};
  const all = race?.findings.map(({ verdict }) => verdict) ?? [];
  const verdict = (["affected", "unclear", "held"] as const).find((one) =>
    all.includes(one),
  );
  return {
    verdict: verdict ?? "not looked at",
    url: target.url.origin,
    ...{ diagnoses, unclear, copy: race?.copy, findings: race?.findings ?? [] },
    cookies: login?.needed.map(printable),
    ordinary: login && ordinary(login),
    logout: logout && {
      request: logout.hop && nameOf(logout.hop),
      held: !logout.isIn,
      effect: effectOf(logout),
    },
    advice: facts ? adviceFor(facts) : [],
  };
}

/** Tells what was found, in plain words, at most 80 columns wide. */
export function inWords({ facts, diagnoses, unclear }: Found): string {
  const findings = facts?.race?.findings ?? [];
  const advice = facts ? adviceFor(facts) : [];
  const parts = [
    facts ? aboutPlain(facts) : [],
    ...findings.flatMap(aboutLate),
    ...diagnoses
      .filter(({ name }) => name !== "race" || findings.length === 0)
      .map(diagnosisInWords),
    verdictsOf(facts, diagnoses),
    unclear
      ? [paint("yellow", `COULD NOT TELL: ${unclear.replace(/\w$/, "$&.")}`)]
      : [],
    advice.length > 0
      ? [
          "What to do:",
          ...advice.flatMap(([fix, link]) => [`  ${fix}`, `      ${link}`]),
        ]
      : [],
  ];
  return parts
    .filter(({ length }) => length > 0)
    .map((lines) =>
      lines
        .flatMap((line) => wrap(line, line.startsWith("  ") ? 2 : 0))
        .join("\n"),
    )
    .join("\n\n");
}

function aboutPlain({ login, logout, race }: Facts): string[] {
  if (!logout) return [];
  const { needed } = login;
  const sets = ordinary(login).slice(0, 5).join(", ");
  const can = sets
    ? `Ordinary answers set it again, and can be late: ${sets}.`
    : "No ordinary answer that was seen sets it again.";
  const effect = {
    set: "sets it",
    cleared: "clears it",
    untouched: "leaves it alone",
  }[effectOf(logout)];
  const isOut = logout.isIn ? "still logged in" : "logged out";
  const did = needed.length > 0 ? `${effect}, and ` : "";
  return [
    needed.length > 0
      ? `The session is in the cookie ${needed.map(printable).join(" and ")}. ${can}`
      : "No single cookie has the session.",
    `The logout, ${logout.hop ? `${nameOf(logout.hop)} (${logout.hop.status ?? "no answer"}), ${did}` : ""}the user is ${isOut}.`.replace(
      "logout, the",
      "logout: the",
    ),
    ...(race
      ? [
          `A copy of the cookie from before ${race.copy === "first" ? "still works" : "does not work any more"}.`,
        ]
      : []),
  ];
}

/** Who is logged in in the browser, comes with a copy, and is the next user, in a table's words. */
const WORDS: Record<Who, [browser: string, copy: string, next: string]> = {
  first: ["logged in again", "works", "the first user"],
  second: ["somebody else", "somebody else's", "themselves"],
  nobody: ["logged out", "does not work", "nobody"],
  unknown: ["not known", "not known", "not known"],
};

function cells(outcome: LateOutcome | Unclear): string[] {
  if ("unclear" in outcome) return WORDS.unknown;
  const { browser, server, next } = outcome;
  const [late] = WORDS[browser];
  const painted = browser === "nobody" ? late : paint("red", late);
  return [painted, WORDS[server][1], next ? WORDS[next][2] : "not asked"];
}

function aboutLate({
  request,
  status,
  isStream,
  ms,
  effect,
  places,
  when,
}: Finding): string[][] {
  const head = [
    `The user logs out while\n${request} is`,
    "\nin the browser",
    "a copy of\nthe old cookie",
    "the next user\nis taken for",
  ];
  const table = plainTable(head);
  for (const [place, name] of PLACES)
    table.push([name, ...cells(places[place])]);
  const untold = PLACES.flatMap(([place, name]) => {
    const seen = places[place];
    return "unclear" in seen ? [`Not known ${name}: ${seen.unclear}.`] : [];
  });
  const does = {
    set: "sets the cookie again",
    cleared: "clears the cookie",
    untouched: "leaves the cookie alone",
  }[effect];
  const about = `${request} (${status}${isStream ? ", a stream" : `, ${ms} ms`}) ${does}.`;
  return [
    [when ? `${about} ${when}` : about],
    textOf(table).split("\n"),
    untold,
  ];
}

function diagnosisInWords({
  name,
  level,
  title,
  seen,
  advice,
  link,
}: Diagnosis): string[] {
  const head =
    level === "found"
      ? paint("red", `FOUND: ${title} (${name})`)
      : paint("yellow", `NOTE: ${title} (${name})`);
  return [
    head,
    ...seen.map((line) => `  ${line}`),
    `  What to do: ${advice}`,
    link,
  ];
}

/** Says what was seen, and not more. */
function verdictsOf(
  facts: Facts | undefined,
  diagnoses: Diagnosis[],
): string[] {
  const { logout, race } = facts ?? {};
  const namesOf = (verdict: Finding["verdict"]) =>
    (race?.findings ?? [])
      .filter((one) => one.verdict === verdict)
      .map(({ request }) => request)
      .join(" and ");
  const [bad, held] = [namesOf("affected"), namesOf("held")];
  const isElse = diagnoses.some(
    ({ name, level }) => level === "found" && name !== "race",
  );
  const isWell = logout && !logout.isIn && !isElse && !bad;
  const lines = [
    bad && paint("red", `AFFECTED: a late ${bad} undoes the logout.`),
    held && (isElse || bad) && `A late ${held} does not undo the logout.`,
    isWell &&
      held &&
      paint("green", `THIS LOGOUT HELD here, with ${held} in flight.`),
    isWell && !held && "This logout held here, with nothing in flight.",
    race?.copy === "first" &&
      !bad &&
      "But it ends nothing on the server: a copy of the cookie works on, and should not (OWASP ASVS 5.0, 7.4.1).",
  ];
  return lines.filter(
    (line) => typeof line === "string" && line !== "",
  ) as string[];
}
