import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { UsageError } from "../base/command.ts";
import { ROOT } from "../base/root.ts";
import { findRedis, HOW_TO_INSTALL_REDIS } from "../bed/redis.ts";

/** The folder of this repository's snippets. */
export const SNIPPETS = join(ROOT, "snippets");

/** The names of the snippets in a folder. */
export const snippetNames = (folder = SNIPPETS): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".ts"))
    .map((file) => basename(file, ".ts"));

/** The path of a snippet. */
export const fileOf = (name: string, folder = SNIPPETS): string =>
  join(folder, `${name}.ts`);

/** The comment at the end of a snippet, as one line: what is expected of it. */
export const expectationIn = (source: string): string =>
  (source.match(/\n((?:\/\/.*\r?\n)+)$/)?.[1] ?? "").replace(
    /\r?\n?\/\/ ?/g,
    " ",
  );

/** Reads that comment. */
export const expectationOf = (name: string, folder?: string): string =>
  expectationIn(readFileSync(fileOf(name, folder), "utf8"));

/** Whether a snippet says that it seldom writes a session, so that time has to pass first. */
export const isTriedLate = (name: string, folder?: string): boolean =>
  expectationOf(name, folder).includes(" Tried after half a day.");

/** Whether a snippet does not start without a Redis. */
export const needsRedis = (name: string, folder?: string): boolean =>
  expectationOf(name, folder).includes(" Needs Redis.");

/** Whether a snippet keeps something in Redis, when there is one. */
export const usesRedis = (name: string, folder?: string): boolean =>
  / (?:Needs|Can use) Redis\./.test(expectationOf(name, folder));

/**
 * Leaves out the snippets that can't start on this machine, and says so, by their names.
 * @returns the others
 */
export function withoutSkipped(names: string[], folder?: string): string[] {
  if (findRedis()) return names;
  const skipped = names.filter((name) => needsRedis(name, folder));
  for (const name of skipped) {
    console.error(`${name} is skipped: no Redis (${HOW_TO_INSTALL_REDIS})`);
  }
  return names.filter((name) => !skipped.includes(name));
}

/**
 * Reads the names of snippets from a command line.
 * @param words names, or paths, as a shell completes them
 * @param known all names, in the order of tables
 * @returns each once; without any, all that are there
 * @throws {UsageError} when there is no such snippet
 */
export function namesFrom(words: string[], known: string[]): string[] {
  const asked = words.map((word) => basename(word, ".ts"));
  const wrong = asked.find((name) => !known.includes(name));
  if (wrong !== undefined) {
    throw new UsageError(
      `there is no snippet ${wrong}; there are ${known.join(", ")}`,
    );
  }
  return asked.length > 0 ? [...new Set(asked)] : known;
}

/** Looks whether a folder of snippets that a command line names is there. */
export function checkFolder(folder: string): void {
  if (!existsSync(folder)) {
    throw new UsageError(`there is no folder ${folder}`);
  }
}
