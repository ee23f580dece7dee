import { AsyncLocalStorage } from "node:async_hooks";
import type { RequestHandler } from "express";
import onHeaders from "on-headers";
import { openStore, type Store } from "./store.ts";

/** What `auth()` gives a session store to keep. */
type Session = object;

/** As much of that as is looked at here. */
interface Parts {
  /** When it was written, in seconds since 1970. */
  header: { uat: number };
  /** What the app sees, and can change. */
  data: object;
}

/** What was read for a request. */
interface Ahead {
  id: string;
  session?: Session;
  /** Its data as a text, from before the app could change it. */
  text?: string;
}

export interface Sessions extends Store<Session> {
  /** Reads the session of each request, directly above `auth()` and what guards it. */
  readAhead: RequestHandler;
  /**
   * Writes a session that is still there. One that the request has not changed is only written
   * again once a while has passed, to extend it.
   */
  update: Store<Session>["update"];
}

/**
 * Opens the store in which sessions are kept.
 * @param ttlMs how long a session lives after a request, in milliseconds, or up to a 24th less
 */
export async function openSessions(ttlMs: number): Promise<Sessions> {
  const isValue = (found: unknown): found is Session =>
    ["header", "data"].every((part) => {
      const value = (found as Record<string, unknown> | null)?.[part];
      return typeof value === "object" && value !== null;
    });
  const store = await openStore<Session>({ name: "session", ttlMs, isValue });
  const read = new AsyncLocalStorage<Ahead>();

  // #region read-ahead
  // auth() takes an error of its store for "no session". It then destroys that
  // session and clears the cookie. So the session is read here, before auth(),
  // where an error ends the request, with 503.
  const readAhead: RequestHandler = async (req, res, next) => {
    const cookies = (req.headers.cookie ?? "").split("; ");
    const own = cookies.find((cookie) => cookie.startsWith("appSession="));
    const id = own?.slice("appSession=".length) ?? "";
    const session = id ? await store.get(id) : undefined;
    // Neither may a write that failed cost a user the cookie, or set a new one.
    onHeaders(res, () => {
      if (res.statusCode !== 503) return;
      const all = [res.getHeader("Set-Cookie") ?? []].flat().map(String);
      const others = all.filter((cookie) => !/^appSession\b/.test(cookie));
      res.setHeader("Set-Cookie", others);
    });
    const ahead = session && { session, text: textOf(session) };
    read.run({ id, ...ahead }, next);
  };

  /** What was read ahead for this request is not asked for again. */
  const get = async (id: string) => {
    const ahead = read.getStore();
    return ahead?.id === id ? ahead.session : store.get(id);
  };
  // #endregion read-ahead

  // #region update
  // The library ends each response with a write. One that would change nothing
  // but the expiry is left out for a 24th of the session's life: an hour of a
  // day. The price: the session may end that much too soon, 23 hours after its
  // last request. A time in the future is of a clock that was wrong.
  const update = async (id: string, session: Session) => {
    const ahead = read.getStore();
    if (ahead?.id === id && ahead.text === textOf(session)) {
      const { header } = ahead.session as Parts;
      const ageMs = Date.now() - header.uat * 1000;
      if (Math.abs(ageMs) < ttlMs / 24) return;
    }
    await store.update(id, session);
  };
  // #endregion update

  return { ...store, get, update, readAhead };
}

const textOf = (session: Session): string =>
  JSON.stringify((session as Parts).data);
