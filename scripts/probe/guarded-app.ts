import { hostOf, type Visited } from "../client/browser.ts";
import type { Answer, Outgoing } from "../client/http.ts";
import { ProbeError } from "./target.ts";
import { asksForLogin, nameOf } from "./trail.ts";

/** More than this is not asked of an app, so that a mistake of ours does not flood it. */
export const MOST_REQUESTS = 150;

/** What one response may be, in bytes. */
const MOST_BYTES = 2_000_000;

/** How many times longer than one request all of them may take. */
const ALL_TIMES = 12;

/** Whether a host is this machine. */
export const isHere = ({ hostname }: URL): boolean =>
  /^(localhost|.*\.localhost|127\.[\d.]+|\[::1\])$/.test(hostname);

/** What is known of such an app. */
interface GuardedApp extends Visited {
  /** Counts the time from here: what has gone by was the user's. */
  startClock(): void;
}

/**
 * Makes what is known of an app of which nobody knows what it does: its requests are counted, and go
 * to no host that nobody has named.
 * @param options.providers the other hosts that are named
 * @param options.seconds how long a request may take
 * @param options.trustsLogins whether a login may lead to a provider on this machine, as the servers
 * of this repository have it
 */
export function guardedApp(
  url: URL,
  options: {
    ca?: string | undefined;
    providers: URL[];
    seconds: number;
    trustsLogins: boolean;
  },
): GuardedApp {
  const { ca, providers, seconds, trustsLogins } = options;
  const named = new Set([url, ...providers].map(({ origin }) => origin));
  const milliseconds = seconds * 1000;
  let sent = 0;
  let since: number | undefined;
  const mayAsk = (to: URL): boolean => {
    const isLogin = trustsLogins && asksForLogin(to);
    if (isLogin && isHere(url) && isHere(to)) named.add(to.origin);
    return named.has(to.origin);
  };
  return {
    baseURL: url.origin,
    now: Date.now,
    ...(ca && { ca }),
    limits: { bytes: MOST_BYTES, milliseconds },
    mayAsk,
    startClock() {
      since = undefined;
    },
    beforeSending(request) {
      if (!mayAsk(request.url)) {
        throw new ProbeError(`${hostOf(request.url)} is not asked`);
      }
      sent++;
      since ??= Date.now();
      if (sent > MOST_REQUESTS) {
        throw new ProbeError(
          `it would take more than ${MOST_REQUESTS} requests`,
        );
      }
      if (Date.now() - since > ALL_TIMES * milliseconds) {
        throw new ProbeError(
          `it would take more than ${ALL_TIMES * seconds} s: give more with --timeout`,
        );
      }
    },
    afterAnswer: refuseLimits,
  };
}

/** Says so when an app limits requests: what comes then is no answer. */
function refuseLimits(request: Outgoing, { status, headers }: Answer): void {
  if (status !== 429) return;
  const retry = String(headers["retry-after"]);
  const until = Math.ceil((Date.parse(retry) - Date.now()) / 1000);
  const [, seconds = until > 0 ? until : undefined] =
    retry.match(/^(\d{1,6})$/) ?? [];
  const limit =
    headers["ratelimit-limit"] ??
    headers["x-ratelimit-limit"] ??
    headers["ratelimit-policy"];
  // The policy has it after its name.
  const [, count] = String(limit).match(/^(?:[^,]*;q=)?(\d{1,6})\b/) ?? [];
  throw new ProbeError(
    `${nameOf(request)} answers with 429: the app limits how often it is asked` +
      `${count ? `, to ${count} requests` : ""}. Raise that limit while the probe runs` +
      `${seconds ? `, or wait ${seconds} s` : ""}`,
  );
}
