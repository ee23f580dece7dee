import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Finding, Outcome, Unclear } from "../probe/late-response.ts";
import type { Who } from "../probe/target.ts";

/** Where `npm run others` keeps what it saw, from the top folder. */
export const OTHERS_FILE = join("assets", "others.json");

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
  "auth-js": "a JWT in the cookie",
};

/** Reads what the last run with `--write` saw. */
export const readOthers = (root: string): Others =>
  JSON.parse(readFileSync(join(root, OTHERS_FILE), "utf8"));

/** The rows of the table of other libraries, its head first. */
export function othersRows({ apps }: Others): string[][] {
  const rows = apps.map((app) => {
    const { name, request, places } = app;
    const { sent, received, answered } = places;
    return [
      name,
      USES[name] ?? "",
      request,
      ...[sent, received, answered].map(inBrowser),
      afterwards(app, received),
      next(received),
    ];
  });
  const head = [
    "small app",
    "how it uses its library",
    "late request",
    "on its way",
    "in the handler",
    "on its way back",
    "a copy of the cookie",
    "next user",
  ];
  return [head, ...rows];
}

const inBrowser = (outcome: Outcome | Unclear): string =>
  "unclear" in outcome ? "not known" : IN_BROWSER[outcome.browser];

const IN_BROWSER: Record<Who, string> = {
  first: "logged in",
  second: "somebody else",
  nobody: "logged out",
  unknown: "not known",
};

function afterwards({ copy }: OfApp, outcome: Outcome | Unclear): string {
  if (copy === "first") return "works on";
  if ("unclear" in outcome) return "not known";
  return outcome.server === "first" ? "works again" : "is dead";
}

function next(outcome: Outcome | Unclear): string {
  if ("unclear" in outcome || !outcome.next) return "not known";
  const names = { first: "alice", second: "bob", nobody: "none", unknown: "?" };
  return names[outcome.next];
}
