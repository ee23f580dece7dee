import { attributesIn } from "./html.ts";
import { load } from "./pages.ts";
import type { Browser } from "./played-browser.ts";
import { ProbeError } from "./refusal.ts";
import type { Outgoing } from "./requests.ts";
import type { Route, Target } from "./target.ts";

/**
 * Makes a request to the route, as a page of the app does.
 * @param isStranger whether nobody is logged in: then a token may be missing
 */
export async function composeRoute(
  browser: Browser,
  target: Target,
  isStranger = false,
): Promise<Outgoing> {
  const { route, body, headers } = target;
  const fill = await readTokens(browser, target, [body, headers], isStranger);
  return compose(browser, target, route, true, fill(body), fill(headers));
}

/** Makes the request of a logout: as a link or a form does, or else as a script does. */
export async function composeLogout(
  browser: Browser,
  target: Target,
): Promise<Outgoing> {
  const { logout, headers, logoutBody, logoutHeaders = {} } = target;
  const texts = [logoutBody, logoutHeaders, headers];
  const fill = await readTokens(browser, target, texts);
  const all = {
    // What a route wants of all that write, such as a token, a logout may want, too.
    ...(logout.method !== "GET" && fill(headers)),
    ...fill(logoutHeaders),
  };
  const isFetched = target.isFetched ?? false;
  return compose(browser, target, logout, isFetched, fill(logoutBody), all);
}

async function compose(
  browser: Browser,
  { app }: Target,
  { method, path }: Route,
  isByScript: boolean,
  body: string | undefined,
  headers: Record<string, string>,
): Promise<Outgoing> {
  const mode = isByScript ? "cors" : "navigate";
  const request = await browser.compose(mode, method, path);
  const isJson = /^\s*[[{"]/.test(body ?? "");
  const type = isJson ? "json" : "x-www-form-urlencoded";
  const all = {
    ...request.headers,
    ...(isByScript && {
      accept: "*/*",
      "sec-fetch-site": "same-origin",
      "sec-fetch-dest": "empty",
    }),
    ...(method !== "GET" && { origin: new URL(app.baseURL).origin }),
    ...(body !== undefined && { "content-type": `application/${type}` }),
    ...headers,
  };
  return { ...request, headers: all, ...(body !== undefined && { body }) };
}

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
async function readTokens(
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
  const tags = attributesIn(html, /^<(input|meta)\b/i);
  const tag = tags.find((one) => one.name === name);
  return tag?.value ?? tag?.content;
}
