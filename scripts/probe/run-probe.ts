import {
  endProgress,
  exitCodeOf,
  progressLine,
  type Streams,
} from "../cli/command.ts";
import { type Asking, asking } from "../cli/prompt.ts";
import { wrap } from "../cli/terminal.ts";
import type { Browser } from "../client/browser.ts";
import { HELP, type Options, readCommandLine } from "./command-line.ts";
import {
  logInAs,
  logInByHand,
  openWindow,
  ProbeError,
  stranger,
  withCookies,
} from "./log-in.ts";
import { inWords, probe } from "./probe-app.ts";
import { adviceFor, findingInWords } from "./probe-report.ts";
import { reasonOf } from "./refusal.ts";

/**
 * Runs the command, and returns its exit code.
 * @param words what comes after the command's name
 * @param cancel aborts to end it at once; its reason is the exit code then
 */
export const runProbe = (
  words: string[],
  streams: Streams,
  cancel: AbortSignal,
): Promise<number> =>
  exitCodeOf("probe", () => main(words, streams, cancel), streams.stderr);

/** What the parts of a run share. */
interface Run {
  options: Options;
  streams: Streams;
  input: Asking;
  /** Closes the browser in which somebody logs in by hand, if one is open. */
  closeWindow(): Promise<void>;
}

async function main(
  words: string[],
  streams: Streams,
  cancel: AbortSignal,
): Promise<number> {
  const options = readCommandLine(words);
  if (options.help) {
    streams.stdout.write(HELP);
    return 0;
  }
  const cancelled = new Promise<number>((resolve) => {
    cancel.addEventListener("abort", () => resolve(cancel.reason));
  });
  const input = asking(streams);
  const run: Run = { options, streams, input, closeWindow: async () => {} };
  try {
    return await Promise.race([cancelled, examine(run)]);
  } catch (error) {
    endProgress(streams);
    streams.stderr.write(`probe: ${reasonOf(error, options.target)}\n`);
    return 2;
  } finally {
    input.close();
    await run.closeWindow();
  }
}

async function examine(run: Run): Promise<number> {
  const { options, streams, input } = run;
  const { target, json } = options;
  const { app, route, logout, page } = target;
  const print = (text: string) => void streams.stdout.write(`${text}\n`);
  const [what, how] = [inWords(route), inWords(logout)];
  const plan =
    `At ${app.baseURL}, a user logs out by ${how} while ${what} is in flight. ` +
    `This ends the session, and sends ${what} up to 12 times.`;
  const aside = json ? streams.stderr : streams.stdout;
  aside.write(`${wrap(plan, 0).join("\n")}\n\n`);
  await askBeforeOthers(options, input);
  // Nobody should log in by hand and then hear that the app is not there.
  const hello = await stranger(app).compose("navigate", "GET", page);
  await stranger(app).exchange(hello);
  const users = await logIn(run);
  const [, bob] = users;
  const [name] = options.as ?? [];
  const finding = await probe(
    target,
    users,
    name ? () => logInAs(app, name, options.login) : bob && (async () => bob),
    progressLine("Racing", streams),
  );
  endProgress(streams);
  if (json) {
    const { verdict, ...rest } = finding;
    const advice = adviceFor(finding);
    print(
      JSON.stringify(
        { verdict, url: app.baseURL, request: inWords(route), ...rest, advice },
        null,
        2,
      ),
    );
  } else {
    print(findingInWords(target, finding));
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
async function logIn(run: Run): Promise<[Browser, Browser?]> {
  const { options, streams, input } = run;
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
  run.closeWindow = () => real.close();
  const ask = async (question: string) => {
    if (!input.isTerminal) streams.stderr.write(`${question}\n`);
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
  run.closeWindow = async () => {};
  return bob ? [alice, bob] : [alice];
}
