// A page may be made so that a regular expression takes forever. These go over it once.

/** The elements of a name in a page, each with what is in it. */
export const elementsIn = (html: string, name: string): string[] =>
  cut(html, `<${name}`, `</${name}`).found;

/** The tags of a page. */
export const tagsIn = (html: string): string[] => cut(html, "<", "").found;

/** What can be read in a page. Its hidden fields can be as good as a password, and are not shown. */
export const readable = (html: string): string => {
  const withoutScripts = cut(html, "<script", "</script").rest;
  const withoutStyles = cut(withoutScripts, "<style", "</style").rest;
  return cut(withoutStyles, "<", "").rest;
};

/** Takes out all that is from one text to the next `>` after another. */
function cut(
  html: string,
  first: string,
  last: string,
): { found: string[]; rest: string } {
  // Lower case can be longer, as that of "İ" is. That of ASCII is not.
  const text = html.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const found: string[] = [];
  let rest = "";
  let from = 0;
  for (;;) {
    const start = text.indexOf(first, from);
    const end = start < 0 ? -1 : text.indexOf(last, start);
    const after = end < 0 ? -1 : text.indexOf(">", end);
    if (after < 0) return { found, rest: rest + html.slice(from) };
    found.push(html.slice(start, after + 1));
    rest += `${html.slice(from, start)} `;
    from = after + 1;
  }
}
