import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import type { Visited } from "./browser.ts";
import type { Outgoing } from "./http.ts";

/**
 * Takes down what a browser of ours sends.
 * @param snippet the app that it visits
 * @returns the same app, to give to that browser, and what is sent from then on, in its order
 */
export function recorded<App extends Visited>(
  snippet: App,
): { app: App; sent: Outgoing[] } {
  const sent: Outgoing[] = [];
  const beforeSending = (outgoing: Outgoing) => void sent.push(outgoing);
  return { app: { ...snippet, beforeSending }, sent };
}

/** What the app itself is asked for. Everything else a page or a redirect has led to. */
const OWN_ROUTES = /^\/(login|update|draft|logout|whoami)$/;

/**
 * Makes the same exchanges once more, each once the one before is over, and nothing between them:
 * no body is held, no cookie jar asked. Only what can be used once is replaced by what the servers
 * have given this time: where a redirect or a form leads, and the values of the cookies. Which
 * cookies go along is as it was.
 * @param sent what {@link recorded} has taken down, from a login on
 * @returns how long it took, in milliseconds
 * @throws {Error} when an exchange fails, or does not lead to the next one
 */
export async function replay(sent: Outgoing[]): Promise<number> {
  const cookies = new Map<string, string>();
  let lead = { location: "", page: "" };
  const start = performance.now();
  for (const outgoing of sent) {
    const { method, headers } = outgoing;
    const { url: to, body: form } = onward(outgoing, lead);
    const names = headers.cookie?.split("; ").map((pair) => nameOf(pair)) ?? [];
    const cookie = names.map((name) => cookies.get(name) ?? "").join("; ");
    const now = { ...headers, ...(cookie && { cookie }) };
    const answer = await exchange(method, to, now, form);
    for (const header of answer.cookies) {
      const [pair = ""] = header.split(";");
      // What is cleared has no value, and may still go along with a request from before.
      if (!pair.endsWith("=")) cookies.set(nameOf(pair), pair);
    }
    const { location, page } = answer;
    if (location) lead = { location: new URL(location, to).href, page: "" };
    else if (page.includes("<form")) lead = { location: to.href, page };
  }
  return performance.now() - start;
}

const nameOf = (pair: string): string => pair.split("=", 1)[0] ?? "";

/** Finds where a request goes this time, and with which body. */
function onward(
  old: Outgoing,
  lead: { location: string; page: string },
): { url: URL; body?: string } {
  if (OWN_ROUTES.test(old.url.pathname)) return old;
  const nowhere = new Error(
    `nothing leads to ${old.method} ${old.url.pathname}`,
  );
  if (old.method === "GET") {
    if (!lead.location || lead.page) throw nowhere;
    return { url: new URL(lead.location) };
  }
  const button = old.url.pathname.split("/").at(-1);
  const action = new RegExp(`action="([^"]+/${button})"`).exec(lead.page)?.[1];
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(lead.page)?.[1];
  if (!action) throw nowhere;
  const fields = new URLSearchParams(old.body);
  if (xsrf) fields.set("xsrf", xsrf);
  return { url: new URL(action, lead.location), body: fields.toString() };
}

async function exchange(
  method: string,
  url: URL,
  headers: Record<string, string>,
  body?: string,
): Promise<{ location?: string; page: string; cookies: string[] }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = request(url, { method, headers }, resolve);
    outgoing.once("error", reject).end(body);
  });
  const page = await text(response);
  const { location, "set-cookie": cookies = [] } = response.headers;
  if ((response.statusCode ?? 0) >= 400) {
    const what = `${method} ${url.pathname}`;
    throw new Error(`${what} was answered with ${response.statusCode}`);
  }
  return { page, cookies, ...(location && { location }) };
}
