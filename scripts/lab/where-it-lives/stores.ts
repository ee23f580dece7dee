import { createRequire } from "node:module";
import type { Library } from "./packages.ts";

const require = createRequire(import.meta.url);

export type StoreKind =
  | "memorystore"
  | "callbacks"
  | "promises"
  | "connect-redis 6"
  | "connect-redis 7"
  | "connect-redis 8"
  | "connect-redis 9"
  | "connect-redis 9, redis 6";

/** What can be wrong with a store: it answers with errors, or it does not answer. */
type Trouble = "error" | "silence";

/** Something that can be made to fail, or to be slow. */
export interface Fallible {
  trouble?: Trouble | undefined;
  /** Holds the next write on its way, until it is let go. */
  holdWrite?(): { reached: Promise<void>; release(): void };
}

interface OpenStore {
  store: object;
  /** Writes a session if it is there. */
  update?: (id: string, session: object, lifeMs: number) => Promise<unknown>;
  /** How to make it fail, where that is built in. */
  fallible?: Fallible;
  close?: () => Promise<unknown>;
}

/** Opens a store as its documentation says, for an app that uses this library. */
export async function openStore(
  kind: StoreKind,
  auth: Library["auth"],
  redisURL = "",
): Promise<OpenStore> {
  if (kind === "memorystore") {
    const MemoryStore = require("memorystore")(auth);
    return { store: new MemoryStore() };
  }
  if (kind === "callbacks") return callbackStore();
  if (kind === "promises") return promiseStore();
  const { store: major, client: clientMajor } = REDIS[kind];
  const { createClient } = require(`redis-${clientMajor}`);
  const url = { url: redisURL, ...(major === 6 && { legacyMode: true }) };
  const client = createClient(url).on("error", () => {});
  await client.connect();
  const redis = require(`connect-redis-${major}`);
  // Each major version has another export.
  const RedisStore =
    major === 6 ? redis(auth) : (redis.RedisStore ?? redis.default);
  return {
    store: new RedisStore({ client }),
    update: (id, session, lifeMs) =>
      client.set(`sess:${id}`, JSON.stringify(session), {
        XX: true,
        PX: lifeMs,
      }),
    close: async () =>
      client.destroy ? client.destroy() : client.disconnect(),
  };
}

/** Which major version of the client each of connect-redis is used with. */
const REDIS = {
  "connect-redis 6": { store: 6, client: 4 },
  "connect-redis 7": { store: 7, client: 4 },
  "connect-redis 8": { store: 8, client: 4 },
  "connect-redis 9": { store: 9, client: 5 },
  "connect-redis 9, redis 6": { store: 9, client: 6 },
};

type Session = { cookie: { expires: Date | number } };

/** Sessions as text, as all stores outside the process have them, until they expire. */
class Sessions implements Fallible {
  trouble: Trouble | undefined;
  #onWrite: (() => Promise<void>) | undefined;
  readonly #entries = new Map<string, { text: string; expires: number }>();

  holdWrite() {
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const reached = new Promise<void>((resolve) => {
      this.#onWrite = () => {
        this.#onWrite = undefined;
        resolve();
        return released;
      };
    });
    return { reached, release };
  }
  /** Waits while a write is to be held. */
  async onWrite(): Promise<void> {
    await this.#onWrite?.();
  }
  get(id: string): Session | undefined {
    const entry = this.#entries.get(id);
    return entry && entry.expires > Date.now()
      ? JSON.parse(entry.text)
      : undefined;
  }
  set(id: string, session: Session): void {
    const expires = Number(new Date(session.cookie.expires));
    this.#entries.set(id, { text: JSON.stringify(session), expires });
  }
  delete(id: string): void {
    this.#entries.delete(id);
  }
  touch(id: string, session: Session): void {
    const entry = this.#entries.get(id);
    if (entry) entry.expires = Number(new Date(session.cookie.expires));
  }
}

/** A store that calls back, and knows no promises. */
function callbackStore(): OpenStore {
  const sessions = new Sessions();
  type Done = (error: Error | null, session?: Session) => void;
  const later = (done: Done, work: () => Session | undefined) => {
    if (sessions.trouble === "silence") return;
    setImmediate(() => {
      if (sessions.trouble) done(new Error("the store is down"));
      else done(null, work());
    });
  };
  const act = (done: Done, work: () => void) =>
    later(done, () => {
      work();
      return undefined;
    });
  return {
    fallible: sessions,
    store: {
      get(id: string, done: Done) {
        later(done, () => sessions.get(id));
      },
      set(id: string, session: Session, done: Done) {
        sessions
          .onWrite()
          .then(() => act(done, () => sessions.set(id, session)));
      },
      destroy(id: string, done: Done) {
        act(done, () => sessions.delete(id));
      },
      touch(id: string, session: Session, done: Done) {
        act(done, () => sessions.touch(id, session));
      },
    },
  };
}

/** A store that returns promises, knows no callbacks, and has no `touch`. */
function promiseStore(): OpenStore {
  const sessions = new Sessions();
  const answer = async () => {
    if (sessions.trouble === "silence") await new Promise(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    if (sessions.trouble) throw new Error("the store is down");
  };
  return {
    fallible: sessions,
    async update(id, session) {
      await sessions.onWrite();
      await answer();
      if (sessions.get(id)) sessions.set(id, session as Session);
    },
    store: {
      async get(id: string) {
        await answer();
        return sessions.get(id);
      },
      async set(id: string, session: Session) {
        await sessions.onWrite();
        await answer();
        sessions.set(id, session);
      },
      async destroy(id: string) {
        await answer();
        sessions.delete(id);
      },
    },
  };
}

/** Remembers which sessions have ended, in this process. */
export class Ended implements Fallible {
  trouble: Trouble | undefined;
  readonly #ids = new Set<string>();
  readonly #isLater: boolean;

  /** @param isLater whether it answers with promises */
  constructor(isLater: boolean) {
    this.#isLater = isLater;
  }
  has(id: string): boolean | Promise<boolean> {
    return this.#answer(() => this.#ids.has(id));
  }
  add(id: string): unknown {
    return this.#answer(() => this.#ids.add(id));
  }
  #answer<T>(work: () => T): T | Promise<T> {
    if (this.trouble === "silence") return new Promise(() => {});
    const answer = () => {
      if (this.trouble) throw new Error("the list is down");
      return work();
    };
    if (!this.#isLater) return answer();
    return new Promise((resolve) => setImmediate(resolve)).then(answer);
  }
}
