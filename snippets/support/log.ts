import type { Request, RequestHandler } from "express";
import { LRUCache } from "lru-cache";
import { sessionCookieValues } from "./cookies.ts";
import { loginOf } from "./user.ts";

/**
 * Prints a line for each request and one for each response, with what happened to the session
 * cookie, but never its value. Paths are printed without their query, which can hold secrets.
 */
export const log: RequestHandler = (req, res, next) => {
  const route = `${req.method.padEnd(4)} ${req.path.padEnd(9)}`;
  const sent = cookieBytes([req.headers.cookie ?? []].flat());
  const start = performance.now();
  console.log(`→ ${route}  session cookie ${sent ? "sent" : "not sent"}`);
  res.once("close", () => {
    const status = res.writableFinished ? `${res.statusCode}` : "cut";
    const ms = `${Math.round(performance.now() - start)} ms`.padStart(7);
    const outcome = describe(res.getHeaders()["set-cookie"] ?? []);
    const line = `← ${route}  session cookie ${outcome}  (${status}, ${ms})`;
    console.log(line);
    if (req.path === "/logout") setSinceLogout.clear();
    const login = outcome.startsWith("set") && loginOf(req);
    if (login && !setSinceLogout.has(login)) setSinceLogout.set(login, line);
  });
  next();
};

/** By login, the first line since the last logout that tells of a session cookie being set. */
const setSinceLogout = new LRUCache<string, string>({ max: 100 });

/**
 * Finds the response that has logged a user in again, for the page that they see then.
 * @param req a request that came with the session cookie
 * @returns the line of the first response after the last logout that set this login's cookie
 */
export const lineThatSetAgain = (req: Request): string | undefined =>
  setSinceLogout.get(loginOf(req) ?? "");

/** Tells what a response's `Set-Cookie` headers do to the session cookie. */
function describe(setCookies: string | string[]): string {
  const headers = [setCookies].flat();
  const bytes = cookieBytes(headers);
  if (bytes === undefined) return "untouched";
  return bytes > 0 ? `set, ${bytes} bytes` : "cleared";
}

/**
 * Counts the bytes of the session cookie's value, which are more than none when it is set.
 * @returns the count, or undefined when the session cookie is not in these headers
 */
function cookieBytes(headers: string[]): number | undefined {
  const values = sessionCookieValues(headers);
  return values.length ? values.join("").length : undefined;
}
