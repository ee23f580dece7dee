import type { Browser as RealBrowser } from "puppeteer-core";
import {
  endProgress,
  exitCodeOf,
  progressLine,
  type Streams,
} from "../base/command.ts";
import { wrap } from "../base/terminal.ts";
import { AppWindow, openWindow } from "./app-window.ts";
import { HELP, type Options, readCommandLine } from "./command-line.ts";
import { isHere } from "./cookie-jar.ts";
import { logInAs, withCookies } from "./log-in.ts";
import { Browser } from "./played-browser.ts";
import { probe, type Users } from "./probe-app.ts";
import { foundInJson, foundInWords } from "./probe-report.ts";
import { openPrompt, type Prompt } from "./prompt.ts";
import { ProbeError, reasonOf } from "./refusal.ts";
import { inWords } from "./target.ts";

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
  const windows: RealBrowser[] = [];
  try {
    const examined = examine(options, streams, input, windows);
    return await Promise.race([cancelled, examined]);
  } catch (error) {
    input.close();
    endProgress(streams);
    streams.stderr.write(
      `probe: ${reasonOf(error, options.target.app.baseURL)}\n`,
    );
    return 2;
  } finally {
    input.close();
    for (const real of windows) await real.close();
  }
}

async function examine(
  options: Options,
  streams: Streams,
  input: Prompt,
  windows: RealBrowser[],
): Promise<number> {
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
  const hello = new Browser(app);
  await hello.exchange(await hello.compose("navigate", "GET", page));
  const users =
    options.as || options.paste
      ? await logIn(options, input)
      : await logInByHand(options, streams, input, windows);
  options.startClock();
  const found = await probe(target, users, progressLine("Probing", streams));
  endProgress(streams);
  streams.stdout.write(
    json
      ? `${JSON.stringify(foundInJson(target, found), null, 2)}\n`
      : `${foundInWords(target, found)}\n`,
  );
  if (found.diagnoses.some(({ level }) => level === "found")) return 1;
  return found.unclear || found.race?.verdict === "unclear" ? 2 : 0;
}

/** Lets the user say no before a host is asked that is not this machine. */
async function askBeforeOthers(
  { target, yes }: Options,
  input: Prompt,
): Promise<void> {
  const url = new URL(target.app.baseURL);
  if (yes || isHere(url)) return;
  const doubt = `${url.hostname} is not this machine`;
  if (!input.isTerminal) throw new ProbeError(`${doubt}: say --yes if you may`);
  const answer = await input.line(`${doubt}. Is it yours to test? (y/N) `);
  if (/^y(es)?$/i.test(answer ?? "")) return;
  throw new ProbeError("then it is left alone");
}

/** Logs in whoever is wanted, in the way that the command line says. */
async function logIn({ target, as }: Options, input: Prompt): Promise<Users> {
  const { app } = target;
  if (as) {
    const [alice = "", bob] = as;
    const enter = (name: string) => logInAs(app, name, target.login as string);
    return {
      alice: await enter(alice),
      bob: bob === undefined ? undefined : await enter(bob),
      again: () => enter(alice),
    };
  }
  const alice = await withCookies(app, await pasted(input));
  // Who pastes at a terminal has one user.
  const second = input.isTerminal ? [] : await pasted(input);
  if (second.length === 0) return { alice };
  return { alice, bob: await withCookies(app, second) };
}

/** Lets a user log in by hand, in a window. */
async function logInByHand(
  { target, startClock }: Options,
  streams: Streams,
  input: Prompt,
  windows: RealBrowser[],
): Promise<Users> {
  streams.stderr.write("A browser window opens.\n");
  const real = await openWindow();
  windows.push(real);
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
  return {
    alice: await window.cookies(),
    window,
    async again() {
      await window.logIn(
        `${inWords(target.logout)} has logged you out. Log in once more in the browser ` +
          "window. Then press Enter in this terminal: you are logged out again, with a request in flight.",
      );
      return window.cookies();
    },
  };
}

/** Reads a user's cookies: lines of `Set-Cookie`, if there are any, and then one of `Cookie`. */
async function pasted(input: Prompt): Promise<string[]> {
  const lines = [];
  for (;;) {
    const line = await input.line(
      "The Cookie header (it is not shown): ",
      true,
    );
    if (line) lines.push(line);
    if (!line || !/^set-cookie:/i.test(line)) return lines;
  }
}
