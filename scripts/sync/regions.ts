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
  const lines = found?.replace(MARKER, "").trimEnd().split("\n");
  const indents = lines?.flatMap((line) => (line ? line.search(/\S/) : []));
  return lines
    ?.map((line) => line.slice(Math.min(...(indents ?? []))))
    .join("\n");
}

/** Finds the lines of a file's comments that are indented, and begin in this way. */
export const indented = (source: string, start: string): string =>
  [...source.matchAll(new RegExp(`^// {3}(${start}.*)$`, "gm"))]
    .map(([, line]) => line)
    .join("\n");

/** A source file, with the name that a diff gives it. */
interface Source {
  name: string;
  text: string;
}

/** The code of a snippet, without the comment at its top, which tells the difference in words, and at its end. */
const codeOf = ({ text }: Source) =>
  text.replace(/^(?:\/\/.*\n)+\n*|\n+(?:\/\/.*\n)+$/g, "").replace(MARKER, "");

/** Compares the code of two snippets, as a unified diff with two lines of context. */
export const codeDiff = (one: Source, other: Source): string =>
  createTwoFilesPatch(
    one.name,
    other.name,
    codeOf(one),
    codeOf(other),
    "",
    "",
    {
      context: 2,
      ignoreWhitespace: true,
    },
  )
    .replace(/^=+\n/, "")
    .trimEnd();
