import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { ROOT } from "../cli/root.ts";
import { findRedis, HOW_TO_INSTALL_REDIS } from "./redis-server.ts";

const SNIPPETS = join(ROOT, "snippets");

/** The names of the snippets in a folder. */
export const snippetNames = (folder = SNIPPETS): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".ts"))
    .map((file) => basename(file, ".ts"));

const sourceOf = (name: string, folder = SNIPPETS): string => {
  const file = join(folder, `${name}.ts`);
  return existsSync(file) ? readFileSync(file, "utf8") : "";
};

/** Whether a snippet keeps something in Redis, when there is one. */
export const usesRedis = (name: string, folder?: string): boolean =>
  /open(?:Redis|Store)\(/.test(sourceOf(name, folder));

/** Whether a snippet does not start without a Redis: its header has no way to do that. */
export const needsRedis = (name: string, folder?: string): boolean =>
  usesRedis(name, folder) && !/^\/\/ +npx tsx/m.test(sourceOf(name, folder));

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
