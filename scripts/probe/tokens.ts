import type { Browser } from "../client/browser.ts";
import { attributesOf } from "../client/form-post.ts";
import { tagsIn } from "../client/html.ts";
import { load } from "./pages.ts";
import { ProbeError, type Target } from "./target.ts";

/** What stands for a token that a page has, as in `X-CSRF-Token: {token:csrf}`. */
const TOKEN = /\{token:([\w.-]+)\}/g;

type Text = string | Record<string, string> | undefined;

/** Puts the tokens in, in a text or in the values of headers. */
type WithTokens = <One extends Text>(text: One) => One;

/**
 * Reads the tokens that some texts name, as the user has them: a field of a form, a `<meta>`, or a
 * member of JSON by that name, or a cookie.
 * @param mayLack whether one that is not there is left empty
 * @returns what puts them in
 * @throws {ProbeError} when one is not there
 */
export async function readTokens(
  browser: Browser,
  { page, tokens = page }: Target,
  texts: Text[],
  mayLack = false,
): Promise<WithTokens> {
  const names = new Set(
    [...JSON.stringify(texts).matchAll(TOKEN)].map(([, name = ""]) => name),
  );
  if (names.size === 0) return (text) => text;
  const { body } = await load(browser, tokens);
  const kept = await browser.kept();
  const found = new Map<string, string>();
  for (const name of names) {
    const cookie = kept.find((one) => one.name === name)?.value;
    const value = inJson(body, name) ?? inHtml(body, name) ?? cookie;
    if (value === undefined && !mayLack) {
      throw new ProbeError(
        `GET ${tokens.split("?")[0]} has no token ${name}: name what has it with --tokens`,
      );
    }
    found.set(name, value ?? "");
  }
  const replace = (text: string) =>
    text.replace(TOKEN, (_, name) => found.get(name) ?? "");
  return ((text: Text) => {
    if (typeof text !== "object") return text && replace(text);
    const lines = Object.entries(text).map(([name, value]) => [
      name,
      replace(value),
    ]);
    return Object.fromEntries(lines);
  }) as WithTokens;
}

function inJson(body: string, name: string): string | undefined {
  try {
    const value = JSON.parse(body)?.[name];
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

function inHtml(html: string, name: string): string | undefined {
  for (const tag of tagsIn(html)) {
    if (!/^<(input|meta)\b/i.test(tag)) continue;
    const attributes = attributesOf(tag);
    if (attributes.name === name) return attributes.value ?? attributes.content;
  }
  return undefined;
}
