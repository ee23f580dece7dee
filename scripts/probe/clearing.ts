import { Cookie } from "tough-cookie";
import { isClearing, isTrustworthy, type Kept } from "../client/cookie-jar.ts";
import type { Exchange } from "./trail.ts";

/** A cookie that a logout has not cleared. */
export interface Uncleared {
  name: string;
  /** Why browsers keep it, in words; empty when nothing has tried to clear it. */
  reasons: string[];
}

/** A large session has its cookie in chunks, whose names end with a number. */
export const withoutChunk = (name: string): string =>
  name.replace(/\.\d+$/, "");

/**
 * Says why a cookie is still there after a logout: what in a `Set-Cookie` that should have cleared
 * it is not as it was when it was set.
 * @param cookie as the browser keeps it
 * @param steps where the logout led
 * @param had the names of all cookies that the browser had
 */
export function whyUncleared(
  cookie: Kept,
  steps: Exchange[],
  had: string[],
): Uncleared {
  const { name } = cookie;
  const headers = steps.flatMap(({ request, answer }) =>
    (answer.headers["set-cookie"] ?? []).flatMap((header) => {
      const one = Cookie.parse(header);
      return one && isClearing(one) ? { one, url: request.url } : [];
    }),
  );
  const reasons = headers
    .filter(({ one }) => one.key === name)
    .map(
      ({ one, url }) =>
        differences(cookie, one, url).join(", ") ||
        "in a way that browsers do not take",
    );
  if (reasons.length > 0) return { name, reasons: [...new Set(reasons)] };
  // It may clear one that is not there: by an old name, or the first of several chunks.
  const strange = headers.map(({ one }) => one.key);
  const others = strange.filter((one) => !had.includes(one));
  return {
    name,
    reasons: [...new Set(others)].map(
      (other) => `by another name, ${printable(other)}`,
    ),
  };
}

function differences(cookie: Kept, clearing: Cookie, url: URL): string[] {
  const { name, path, domain, isShared, isSecure, isPartitioned } = cookie;
  const itsPath = clearing.path?.startsWith("/")
    ? clearing.path
    : defaultPath(url);
  const isSharedThere = clearing.domain !== null;
  const isPartitionedThere =
    clearing.extensions?.some((one) => /^partitioned$/i.test(one)) ?? false;
  const lines = [];
  if (name.startsWith("__") && !clearing.secure) {
    const [prefix] = name.match(/^__\w+-/) ?? [name];
    lines.push(`without Secure, which the prefix ${prefix} asks for`);
  }
  if (path !== itsPath) {
    lines.push(`for Path=${itsPath}, and it was set for Path=${path}`);
  }
  if (name.startsWith("__Host-") && isSharedThere) {
    lines.push("with a Domain, which the prefix __Host- forbids");
  } else if (isShared !== isSharedThere) {
    lines.push(
      isShared
        ? `without a Domain, and it was set with Domain=${domain}`
        : `with Domain=${clearing.domain}, and it was set without one`,
    );
  } else if (isShared && clearing.domain !== domain) {
    lines.push(
      `for Domain=${clearing.domain}, and it was set for Domain=${domain}`,
    );
  }
  if (isPartitioned !== isPartitionedThere) {
    lines.push(
      isPartitioned
        ? "without Partitioned, which it was set with"
        : "with Partitioned, which it was set without",
    );
  }
  if (isPartitionedThere && !clearing.secure) {
    lines.push("with Partitioned and without Secure");
  }
  if (!isTrustworthy(url) && (isSecure || clearing.secure)) {
    if (lines.length === 0) lines.push("over http, and it is Secure");
  }
  return lines;
}

/** The path of a cookie that names none (RFC 6265, 5.1.4). */
const defaultPath = ({ pathname }: URL): string =>
  pathname.slice(0, pathname.lastIndexOf("/")) || "/";

/** A name that an app has made up, so that it does nothing to a terminal. */
export const printable = (name: string): string =>
  name.replace(/[^\x21-\x7e]/g, "?").slice(0, 60);
