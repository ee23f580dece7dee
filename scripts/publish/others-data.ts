import { readAsset, writeAsset } from "../cli/assets.ts";
import type { Finding, Outcome, Unclear } from "../probe/late-response.ts";

/** What is kept of what the probe found: sizes are not, since those of signatures differ. */
export interface OfApp
  extends Pick<Finding, "verdict" | "cookies" | "copy" | "places"> {
  name: string;
  /** The request that is late. */
  request: string;
  /** What the responses to it and to the logout do to the session cookie. */
  effects: {
    request: Finding["route"]["effect"];
    logout: Finding["logout"]["effect"];
  };
}

/** What the probe said of small apps on other libraries, and of two snippets. */
export interface Others {
  apps: OfApp[];
  /** What it printed, by the snippet's name. */
  printed: Record<string, string>;
}

/** How each of the small apps uses its library, as tables tell it, and in their order. */
export const USES: Record<string, string> = {
  "express-session": "`resave: false`, session only read",
  "express-session-memorystore": "the same, with `memorystore`",
  "express-session-modified": "the route writes into the session",
  "express-session-destroy": "the same, and logout is `destroy()` alone",
  "express-session-resave": "`resave: true`",
  "express-session-rolling": "`resave: true`, `rolling: true`, `maxAge`",
  "fastify-session": "its own defaults",
  "cookie-session": "session only read",
  "iron-session": "session only read",
  "iron-session-save": "the route saves into the session",
  "koa-session": "its own defaults, a cookie",
  "koa-session-rolling": "`rolling: true`",
  "koa-session-store": "a store, the route writes into the session",
  "auth-js": "a JWT in the cookie",
};

/** Reads what the last run with `--write` saw. */
export const readOthers = (root: string): Others =>
  readAsset(root, "others.json");

/** Keeps what a run saw. */
export const writeOthers = (root: string, others: Others): void =>
  writeAsset(root, "others.json", others);

/** The rows of the table of other libraries, its head first. */
export function othersRows({ apps }: Others): string[][] {
  const rows = apps.map((app) => {
    const { name, places } = app;
    return [
      `${name}: ${USES[name]}`,
      inBrowser(app),
      afterwards(app, places.received),
      next(places.received),
    ];
  });
  const head = ["small app", "logged in again", "a copy", "the next user"];
  return [head, ...rows];
}

/** Where a request has to be when the logout overtakes it, so that the user is logged in again. */
function inBrowser({ places }: OfApp): string {
  const words = {
    sent: "on its way",
    received: "in the handler",
    answered: "on its way back",
  };
  const all = Object.keys(words) as (keyof typeof words)[];
  const lost = all.filter((place) => {
    const outcome = places[place];
    return !("unclear" in outcome) && outcome.browser === "first";
  });
  if (lost.length === 0) return "✓ never";
  if (lost.length === all.length) return "✗ always";
  return `✗ ${lost.map((place) => words[place]).join(", ")}`;
}

function afterwards({ copy }: OfApp, outcome: Outcome | Unclear): string {
  if (copy === "first") return "✗ works on";
  if ("unclear" in outcome) return "not known";
  return outcome.server === "first" ? "✗ works again" : "✓ is dead";
}

function next(outcome: Outcome | Unclear): string {
  if ("unclear" in outcome || !outcome.next) return "not known";
  const names = {
    first: "✗ is alice",
    second: "✓ stays",
    nobody: "✗ is logged out",
    unknown: "not known",
  };
  return names[outcome.next];
}
