import { AsyncLocalStorage } from "node:async_hooks";
import type { RequestHandler } from "express";
import onHeaders from "on-headers";
import { openStore, type Store } from "./store.ts";

/** What `auth()` gives a session store to keep. */
type Session = object;

export interface Sessions extends Store<Session> {
  /** Reads the session of each request, directly above `auth()` and what guards it. */
  readAhead: RequestHandler;
}

/**
 * Opens the store in which sessions are kept.
 * @param ttlMs how long a session lives after a request, in milliseconds
 */
export async function openSessions(ttlMs: number): Promise<Sessions> {
  const isValue = (found: unknown): found is Session =>
    ["header", "data"].every((part) => {
      const value = (found as Record<string, unknown> | null)?.[part];
      return typeof value === "object" && value !== null;
    });
  const store = await openStore<Session>({ name: "session", ttlMs, isValue });
  const read = new AsyncLocalStorage<{ id: string; session?: Session }>();

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
    read.run({ id, ...(session && { session }) }, next);
  };

  /** What was read ahead for this request is not asked for again. */
  const get = async (id: string) => {
    const ahead = read.getStore();
    return ahead?.id === id ? ahead.session : store.get(id);
  };
  // #endregion read-ahead

  return { ...store, get, readAhead };
}
