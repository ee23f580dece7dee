import { paint, plainTable, textOf, wrap } from "../cli/terminal.ts";
import type { CookieEffect } from "../client/cookie-effect.ts";
import { printable } from "./clearing.ts";
import type { Diagnosis } from "./diagnoses.ts";
import {
  type Finding,
  type Outcome,
  PLACES,
  type Place,
  type Unclear,
} from "./late-response.ts";
import type { Found } from "./probe-app.ts";
import { inWords, type Target, type Who } from "./target.ts";

const SMALLER = "posts/2026-11-27-smaller-fixes.md";
const WHOLE = "posts/2026-11-27-which-fix.md";

/** A remedy of the posts, for whom it is, and where it is told. */
interface Advice {
  fix: string;
  when: string;
  link: string;
}

/** All that it can give. */
export const ADVICE = {
  ordering: {
    fix: "fix-ordering",
    when: "it is this route alone, and it need not know its user",
    link: `${SMALLER}#move-the-route`,
  },
  readOnly: {
    fix: "fix-read-only-route",
    when: "it is this route alone, and it has to know its user",
    link: `${SMALLER}#make-the-route-read-only`,
  },
  cookie: {
    fix: "fix-complete-cookie",
    when: "it should be whole (any route, old copies, next user)",
    link: `${WHOLE}#i-have-cookie-sessions-and-no-store`,
  },
  store: {
    fix: "fix-complete",
    when: "it should be whole, and there is a session store",
    link: `${WHOLE}#i-have-a-session-store`,
  },
} satisfies Record<string, Advice>;

/** Picks the remedies that fit what was found, the smallest first. */
function adviceFor(finding: Finding): Advice[] {
  if (finding.verdict === "affected") {
    return finding.copy === "first"
      ? [ADVICE.ordering, ADVICE.readOnly, ADVICE.cookie, ADVICE.store]
      : [ADVICE.store];
  }
  const isWhole = finding.copy === "nobody" && !isThrownOut(finding);
  return isWhole ? [] : [ADVICE.cookie, ADVICE.store];
}

const known = ({ places }: Finding): Outcome[] =>
  Object.values(places).flatMap((one) => ("unclear" in one ? [] : one));

/** Whether the next user loses the session to a late response. */
const isThrownOut = (finding: Finding): boolean =>
  known(finding).some(({ next }) => next === "nobody");

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
    ...(unclear ? [doubtInWords(unclear)] : []),
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

const doubtInWords = (unclear: string): string =>
  wrap(`${paint("yellow", "COULD NOT TELL")}: ${unclear}.`, 0).join("\n");

/** @param isElse whether it is something else that logs the user in again */
function raceInWords(
  target: Target,
  finding: Finding,
  isElse: boolean,
): string {
  const { route, logout, cookies, copy, places, orders, leftAt } = finding;
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
    ...(orders ? [[ordersInWords(orders)]] : []),
    ...notes(target, finding).map((note) => [note]),
    ...(leftAt
      ? [
          [
            `The logout leads on to ${leftAt}, and the probe did not follow. What the app is ` +
              "told from there, as in a back-channel logout, it has not seen.",
          ],
        ]
      : []),
    verdictInWords(target, finding, isElse),
    ...adviceInWords(finding),
  ];
  return parts
    .map((lines) => lines.flatMap((line) => wrap(line, 0)).join("\n"))
    .join("\n\n");
}

function cells(outcome: Outcome | Unclear): string[] {
  if ("unclear" in outcome) return ["not known", "not known", "not known"];
  const { browser, server, next } = outcome;
  const late = WHO[browser];
  return [
    browser === "nobody" ? late : paint("red", late),
    COPY[server],
    next ? NEXT[next] : "not asked",
  ];
}

const COPY: Record<Who, string> = {
  first: "works",
  second: "somebody else's",
  nobody: "does not work",
  unknown: "not known",
};

const WHO: Record<Who, string> = {
  first: "logged in again",
  second: "somebody else",
  nobody: "logged out",
  unknown: "not known",
};

const NEXT: Record<Who, string> = {
  first: "the first user",
  second: "themselves",
  nobody: "nobody",
  unknown: "not known",
};

function effect({ effect, bytes }: CookieEffect): string {
  if (effect === "set") return `sets it again, ${bytes} bytes`;
  return effect === "cleared" ? "clears it" : "leaves it alone";
}

const ordersInWords = ({
  of,
  browser,
  server,
}: {
  of: number;
  browser: number;
  server: number;
}) =>
  `Of the ${of} orders in which this can happen, ${browser} leave the browser logged in, ` +
  `and after ${server} a copy works.`;

/** What is not known, and what to do about it. */
function notes(target: Target, finding: Finding): string[] {
  const lines = PLACES.flatMap((place) => {
    const outcome = finding.places[place];
    return "unclear" in outcome
      ? `Not known ${PLACE_NAMES[place]}: ${outcome.unclear}.`
      : [];
  });
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
  return lines;
}

function verdictInWords(
  { route }: Target,
  finding: Finding,
  isElse: boolean,
): string[] {
  const what = inWords(route);
  if (finding.verdict === "unclear") {
    return [
      paint("yellow", `COULD NOT TELL whether a late ${what} undoes a logout.`),
    ];
  }
  if (finding.verdict === "affected") {
    return [paint("red", `AFFECTED: a late ${what} undoes a logout.`)];
  }
  return [
    isElse
      ? `NOT THE RACE: a late ${what} does not undo a logout.`
      : paint("green", `SAFE: a late ${what} does not undo a logout.`),
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
