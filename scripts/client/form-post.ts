import { elementsIn, tagsIn } from "./html.ts";

/** A form of hidden fields. */
interface FormPost {
  /** Where it goes, as the page says it. */
  action: string;
  fields: URLSearchParams;
}

/**
 * Reads the page with which a provider answers a login with `response_mode=form_post`: a script
 * sends its form to the app (OAuth 2.0 Form Post Response Mode, section 2).
 * @returns undefined when a page is not that
 */
export function readFormPost(html: string): FormPost | undefined {
  const [form] = elementsIn(html, "form");
  if (!form || !/\.submit\(\)/.test(html)) return undefined;
  const { method, action = "" } = attributesOf(form);
  const fields = new URLSearchParams();
  for (const input of tagsIn(form)) {
    if (!/^<input\b/i.test(input)) continue;
    const { type, name, value = "" } = attributesOf(input);
    if (type?.toLowerCase() === "hidden" && name) fields.append(name, value);
  }
  const isLogin = method?.toLowerCase() === "post" && fields.has("state");
  return isLogin ? { action, fields } : undefined;
}

/** Reads the attributes of the tag with which a text begins, by their names in lower case. */
export function attributesOf(html: string): Record<string, string | undefined> {
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
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

/** Puts the characters back that a template has escaped, by their number or by their name. */
const unescapeHtml = (text: string): string =>
  text.replace(
    /&(?:#x([\da-f]{1,5})|#(\d{1,6})|(amp|lt|gt|quot|apos));/gi,
    (_, hex, decimal, name) =>
      NAMED[name?.toLowerCase()] ??
      String.fromCodePoint(hex ? Number.parseInt(hex, 16) : Number(decimal)),
  );
