import { createTwoFilesPatch } from "diff";

/** A line that begins or ends a region. */
const MARKER = /^[ \t]*\/\/ #(?:end)?region\b.*\n/gm;

/**
 * Finds the lines between `// #region NAME` and `// #endregion NAME`.
 * @returns them without their common indentation, or undefined when there is no such region
 */
export function region(source: string, name: string): string | undefined {
  const start = `^[ \\t]*// #region ${name}\\n`;
  const end = `^[ \\t]*// #endregion ${name}$`;
  const found = source.match(new RegExp(`${start}(.*?)${end}`, "ms"))?.[1];
  if (found === undefined) return undefined;
  const lines = found.replace(MARKER, "").trimEnd().split("\n");
  const indent = Math.min(
    ...lines.filter((line) => line).map((line) => line.search(/\S/)),
  );
  return lines.map((line) => line.slice(indent)).join("\n");
}

/** A source file, with the name that a diff gives it. */
interface Source {
  name: string;
  text: string;
}

/**
 * Compares the code of two snippets. The comments at their tops, which tell the difference in
 * words, and the markers of regions are left out.
 * @returns a unified diff, with two lines of context
 */
export function codeDiff(one: Source, other: Source): string {
  const [before, after] = [one, other].map(({ text }) =>
    text.replace(/^(?:\/\/.*\n)+\n*/, "").replace(MARKER, ""),
  ) as [string, string];
  const options = { context: 2, ignoreWhitespace: true };
  return createTwoFilesPatch(
    one.name,
    other.name,
    before,
    after,
    "",
    "",
    options,
  )
    .replace(/^=+\n/, "")
    .trimEnd();
}
