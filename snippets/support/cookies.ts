import { parse } from "cookie";

/** The session cookie is called this, and its pieces `appSession.0` and so on, if it is large. */
const SESSION_COOKIE = /^appSession(\.\d+)?$/;

/**
 * Finds the session cookie, with the parser that the library uses.
 * @param headers what `Cookie` or `Set-Cookie` headers say
 * @returns its value, or those of its pieces; none when it is not there
 */
export const sessionCookieValues = (headers: string[]): string[] =>
  headers
    .flatMap((header) => Object.entries(parse(header)))
    .filter(([name]) => SESSION_COOKIE.test(name))
    .map(([, value]) => value);
