// A page may be made so that a regular expression takes forever. These go over it once.

/** The elements of a name in a page, each with what is in it. */
export const elementsIn = (html: string, name: string): string[] =>
  cut(html, `<${name}`, `</${name}`).found;

/** The attributes of the tags in a page that begin so, as with `<meta`. */
export const attributesIn = (html: string, begin: RegExp): Attributes[] =>
  cut(html, "<", "")
    .found.filter((tag) => begin.test(tag))
    .map(attributesOf);

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

/**
 * Reads the page with which a provider answers a login with `response_mode=form_post`: a script
 * sends its form to the app (OAuth 2.0 Form Post Response Mode, section 2).
 * @returns undefined when a page is not that
 */
export function readFormPost(
  html: string,
): { action: string; fields: URLSearchParams } | undefined {
  const [form] = elementsIn(html, "form");
  if (!form || !/\.submit\(\)/.test(html)) return undefined;
  const { method, action = "" } = attributesOf(form);
  const fields = new URLSearchParams();
  for (const { type, name, value = "" } of attributesIn(form, /^<input\b/i)) {
    if (type?.toLowerCase() === "hidden" && name) fields.append(name, value);
  }
  const isLogin = method?.toLowerCase() === "post" && fields.has("state");
  return isLogin ? { action, fields } : undefined;
}

type Attributes = Record<string, string | undefined>;

/** Reads the attributes of the tag with which a text begins, by their names in lower case. */
export function attributesOf(html: string): Attributes {
  const [tag = ""] = html.match(/^<[^>]*>/) ?? [];
  const attributes = tag.matchAll(
    /\s([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/g,
  );
  return Object.fromEntries(
    [...attributes].map(([, name = "", double, single, bare]) => [
      name.toLowerCase(),
      unescapeHtml(double ?? single ?? bare ?? ""),
    ]),
  );
}

const NAMED: Record<string, string> = {
  ...{ amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" },
};

/** Puts the characters back that a template has escaped, by their number or by their name. */
const unescapeHtml = (text: string): string =>
  text.replace(
    /&(?:#x([\da-f]{1,5})|#(\d{1,6})|(amp|lt|gt|quot|apos));/gi,
    (_, hex, decimal, name) =>
      NAMED[name?.toLowerCase()] ??
      String.fromCodePoint(hex ? Number.parseInt(hex, 16) : Number(decimal)),
  );
