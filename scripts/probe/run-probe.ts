import {
  endProgress,
  exitCodeOf,
  progressLine,
  type Streams,
} from "../cli/command.ts";
import { openPrompt, type Prompt } from "../cli/prompt.ts";
import { wrap } from "../cli/terminal.ts";
import { AppWindow, openWindow } from "./app-window.ts";
import { HELP, type Options, readCommandLine } from "./command-line.ts";
import { isHere } from "./guarded-app.ts";
import { logInAs, stranger, withCookies } from "./log-in.ts";
import { type Found, probe, type Users } from "./probe-app.ts";
import { foundInJson, foundInWords } from "./probe-report.ts";
import { reasonOf } from "./refusal.ts";
import { inWords, ProbeError } from "./target.ts";

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
  input: Prompt;
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
  const input = openPrompt(streams);
  const run: Run = { options, streams, input, closeWindow: async () => {} };
  try {
    return await Promise.race([cancelled, examine(run)]);
  } catch (error) {
    input.close();
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
  options.startClock();
  const found = await probe(target, users, progressLine("Probing", streams));
  endProgress(streams);
  streams.stdout.write(
    json
      ? `${JSON.stringify(foundInJson(target, found), null, 2)}\n`
      : `${foundInWords(target, found)}\n`,
  );
  return exitCodeFor(found);
}

function exitCodeFor({ diagnoses, race, unclear }: Found): number {
  const levels = diagnoses.map(({ level }) => level);
  if (levels.includes("found")) return 1;
  if (unclear || race?.verdict === "unclear") return 2;
  return 0;
}

/** Lets the user say no before a host is asked that is not this machine. */
async function askBeforeOthers(
  { target, yes }: Options,
  input: Prompt,
): Promise<void> {
  const url = new URL(target.app.baseURL);
  if (yes || isHere(url)) return;
  const { hostname } = url;
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
async function logIn(run: Run): Promise<Users> {
  const { options, input } = run;
  const { target, as, paste } = options;
  const { app } = target;
  const isTwo = options["next-user"] ?? false;
  if (as) {
    const [alice = "", bob] = as;
    const enter = (name: string) => logInAs(app, name, target.login as string);
    return {
      alice: await enter(alice),
      bob: bob === undefined ? undefined : await enter(bob),
      again: () => enter(alice),
    };
  }
  if (paste) {
    const first = await pasted(input, "The Cookie header (it is not shown): ");
    const alice = await withCookies(app, first);
    // Who pipes in one user's lines has one user.
    const second =
      isTwo || !input.isTerminal
        ? await pasted(input, "The next user's (it is not shown): ")
        : [];
    if (second.length === 0) {
      if (isTwo) throw new ProbeError("there is no second Cookie header");
      return { alice };
    }
    return { alice, bob: await withCookies(app, second) };
  }
  return logInByHand(run, isTwo);
}

/** Lets whoever is wanted log in by hand, in windows. */
async function logInByHand(run: Run, isTwo: boolean): Promise<Users> {
  const { options, streams, input } = run;
  const { target, startClock } = options;
  streams.stderr.write("A browser window opens.\n");
  const real = await openWindow();
  run.closeWindow = () => real.close();
  const prompt = async (question: string) => {
    endProgress(streams);
    const text = wrap(question, 0).join("\n");
    if (!input.isTerminal) streams.stderr.write(`${text}\n`);
    // Who sees nothing happen presses Enter once more. That answers no question that comes later.
    input.forget();
    const line = await input.line(`${text} `);
    startClock();
    return line;
  };
  const window = await AppWindow.open(
    target,
    real,
    prompt,
    "Log in in the browser window. Then press Enter in this terminal.",
  );
  const other = isTwo
    ? await AppWindow.open(
        target,
        real,
        prompt,
        "Log in as somebody else in the second window. Then press Enter in this terminal.",
      )
    : undefined;
  return {
    alice: await window.cookies(),
    bob: await other?.cookies(),
    window,
    async again() {
      await window.logIn(
        `${inWords(target.logout)} has logged you out. Log in once more in the ${isTwo ? "first" : "browser"} ` +
          "window. Then press Enter in this terminal: you are logged out again, with a request in flight.",
      );
      return window.cookies();
    },
  };
}

/** Reads a user's cookies: lines of `Set-Cookie`, if there are any, and then one of `Cookie`. */
async function pasted(input: Prompt, question: string): Promise<string[]> {
  const lines = [];
  for (;;) {
    const line = await input.line(question, true);
    if (line) lines.push(line);
    if (!line || !/^set-cookie:/i.test(line)) return lines;
  }
}
