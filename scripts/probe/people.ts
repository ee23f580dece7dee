import { createInterface, type Interface } from "node:readline";
import { endProgress, type Streams } from "../base/command.ts";
import { wrap } from "../base/terminal.ts";
import { now, type Window } from "./chromium.ts";
import { CONTROLS, LOG_IN, LOG_OUT } from "./sights.ts";
import { ProbeError } from "./words.ts";

/** Who logs in and out in a window. */
export interface Person {
  /** Logs in, and uses the app. */
  logIn(window: Window, again: boolean): Promise<void>;
  /** Logs out as ever. */
  logOut(window: Window, again: boolean): Promise<void>;
  /** Whether they say that they are logged in; undefined of one who is played. */
  saysIn?: boolean;
}

/** Asks somebody at a terminal, on standard error, and gets a line each. */
export class Prompt {
  readonly #streams: Streams;
  #reader: Interface | undefined;
  #lines: NodeJS.AsyncIterator<string> | undefined;

  constructor(streams: Streams) {
    this.#streams = streams;
  }

  get isTerminal(): boolean {
    return this.#streams.stdin.isTTY === true;
  }

  /** @throws {ProbeError} when nobody answers */
  async isYes(question: string): Promise<boolean> {
    endProgress(this.#streams);
    const { stdin, stderr } = this.#streams;
    this.#reader ??= createInterface({ input: stdin });
    this.#lines ??= this.#reader[Symbol.asyncIterator]();
    for (;;) {
      stderr.write(`${wrap(`${question} (y/n)`, 0).join("\n")}\n`);
      const { value, done } = await this.#lines.next();
      if (done) throw new ProbeError("nobody answers: use --as in a script");
      if (/^\s*[yn]/i.test(value)) return /^\s*y/i.test(value);
    }
  }

  close = (): void => this.#reader?.close();
}

/** Somebody at the machine, in a window that they see. */
export class Hand implements Person {
  saysIn = false;
  readonly #prompt: Prompt;
  readonly #url: string;
  readonly #whose: string;

  /** @param whose what is said of who it is */
  constructor(prompt: Prompt, url: string, whose: string) {
    this.#prompt = prompt;
    this.#url = url;
    this.#whose = whose;
  }

  async #ask(window: Window, question: string): Promise<void> {
    await window.page.bringToFront().catch(() => {});
    const answer = this.#prompt.isYes(question);
    this.saysIn = await Promise.race([answer, window.gone]);
    await window.settle();
  }

  async logIn(window: Window, again: boolean): Promise<void> {
    if (!again) await window.go(this.#url);
    const first = `A browser window is open. Log in there${this.#whose}, and use the app: what is slow, what saves.`;
    const more =
      "Now with requests in flight: log in once more in the window, and do there what you did before.";
    await this.#ask(
      window,
      `${again ? more : first} Do not log out yet. Are you logged in now?`,
    );
  }

  logOut = (window: Window, again: boolean): Promise<void> =>
    this.#ask(
      window,
      `Log out${again ? " once more" : ""} in the window, in the way that you always do, and look at the app again. Are you still logged in?`,
    );
}

/** A person who is played. */
export class Played implements Person {
  readonly #name: string;
  readonly #url: URL;

  constructor(name: string, url: URL) {
    this.#name = name;
    this.#url = url;
  }

  /** Goes to a route of the app that has no link. */
  #visit(window: Window, path: string): Promise<void> {
    const { pathname } = this.#url;
    return window.go(new URL(pathname.replace(/\/?$/, path), this.#url).href);
  }

  async logIn(window: Window): Promise<void> {
    const isIn = () => click(window, { name: this.#name });
    await window.go(this.#url.href);
    if (await click(window, { pattern: LOG_OUT, isDry: true })) return;
    if (await isIn()) return;
    if ((await click(window, { pattern: LOG_IN })) && (await isIn())) return;
    const from = now();
    await this.#visit(window, "/login");
    const isAsked = window.since(from).some(({ status }) => status === 401);
    if (isAsked || (await isIn())) return;
    // A browser that was asked for a password has it by now.
    if (window.since(from).some(({ headers }) => isSent(headers))) return;
    throw new ProbeError(
      `neither the page nor its login has a link, button or form with the name “${this.#name}”: leave out --as, and log in by hand`,
    );
  }

  async logOut(window: Window): Promise<void> {
    await window.go(this.#url.href);
    const from = now();
    if (!(await click(window, { pattern: LOG_OUT })))
      await this.#visit(window, "/logout");
    // A page that asks first is no answer yet.
    const [first] = window.since(from);
    const asks = `${LOG_OUT}|^(?:yes|ok|confirm|continue)\\b`;
    if (first?.kind === "Document" && /200|304/.test(`${first.status}`))
      await click(window, { pattern: asks, isForm: true });
  }
}

/** Whether a browser has sent a name and a password by itself. */
export const isSent = (headers: Record<string, string>): boolean =>
  Object.entries(headers).some(
    ([name, value]) =>
      /^authorization$/i.test(name) && /^basic|^digest/i.test(value),
  );

/** What to click on: what has a name, or is for something. */
interface Aim {
  name?: string;
  pattern?: string;
  /** Whether it has to send a form with POST. */
  isForm?: boolean;
  /** Whether it is only looked for. */
  isDry?: boolean;
}

/** Clicks on something, if it is there, and waits for what comes of it. */
async function click(window: Window, aim: Aim): Promise<boolean> {
  const isThere = await window.ask(`(() => {${CONTROLS}
    const { name, pattern, isForm, isDry } = ${JSON.stringify(aim)};
    const is = pattern && new RegExp(pattern, "i");
    const word = name?.toLowerCase();
    const fits = name ? [
      (one) => labelOf(one).toLowerCase() === word,
      (one) => labelOf(one).toLowerCase().split(/[^\\p{L}\\p{N}@._-]+/u).includes(word),
      (one) => [one.name, one.value, one.form?.name].includes(name),
    ] : [(one) => isFor(one, is), (one) => !isDry && is.test(aimOf(one))];
    const all = controls().filter((one) => !isForm || one.form?.method === "post");
    for (const some of [all.filter(isShown), isDry ? [] : all])
      for (const fit of fits) {
        const found = some.find(fit);
        if (!found) continue;
        // It returns before the page is gone.
        if (!isDry) setTimeout(() => found.click());
        return true;
      }
    return false;
  })()`);
  if (isThere && !aim.isDry) await window.settle();
  return isThere === true;
}
