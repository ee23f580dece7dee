import type {
  CookieEffect,
  LateOutcome,
  Place,
  Unclear,
  Who,
} from "../base/results.ts";
import { paint, plainTable, textOf, wrap } from "../base/terminal.ts";
import type { Diagnosis } from "./diagnoses.ts";
import { type Finding, isThrownOut, PLACES } from "./late-response.ts";
import { printable } from "./plain-logout.ts";
import type { Found } from "./probe-app.ts";
import { inWords, type Target } from "./target.ts";

const SMALLER = "posts/2026-11-27-smaller-fixes.md";
const WHOLE = "posts/2026-11-27-which-fix.md";

const remedy = (fix: string, when: string, link: string) => ({
  ...{ fix, when, link },
});

/** The remedies of the posts, for whom each is, and where it is told; the smallest first. */
export const ADVICE = [
  remedy(
    "fix-ordering",
    "it is this route alone, and it need not know its user",
    `${SMALLER}#move-the-route`,
  ),
  remedy(
    "fix-read-only-route",
    "it is this route alone, and it has to know its user",
    `${SMALLER}#make-the-route-read-only`,
  ),
  remedy(
    "fix-complete-cookie",
    "it should be whole (any route, old copies, next user)",
    `${WHOLE}#i-have-cookie-sessions-and-no-store`,
  ),
  remedy(
    "fix-complete",
    "it should be whole, and there is a session store",
    `${WHOLE}#i-have-a-session-store`,
  ),
];

/** Picks the remedies that fit what was found. */
function adviceFor(finding: Finding): typeof ADVICE {
  if (finding.verdict === "affected") {
    return finding.copy === "first" ? ADVICE : ADVICE.slice(-1);
  }
  const isWhole = finding.copy === "nobody" && !isThrownOut(finding);
  return isWhole ? [] : ADVICE.slice(-2);
}

const PLACE_NAMES: Record<Place, string> = {
  sent: "on its way to the server",
  received: "in its handler",
  answered: "on its way back",
};

/** Tells what was found, in plain words, at most 80 columns wide. */
export function foundInWords(
  target: Target,
  { diagnoses, race, unclear }: Found,
): string {
  // The race has its own words.
  const others = diagnoses.filter(
    ({ name }) => !race || !["race", "mirror-race"].includes(name),
  );
  return [
    ...(race ? [raceInWords(target, race, others.some(isFound))] : []),
    ...others.map(diagnosisInWords),
    ...(unclear
      ? [
          wrap(`${paint("yellow", "COULD NOT TELL")}: ${unclear}.`, 0).join(
            "\n",
          ),
        ]
      : []),
  ].join("\n\n");
}

/** The same, for programs. */
export function foundInJson(target: Target, found: Found): object {
  const { diagnoses, race, unclear } = found;
  const { verdict = "not asked", ...rest } = race ?? {};
  return {
    verdict,
    url: target.app.baseURL,
    request: inWords(target.route),
    diagnoses,
    ...(unclear && { unclear }),
    ...rest,
    advice: race ? adviceFor(race) : [],
  };
}

const isFound = ({ level }: Diagnosis): boolean => level === "found";

function diagnosisInWords(diagnosis: Diagnosis): string {
  const { title, seen, advice, link } = diagnosis;
  const head = isFound(diagnosis)
    ? paint("red", `FOUND: ${title}`)
    : paint("yellow", `NOTE: ${title}`);
  const lines = [
    ...wrap(head, 0),
    ...seen.flatMap((line) => wrap(`  ${line}`, 2)),
    ...wrap(`  What to do: ${advice}`, 2),
    // It is as long as a line may be.
    link,
  ];
  return lines.join("\n");
}

/** @param isElse whether it is something else that logs the user in again */
function raceInWords(
  target: Target,
  finding: Finding,
  isElse: boolean,
): string {
  const { route, logout, cookies, copy, places } = finding;
  const table = plainTable([
    `The user logs out while\n${inWords(target.route)} is`,
    "\nin the browser",
    "a copy of\nthe old cookie",
    "the next user\nis taken for",
  ]);
  for (const place of PLACES) {
    table.push([PLACE_NAMES[place], ...cells(places[place])]);
  }
  const parts = [
    [
      `The session is in the cookie ${cookies.map(printable).join(" and ")}.`,
      `${inWords(target.route)} (${route.status}${route.isStream ? ", a stream" : ""}) ${effect(route)}${route.isStream ? ", in its headers" : ""}.`,
      `${inWords(target.logout)} (${logout.status}) ${effect(logout)}. A copy from before ` +
        `${copy === "first" ? "still works" : "does not work any more"}.`,
    ],
    textOf(table).split("\n"),
    ...notes(target, finding).map((note) => [note]),
    verdictInWords(target, finding, isElse),
    ...adviceInWords(finding),
  ];
  return parts
    .map((lines) => lines.flatMap((line) => wrap(line, 0)).join("\n"))
    .join("\n\n");
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
  return [
    browser === "nobody" ? late : paint("red", late),
    WORDS[server][1],
    next ? WORDS[next][2] : "not asked",
  ];
}

function effect({ effect, bytes }: CookieEffect): string {
  if (effect === "set") return `sets it again, ${bytes} bytes`;
  return effect === "cleared" ? "clears it" : "leaves it alone";
}

/** What is not known, and what to do about it. */
function notes(target: Target, finding: Finding): string[] {
  const { orders, leftAt } = finding;
  const lines = [];
  if (orders) {
    lines.push(
      `Of the ${orders.of} orders in which this can happen, ${orders.browser} leave the browser ` +
        `logged in, and after ${orders.server} a copy works.`,
    );
  }
  for (const place of PLACES) {
    const outcome = finding.places[place];
    if ("unclear" in outcome) {
      lines.push(`Not known ${PLACE_NAMES[place]}: ${outcome.unclear}.`);
    }
  }
  if (isThrownOut(finding)) {
    lines.push("A late response throws out whoever has logged in since.");
  }
  if (finding.afterLateLogout === "nobody") {
    lines.push(
      `A script sends ${inWords(target.logout)}: if it goes to the login without waiting for the ` +
        "answer, that throws out whoever has logged in.",
    );
  }
  if (finding.verdict === "affected") {
    lines.push(
      `A page that waits for ${inWords(target.route)} before it logs out does not run into ` +
        "this. Another tab of it still can.",
    );
  }
  if (leftAt) {
    lines.push(
      `The logout leads on to ${leftAt}, and the probe did not follow. What the app is told from ` +
        "there, as in a back-channel logout, it has not seen.",
    );
  }
  return lines;
}

function verdictInWords(
  { route }: Target,
  finding: Finding,
  isElse: boolean,
): string[] {
  const late = `a late ${inWords(route)}`;
  if (finding.verdict === "unclear") {
    return [paint("yellow", `COULD NOT TELL whether ${late} undoes a logout.`)];
  }
  if (finding.verdict === "affected") {
    return [paint("red", `AFFECTED: ${late} undoes a logout.`)];
  }
  return [
    isElse
      ? `NOT THE RACE: ${late} does not undo a logout.`
      : paint("green", `SAFE: ${late} does not undo a logout.`),
    ...(finding.copy === "first"
      ? [
          "But the logout ends nothing on the server: a copy of the cookie works on, and should not " +
            "(OWASP ASVS 5.0, 7.4.1).",
        ]
      : []),
  ];
}

function adviceInWords(finding: Finding): string[][] {
  const lines = adviceFor(finding).flatMap(({ fix, when, link }) => [
    `  ${fix}: if ${when}`,
    `      ${link}`,
  ]);
  return lines.length > 0 ? [["What to do:", ...lines]] : [];
}
