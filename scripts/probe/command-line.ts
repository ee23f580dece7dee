import { parseArgs } from "node:util";
import { UsageError, wholeNumber } from "../base/command.ts";
import { isHere } from "./cookie-jar.ts";
import { hostOf, type Visited } from "./played-browser.ts";
import { ProbeError } from "./refusal.ts";
import { LIMITS } from "./requests.ts";
import type { Route, Target } from "./target.ts";
import { asksForLogin, nameOf } from "./trail.ts";

/** More than this is not asked of an app, so that a mistake of ours does not flood it. */
const MOST_REQUESTS = 150;

/** How many times longer than one request all of them may take. */
const ALL_TIMES = 12;

export const HELP = `Usage: npm run probe -- [options] URL

Somebody logs out of your app, and is logged in again. Why? This logs a user out
and looks: first with nothing in flight, then while a request is. It tells what
it was, and what to do about it. It sends the request up to 12 times, and no
more than ${MOST_REQUESTS} requests in all. It keeps nothing, and shows no cookie's value.

  npm run probe -- http://localhost:3000 --post /api/update

URL is the app's address, with the path under which it is, if that is not /.

Which request:
  --post PATH        the route whose response may be late
  --get, --put, --patch, --delete PATH
                     the same, with another method. One without a body can't
                     tell anything of an app with a session store
  --body TEXT        what to send ({}): JSON, or the fields of a form
  --header LINE      a header for it, such as "X-CSRF-Token: …"; can be repeated
  --page PATH        a page that shows who is logged in (/)
  --socket PATH      a WebSocket: does it end with the session?
  --cookie NAME      the session cookie, unless it finds that by itself
  --login PATH       the login (/login)

Which logout:
  --logout ROUTE     the logout (/logout), or "POST /logout", "DELETE /session"
  --logout-body TEXT, --logout-header LINE
                     what goes with it
  --fetch            a script of the page logs out, and not a link or a form
  --tokens PATH      what has the tokens (the page): {token:NAME} in a body or a
                     header is the field, <meta>, member or cookie of that name

Who logs in, by default by hand, in a browser that it opens. It logs out there,
and then asks to log in once more, for the request in flight. Or:
  --paste            take a Cookie header from standard input: paste what your
                     browser's network panel shows, or pipe it in. Then a second
                     line is the next user's. Set-Cookie lines of the login,
                     before it, tell what a Cookie header does not
  --as NAME          press the button of that name, as the servers of this
                     repository have it; a second one is the next user's

  --provider URL     another host to which a login or a logout may lead
  --timeout SECONDS  how long a request may take (5)
  --yes              do not ask before it goes to another machine
  --json             print what was found, as JSON
  -h, --help         print this

Exit code: 0 when the logout holds and nothing was found but notes, 1 when
something was, whatever it is, 2 when that could not be told, or for invalid
arguments.
`;

/** What a command line of the probe says. */
export type Options = ReturnType<typeof readCommandLine>;

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
      logout: { type: "string", default: "/logout" },
      "logout-body": { type: "string" },
      "logout-header": { type: "string", multiple: true, default: [] },
      fetch: { type: "boolean", default: false },
      tokens: { type: "string" },
      page: { type: "string", default: "/" },
      cookie: { type: "string" },
      socket: { type: "string" },
      paste: { type: "boolean" },
      as: { type: "string", multiple: true },
      login: { type: "string", default: "/login" },
      provider: { type: "string", multiple: true, default: [] },
      timeout: { type: "string", default: "5" },
      yes: { type: "boolean" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) {
    return { ...values, target: undefined as never, startClock() {} };
  }
  const { body, as, paste } = values;
  if (positionals.length !== 1) {
    throw new UsageError("give the address of one app");
  }
  const routes = METHODS.flatMap((method) => {
    const path = values[method.toLowerCase() as Lowercase<typeof method>];
    return path === undefined ? [] : { method, path };
  });
  const [route] = routes;
  if (!route || routes.length > 1) {
    throw new UsageError("name one route, with --post or with --get");
  }
  if (route.method === "GET" && body !== undefined) {
    throw new UsageError("--body goes with --post");
  }
  if (as && paste) throw new UsageError("give one of --as and --paste");
  if (as && as.length > 2) throw new UsageError("--as is given at most twice");
  const url = addressOf(positionals[0] ?? "");
  const under = (path: string) => pathUnder(url, path);
  const takesBody = ["POST", "PUT", "PATCH"].includes(route.method);
  const providers = values.provider.map(addressOf);
  const seconds = wholeNumber("timeout", values.timeout, 1);
  const app = guardedApp(url, providers, seconds, as !== undefined);
  const target: Target = {
    app,
    route: { method: route.method, path: under(route.path) },
    body: takesBody ? (body ?? "{}") : body,
    headers: Object.fromEntries(values.header.map(headerOf)),
    logout: logoutOf(values.logout, under),
    logoutBody: values["logout-body"],
    logoutHeaders: Object.fromEntries(values["logout-header"].map(headerOf)),
    isFetched: values.fetch,
    tokens: values.tokens && under(values.tokens),
    page: values.page === "/" ? url.pathname : under(values.page),
    login: under(values.login),
    cookie: values.cookie,
    socket: values.socket && under(values.socket),
    goesOn: as !== undefined || values.provider.length > 0,
  };
  return { ...values, target, startClock: app.startClock };
}

const METHODS = ["POST", "GET", "PUT", "PATCH", "DELETE"] as const;

function addressOf(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`${address} is no address like http://localhost:3000`);
  }
  if (url.search || url.hash || url.username || url.password) {
    throw new UsageError(`give the app's address alone: ${url.origin}`);
  }
  return url;
}

/** A path of the app, which may have all of its own under one. */
function pathUnder({ pathname }: URL, path: string): string {
  if (!/^\/(?!\/)/.test(path)) {
    const right = `/${path.replace(/^\/+/, "")}`;
    throw new UsageError(`a path begins with a slash: ${right}`);
  }
  const base = pathname.replace(/\/$/, "");
  const isUnder = path === base || path.startsWith(`${base}/`);
  return isUnder ? path : base + path;
}

function logoutOf(text: string, under: (path: string) => string): Route {
  const [, method = "GET", path = ""] =
    text.match(/^(?:([A-Z]{3,10}) )?(.*)$/i) ?? [];
  return { method: method.toUpperCase(), path: under(path) };
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

/**
 * Makes what is known of an app of which nobody knows what it does: its requests are counted, and go
 * to no host that nobody has named.
 * @param providers the other hosts that are named
 * @param seconds how long a request may take
 * @param trustsLogins whether a login may lead to a provider on this machine, as the servers of this
 * repository have it
 */
function guardedApp(
  url: URL,
  providers: URL[],
  seconds: number,
  trustsLogins: boolean,
): Visited & { startClock(): void } {
  const named = new Set([url, ...providers].map(({ origin }) => origin));
  const milliseconds = seconds * 1000;
  let sent = 0;
  let since: number | undefined;
  const mayAsk = (to: URL): boolean => {
    const isLogin = trustsLogins && asksForLogin(to);
    if (isLogin && isHere(url) && isHere(to)) named.add(to.origin);
    return named.has(to.origin);
  };
  return {
    baseURL: url.origin,
    limits: { ...LIMITS, milliseconds },
    mayAsk,
    /** Counts the time from here: what has gone by was the user's. */
    startClock() {
      since = undefined;
    },
    beforeSending(request) {
      if (!mayAsk(request.url)) {
        throw new ProbeError(`${hostOf(request.url)} is not asked`);
      }
      sent++;
      since ??= Date.now();
      const isLate = Date.now() - since > ALL_TIMES * milliseconds;
      if (sent > MOST_REQUESTS || isLate) {
        throw new ProbeError(
          `it would take more than ${MOST_REQUESTS} requests, or more than ` +
            `${ALL_TIMES * seconds} s: if it is slow, give more with --timeout`,
        );
      }
    },
    // What comes then is no answer.
    afterAnswer(request, { status }) {
      if (status !== 429) return;
      throw new ProbeError(
        `${nameOf(request)} answers with 429: the app limits how often it is asked. ` +
          "Raise that limit while the probe runs",
      );
    },
  };
}
