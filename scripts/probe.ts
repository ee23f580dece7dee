import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import {
  endProgress,
  progressLine,
  runCommand,
  UsageError,
  untilSignal,
} from "./cli/command.ts";
import { type Asking, asking } from "./cli/prompt.ts";
import { wrap } from "./cli/terminal.ts";
import { type Browser, ForeignForm, type Visited } from "./client/browser.ts";
import {
  logInAs,
  logInByHand,
  openWindow,
  ProbeError,
  stranger,
  withCookies,
} from "./probe/log-in.ts";
import { inWords, probe, type Route, type Target } from "./probe/probe-app.ts";
import { adviceFor, findingInWords } from "./probe/probe-report.ts";

/** More than this is not asked of an app, so that a mistake of ours does not flood it. */
const MOST_REQUESTS = 100;

const HELP = `Usage: npm run probe -- [options] URL

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

/** Runs the command, and returns its exit code. */
async function main(): Promise<number> {
  const options = readCommandLine();
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const cancel = untilSignal();
  const cancelled = new Promise<number>((resolve) => {
    cancel.addEventListener("abort", () => resolve(cancel.reason));
  });
  const input = asking();
  const window = { close: async () => {} };
  try {
    return await Promise.race([cancelled, run(options, input, window)]);
  } catch (error) {
    endProgress();
    console.error(`probe: ${reasonOf(error, options.target)}`);
    return 2;
  } finally {
    input.close();
    await window.close();
    // A request that is held would keep the process alive.
    if (cancel.aborted) process.exit(cancel.reason);
  }
}

type Options = ReturnType<typeof readCommandLine>;

async function run(
  options: Options,
  input: Asking,
  window: { close(): Promise<void> },
): Promise<number> {
  const { target, json } = options;
  const { app, route, logout, page } = target;
  const say = json ? console.error : console.log;
  const [what, how] = [inWords(route), inWords(logout)];
  const plan =
    `At ${app.baseURL}, a user logs out by ${how} while ${what} is in flight. ` +
    `This ends the session, and sends ${what} up to 12 times.`;
  say(`${wrap(plan, 0).join("\n")}\n`);
  await askBeforeOthers(options, input);
  // Nobody should log in by hand and then hear that the app is not there.
  const hello = await stranger(app).compose("navigate", "GET", page);
  await stranger(app).exchange(hello);
  const users = await logIn(options, input, window);
  const [, bob] = users;
  const [name] = options.as ?? [];
  const finding = await probe(
    target,
    users,
    name ? () => logInAs(app, name, options.login) : bob && (async () => bob),
    progressLine("Racing"),
  );
  endProgress();
  if (json) {
    const { verdict, ...rest } = finding;
    const advice = adviceFor(finding);
    console.log(
      JSON.stringify(
        { verdict, url: app.baseURL, request: inWords(route), ...rest, advice },
        null,
        2,
      ),
    );
  } else {
    console.log(findingInWords(target, finding));
  }
  return { safe: 0, affected: 1, unclear: 2 }[finding.verdict];
}

/** Lets the user say no before a host is asked that is not this machine. */
async function askBeforeOthers(
  { target, yes }: Options,
  input: Asking,
): Promise<void> {
  const { hostname } = new URL(target.app.baseURL);
  if (yes || /^(localhost|.*\.localhost|127\.[\d.]+|\[::1\])$/.test(hostname)) {
    return;
  }
  if (!input.isTerminal) {
    throw new ProbeError(
      `${hostname} is not this machine: say --yes if you may`,
    );
  }
  const answer = await input.line(
    `${hostname} is not this machine. Is it yours to test? (y/N) `,
  );
  if (!/^y(es)?$/i.test(answer ?? ""))
    throw new ProbeError("then it is left alone");
}

/** Logs in whoever is wanted, in the way that the command line says. */
async function logIn(
  options: Options,
  input: Asking,
  window: { close(): Promise<void> },
): Promise<[Browser, Browser?]> {
  const { target, as, paste, login } = options;
  const { app } = target;
  const isTwo = options["next-user"] ?? false;
  if (as) {
    const browsers = [];
    for (const name of as) browsers.push(await logInAs(app, name, login));
    return browsers as [Browser, Browser?];
  }
  if (paste) {
    const first = await input.line(
      "The Cookie header (it is not shown): ",
      true,
    );
    const alice = await withCookies(app, first ?? "");
    // Who pipes in one line has one user.
    const second =
      isTwo || !input.isTerminal
        ? await input.line("The next user's (it is not shown): ", true)
        : undefined;
    if (!second && isTwo)
      throw new ProbeError("there is no second Cookie header");
    return second ? [alice, await withCookies(app, second)] : [alice];
  }
  const real = await openWindow();
  window.close = () => real.close();
  const ask = async (question: string) => {
    if (!input.isTerminal) console.error(question);
    return input.line(question);
  };
  const alice = await logInByHand(
    app,
    real,
    ask,
    "Log in in the window that opens, and then press Enter here. ",
  );
  const bob = isTwo
    ? await logInByHand(
        app,
        real,
        ask,
        "Now log in as somebody else, and press Enter again. ",
      )
    : undefined;
  await real.close();
  window.close = async () => {};
  return bob ? [alice, bob] : [alice];
}

function readCommandLine() {
  const { values, positionals } = parseArgs({
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

/** Says in a line why the app could not be asked. */
function reasonOf(error: unknown, { app }: Target): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const { origin, host, protocol } = new URL(app.baseURL);
  if (error instanceof ProbeError || error instanceof ForeignForm) {
    return message;
  }
  if (code === "ECONNREFUSED") {
    return `nothing answers at ${origin}: is the app running?`;
  }
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return `there is no host ${host}: is the address right?`;
  }
  if (code === "EPROTO" || code?.startsWith("ERR_SSL_")) {
    return `${host} does not speak https: try http://${host}`;
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return `the certificate of ${host} is for another host`;
  }
  if (code && /CERT|SIGNED|ISSUER|VERIFY/.test(code)) {
    return `nobody known has signed the certificate of ${host}: give its authority with --ca`;
  }
  if (/^(ECONNRESET$|UND_ERR_SOCKET$|HPE_)/.test(code ?? "")) {
    const other = protocol === "http:" ? "https" : "http";
    return `${host} hangs up: does it want ${other}?`;
  }
  // Every other mistake of the network has a code or our own words, and the rest are ours.
  if (code || /^(it does not answer|GET|POST)/.test(message)) return message;
  throw error;
}

await runCommand("probe", main);
