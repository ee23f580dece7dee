import { EventEmitter, once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import { Writable } from "node:stream";
import type { Streams } from "../base/command.ts";

/** Asks questions on standard error, and reads the answers from standard input, a line each. */
export interface Prompt {
  /** Whether somebody sits there. */
  isTerminal: boolean;
  /**
   * Asks for a line.
   * @param isSecret whether a terminal must not show what is typed
   * @returns undefined when there are no more lines
   */
  line(question: string, isSecret?: boolean): Promise<string | undefined>;
  /** Forgets what somebody has typed before they were asked. What is piped in, nobody types. */
  forget(): void;
  /** Reads no more, so that the process can end. What is printed then begins a line. */
  close(): void;
}

/** Reads standard input, from the first question on. */
export function openPrompt({ stdin, stderr }: Streams): Prompt {
  const isTerminal = stdin.isTTY === true;
  let isSecret = false;
  const screen = new Writable({
    write(text, _, done) {
      if (!isSecret) stderr.write(text);
      done();
    },
  });
  let reader: Interface | undefined;
  const typed: string[] = [];
  let isEnd = false;
  let isOpen = false;
  const events = new EventEmitter();
  return {
    isTerminal,
    async line(question, secret = false) {
      if (isTerminal) stderr.write(question);
      isSecret = secret;
      isOpen = true;
      // On a terminal, readline shows what is typed itself, and so can leave it out.
      reader ??= createInterface({
        input: stdin,
        output: screen,
        terminal: isTerminal,
        // Then readline takes Ctrl-C for a key, and it has to be made a signal again.
      })
        .on("SIGINT", () => process.kill(process.pid, "SIGINT"))
        .on("line", (line) => {
          typed.push(line);
          events.emit("more");
        })
        .on("close", () => {
          isEnd = true;
          events.emit("more");
        });
      while (typed.length === 0 && !isEnd) await once(events, "more");
      if (isTerminal && secret) stderr.write("\n");
      isSecret = false;
      isOpen = false;
      return typed.shift()?.trim();
    },
    forget() {
      if (isTerminal) typed.length = 0;
    },
    close() {
      if (isTerminal && isOpen) stderr.write("\n");
      isOpen = false;
      reader?.close();
    },
  };
}
