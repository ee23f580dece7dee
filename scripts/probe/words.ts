import type { Hop } from "./chromium.ts";

/** Something because of which the probe can't tell, in a line that says what to do about it. */
export class ProbeError extends Error {}

/** What of an app's own can be printed: no control characters, nothing that turns text around, not much. */
export const printable = (text: string): string =>
  text.replace(/[^\x20-\x7e\u00a1-\u024f…“”]/g, "?").slice(0, 300);

/** A route as it is printed: without a query, and what is as long as a token. */
export const nameOf = ({ method, url }: Pick<Hop, "method" | "url">): string =>
  printable(`${method} ${url.pathname.replace(/[^/]{24,}/g, "…")}`);

export const quote = (names: string[]): string =>
  names.map((name) => `\`${printable(name).slice(0, 60)}\``).join(" and ");

/** Whether an address is this machine's own. */
export const isHere = ({ hostname }: URL): boolean =>
  /^(localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);

/** Whether a request asks a provider for a login (OpenID Connect, OAuth 2.0, SAML). */
export const isAsking = ({ searchParams: of }: URL): boolean =>
  of.has("SAMLRequest") ||
  (of.has("client_id") && (of.has("response_type") || of.has("redirect_uri")));

export const isLogoutPath = ({ pathname }: URL): boolean =>
  /(?:log|sign)[-_]?(?:out|off)/i.test(pathname);
export const isLoginPath = ({ pathname }: URL): boolean =>
  /(?:log|sign)[-_]?in|callback/i.test(pathname);

/** Waits for something, but not for ever. */
export async function within<Value>(
  milliseconds: number,
  work: Promise<Value>,
): Promise<Value | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, milliseconds, undefined);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
