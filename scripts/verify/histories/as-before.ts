import { Cookie } from "tough-cookie";
import type { Answer } from "../../client/http.ts";
import type { Deed } from "./history.ts";

const isLibrarys = (deed: Deed) => /logs in|logout/.test(deed);

/**
 * Finds what a response has not as the library and the app have it, in a phrase each.
 * @param hasFailed it says that it could not be done: then it costs nobody the session
 */
export function findOddities(
  deed: Deed,
  answer: Answer,
  hasFailed = false,
): string[] {
  const { status, headers } = answer;
  const cookies = (headers["set-cookie"] ?? []).flatMap(
    (header) => Cookie.parse(header) ?? [],
  );
  const found: string[] = [];
  if (hasFailed) {
    const isTouched = cookies.some(({ key }) => /^appSession/.test(key));
    return isTouched ? ["a failed request touches the session cookie"] : found;
  }
  const expected = isLibrarys(deed) ? 302 : 200;
  if (status !== expected) found.push(`the status is ${status}`);
  for (const { key, value, path, httpOnly, sameSite, secure } of cookies) {
    if (!/^appSession(\.\d)?$/.test(key)) continue;
    // Browsers don't look at the others when a cookie is cleared.
    const isRight = !value || (httpOnly && sameSite === "lax" && !secure);
    if (path !== "/" || !isRight) found.push(`${key} has other attributes`);
  }
  if (isLibrarys(deed) || status !== 200) return found;
  if (!cookies.some(({ key }) => key === "last-route"))
    found.push("another cookie is missing");
  if (!headers["x-last-route"]) found.push("a header is missing");
  return found;
}
