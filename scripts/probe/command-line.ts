import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { UsageError } from "../cli/command.ts";
import type { Visited } from "../client/browser.ts";
import { ProbeError } from "./log-in.ts";
import type { Route, Target } from "./probe-app.ts";

/** More than this is not asked of an app, so that a mistake of ours does not flood it. */
const MOST_REQUESTS = 100;

export const HELP = `Usage: npm run probe -- [options] URL

Points the race at a running app, such as yours: a user logs out while a request
is in flight. Tells whether a late response logs the user in again, and what to
do about it. It logs a session out, sends the request up to 12 times, and no
more than ${MOST_REQUESTS} requests in all. It keeps nothing, and shows no cookie's value.

  npm run probe -- http://localhost:3000 --post /api/update

Which request:
  --post PATH        the route whose response may be late
  --get PATH         the same, for a GET
  --body TEXT        what to post ({}), as JSON unless a header says otherwise
  --header LINE      a header for it, such as "X-CSRF-Token: …"; can be repeated
  --logout ROUTE     the logout (/logout), or "POST /logout"
  --page PATH        a page that shows who is logged in (/)
  --cookie NAME      the session cookie, unless it finds that by itself

Who logs in, unless told otherwise by hand, in a browser that it opens:
  --paste            take a Cookie header from standard input: paste what your
                     browser's network panel shows, or pipe it in. A second line
                     is the next user's
  --as NAME          press the button of that name, as the servers of this
                     repository have it; a second one is the next user's
  --login PATH       where that form is (/login)
  --next-user        also log in as somebody else, who comes after the first on
                     the same browser

  --ca FILE          trust this certificate authority, in PEM, over https
  --yes              do not ask before it goes to another machine
  --json             print what was found, as JSON
  -h, --help         print this

Exit code: 0 when a late response does not undo the logout, 1 when it does, 2
when that could not be told, or when the command line makes no sense.
`;

/** What a command line of the probe says. */
export type Options = ReturnType<typeof readCommandLine>;

/**
 * Reads a command line.
 * @param words what comes after the command's name
 * @throws {UsageError} when it makes no sense
 */
export function readCommandLine(words: string[]) {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: {
      post: { type: "string" },
      get: { type: "string" },
      body: { type: "string" },
      header: { type: "string", multiple: true, default: [] },
      logout: { type: "string", default: "/logout" },
      page: { type: "string", default: "/" },
      cookie: { type: "string" },
      paste: { type: "boolean" },
      as: { type: "string", multiple: true },
      login: { type: "string", default: "/login" },
      "next-user": { type: "boolean" },
      ca: { type: "string" },
      yes: { type: "boolean" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return { ...values, target: undefined as never };
  const { post, get, body, as, paste } = values;
  if (positionals.length !== 1) {
    throw new UsageError("give the address of one app");
  }
  if ((post === undefined) === (get === undefined)) {
    throw new UsageError("name one route, with --post or with --get");
  }
  if (get !== undefined && body !== undefined) {
    throw new UsageError("--body goes with --post");
  }
  if (as && paste) throw new UsageError("give one of --as and --paste");
  if (as && as.length > 2) throw new UsageError("--as is given at most twice");
  if (as?.length === 1 && values["next-user"]) {
    throw new UsageError("name the next user with a second --as");
  }
  const route = { method: post ? "POST" : "GET", path: pathOf(post ?? get) };
  const target: Target = {
    app: appAt(positionals[0] ?? "", values.ca),
    route: route as Route,
    body: post === undefined ? undefined : (body ?? "{}"),
    headers: Object.fromEntries(values.header.map(headerOf)),
    logout: logoutOf(values.logout),
    page: pathOf(values.page),
    cookie: values.cookie,
    goesOn: as !== undefined,
  };
  return { ...values, target };
}

/** Makes what is known of an app, whose requests are counted. */
function appAt(address: string, caFile: string | undefined): Visited {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`${address} is no address like http://localhost:3000`);
  }
  if (url.pathname !== "/" || url.search || url.username) {
    throw new UsageError(`give the app's address alone: ${url.origin}`);
  }
  let sent = 0;
  return {
    baseURL: url.origin,
    now: Date.now,
    ...(caFile && { ca: certificateIn(caFile) }),
    beforeSending() {
      sent++;
      if (sent > MOST_REQUESTS) {
        throw new ProbeError(
          `it would take more than ${MOST_REQUESTS} requests`,
        );
      }
    },
  };
}

function certificateIn(file: string): string {
  try {
    const text = readFileSync(file, "utf8");
    if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  } catch {
    throw new UsageError(`--ca: ${file} can't be read`);
  }
  throw new UsageError(`--ca: ${file} has no certificate in PEM`);
}

function pathOf(path = ""): string {
  if (path.startsWith("/") && !path.startsWith("//")) return path;
  throw new UsageError(
    `a path begins with a slash: /${path.replace(/^\/+/, "")}`,
  );
}

function logoutOf(text: string): Route {
  const [, method = "GET", path] = text.match(/^(?:(GET|POST) )?(.*)$/i) ?? [];
  return {
    method: method.toUpperCase() as Route["method"],
    path: pathOf(path),
  };
}

function headerOf(line: string): [name: string, value: string] {
  const [, name, value] = line.match(/^([\w-]+):\s*(.*)$/) ?? [];
  if (!name) throw new UsageError(`--header takes "Name: value", not ${line}`);
  if (name.toLowerCase() === "cookie") {
    throw new UsageError(
      "a cookie on the command line stands in your shell's history: use --paste",
    );
  }
  return [name.toLowerCase(), value ?? ""];
}
