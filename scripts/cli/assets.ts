import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const fileOf = (root: string, name: string) => join(root, "assets", name);

/**
 * Reads what a command has kept.
 * @param root the path of the repository's top folder
 * @param name the file's name, in assets/
 */
export const readAsset = <Kept>(root: string, name: string): Kept =>
  JSON.parse(readFileSync(fileOf(root, name), "utf8"));

/** Keeps what a command has seen, for the posts' tables and pictures. */
export const writeAsset = (root: string, name: string, seen: object): void =>
  writeFileSync(fileOf(root, name), `${JSON.stringify(seen, null, 2)}\n`);

/** The same, with a line for each thing in a list, or for each member of an object. */
export function writeLines(root: string, name: string, seen: object): void {
  const [begin, end] = Array.isArray(seen) ? "[]" : "{}";
  const lines = Object.entries(seen).map(([key, value]) => {
    const text = JSON.stringify(value);
    return Array.isArray(seen) ? text : `${JSON.stringify(key)}: ${text}`;
  });
  const text = `${begin}\n${lines.join(",\n")}\n${end}\n`;
  writeFileSync(fileOf(root, name), text);
}
