import { Cookie } from "tough-cookie";
import type { Answer } from "./http.ts";

/** What a response does to the session cookie. */
export interface CookieEffect {
  effect: "set" | "cleared" | "untouched";
  /** The length of the value that is set, all chunks together. */
  bytes: number;
}

/**
 * Tells what a response does to the session cookie, which a large session has in chunks.
 * @param names the names of the cookies in which the session is
 */
export function effectOf(answer: Answer, names = ["appSession"]): CookieEffect {
  const cookies = (answer.headers["set-cookie"] ?? []).flatMap((header) => {
    const cookie = Cookie.parse(header);
    const isOurs = names.includes(cookie?.key.replace(/\.\d+$/, "") ?? "");
    return cookie && isOurs ? cookie : [];
  });
  const bytes = cookies
    // Whatever the value of one that has expired, it is being cleared.
    .filter((cookie) => (cookie.expiryTime() ?? Infinity) > Date.now())
    .reduce((sum, { value }) => sum + value.length, 0);
  if (cookies.length === 0) return { effect: "untouched", bytes };
  return { effect: bytes > 0 ? "set" : "cleared", bytes };
}
