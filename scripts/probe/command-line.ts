import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { UsageError, wholeNumber } from "../base/command.ts";
import { MOST_SENT } from "./late.ts";

export const HELP = `Usage: npm run probe -- [options] URL

Somebody logs out of your app, and is logged in again. Why? This opens a
Chromium, in which you log in, use the app, and log out with its own button. It
watches, asks whether you are still logged in, and says what it was. Then you do
that once more, and it sends again what the app's page has sent, so that it is
late, up to ${MOST_SENT} times in all. It keeps nothing, and shows no cookie's value.

  npm run probe -- http://localhost:3000

URL is the app's address, with the path under which it is, if that is not /.

Options:
  --as NAME          play the person, without a window: click on the link, button
                     or form of that name, then on the app's log out. A second
                     one is the next user
  --next-user        let a next user log in by hand, too
  --page PATH        a page that shows who is logged in
  --provider URL     another host to which a login or a logout may lead
  --ca FILE          the authority that has signed the app's certificate
  --timeout SECONDS  how long a request may take (5)
  --yes              do not ask before it goes to another machine
  --json             print what was found, as JSON
  -h, --help         print this

Which request is late, where it is not to pick by itself what sets the cookie,
and what is slowest:
  --post PATH        this route; or --get, --put, --patch, --delete
  --body TEXT        what to send: JSON, or the fields of a form
  --header LINE      a header for it, such as "X-CSRF-Token: …"; can be repeated

Exit code: 0 when the logout held and nothing was found but notes, 1 when
something was, whatever it is, 2 when that could not be told, or for invalid
arguments.
`;

/** What a command line of the probe says. */
export type Options = ReturnType<typeof readCommandLine>;
export type Target = Options["target"];

const METHODS = ["POST", "GET", "PUT", "PATCH", "DELETE"] as const;

/**
 * Reads a command line.
 * @param words what comes after the command's name
 * @throws {UsageError} for invalid arguments
 */
export function readCommandLine(words: string[]) {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: {
      post: { type: "string" },
      get: { type: "string" },
      put: { type: "string" },
      patch: { type: "string" },
      delete: { type: "string" },
      body: { type: "string" },
      header: { type: "string", multiple: true, default: [] },
      page: { type: "string" },
      as: { type: "string", multiple: true, default: [] },
      "next-user": { type: "boolean", default: false },
      provider: { type: "string", multiple: true, default: [] },
      ca: { type: "string" },
      timeout: { type: "string", default: "5" },
      yes: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false, short: "h" },
    },
  });
  const { as, body, yes, json, help } = values;
  if (help) return { yes, json, help, target: undefined as never };
  if (positionals.length !== 1)
    throw new UsageError("give the address of one app");
  const routes = METHODS.flatMap((method) => {
    const path = values[method.toLowerCase() as Lowercase<typeof method>];
    return path === undefined ? [] : { method, path };
  });
  const [route] = routes;
  if (routes.length > 1)
    throw new UsageError("name one route, with --post or with --get");
  if (body !== undefined && (!route || route.method === "GET"))
    throw new UsageError("--body goes with --post");
  if (as.length > 2) throw new UsageError("--as is given at most twice");
  const url = addressOf(positionals[0] ?? "");
  const target = {
    ...{ url, body, as, nextUser: values["next-user"] },
    route: route && { ...route, path: pathUnder(url, route.path) },
    headers: Object.fromEntries(values.header.map(headerOf)),
    page: values.page === undefined ? undefined : pathUnder(url, values.page),
    providers: values.provider.map(addressOf),
    ca: values.ca === undefined ? undefined : read(values.ca),
    seconds: wholeNumber("timeout", values.timeout, 1),
  };
  return { yes, json, help, target };
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new UsageError(`--ca: there is no file ${file}`);
  }
}

function addressOf(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    throw new UsageError(`${address} is no address like http://localhost:3000`);
  if (url.search || url.hash || url.username || url.password)
    throw new UsageError(`give the app's address alone: ${url.origin}`);
  return url;
}

/** A path of the app, which may have all of its own under one. */
function pathUnder({ pathname }: URL, path: string): string {
  if (!/^\/(?!\/)/.test(path))
    throw new UsageError(
      `a path begins with a slash: /${path.replace(/^\/+/, "")}`,
    );
  const base = pathname.replace(/\/$/, "");
  return path === base || path.startsWith(`${base}/`) ? path : base + path;
}

function headerOf(line: string): [name: string, value: string] {
  const [, name, value] = line.match(/^([\w-]+):\s*(.*)$/) ?? [];
  if (!name) throw new UsageError(`--header takes "Name: value", not ${line}`);
  if (/^cookie$/i.test(name))
    throw new UsageError(
      "a cookie on the command line stands in your shell's history: log in by hand",
    );
  return [name.toLowerCase(), value ?? ""];
}
