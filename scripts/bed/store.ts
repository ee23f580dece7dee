import type { ConfigParams } from "express-openid-connect";

export type Store = NonNullable<NonNullable<ConfigParams["session"]>["store"]>;

/** What a store, or `ended`, is asked. */
export type Command = "get" | "set" | "destroy" | "update" | "has" | "add";

// biome-ignore lint/suspicious/noExplicitAny: these are functions of many types.
type Work = (...given: any[]) => Promise<unknown>;
/** What a library of stores calls back with. */
type Back = (error: unknown, found?: unknown) => void;

/** The styles in which a store's function can give its answer. The library tells some by their code. */
export function stylesOf(work: Work) {
  const answer = (back: Back, given: unknown[]) => {
    // Some versions of the library call it once without that, to see what it returns.
    if (typeof back !== "function") return;
    work(...given).then((found) => back(null, found), back);
  };
  return {
    callback: (...given: unknown[]) => answer(given.pop() as Back, given),
    promise: async (...given: unknown[]) => work(...given),
    async both(...given: unknown[]) {
      const last = given.at(-1);
      const found = await work(...given);
      if (typeof last === "function") last(null, found);
      return found;
    },
    // What it promises is nothing, and comes before the answer.
    "async with a callback": async (...given: unknown[]) => {
      const callback = given.pop() as Back;
      answer(callback, given);
    },
    async files(...given: unknown[]) {
      const found = await work(...given);
      if (found !== null) return found;
      throw Object.assign(new Error(), { code: "ENOENT", syscall: "open" });
    },
    // A compiler for ES2016 or older leaves no `async` functions.
    compiled: work,
  };
}
export type Style = keyof ReturnType<typeof stylesOf>;

/** A store, and what remembers which sessions have ended. It can fail, be silent, or be held. */
export class Memory {
  /** Texts, by their ids. */
  readonly entries = new Map<string, string>();
  /** The ids of sessions that have ended, and until when they are to be remembered. */
  readonly endedUntil = new Map<string, number>();
  /** Runs before each command: what this throws is the answer, and until it resolves there is none. */
  before: (command: Command, id: string) => unknown = () => {};

  /**
   * Breaks some commands.
   * @param error what they are answered with; without one, they are never answered
   */
  break(commands: Command[], error?: Error): void {
    this.before = (command) => {
      if (!commands.includes(command)) return;
      if (error) throw error;
      return new Promise(() => {});
    };
  }

  /** Holds the next command that is meant until it is let go. */
  hold(isMeant: (command: Command, id: string) => boolean) {
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const reached = new Promise<void>((resolve) => {
      this.before = (command, id) => {
        if (!isMeant(command, id)) return;
        this.mend();
        resolve();
        return released;
      };
    });
    return { reached, release };
  }

  /** Works again, and holds nothing more. */
  mend(): void {
    this.before = () => {};
  }

  async #answer<Result>(command: Command, id: string, work: () => Result) {
    await this.before(command, id);
    return work();
  }

  /** Whether it gives what has expired, as some stores do. */
  keepsExpired = false;
  get = (id: string) =>
    this.#answer("get", id, () => {
      const found = JSON.parse(this.entries.get(id) ?? "null");
      const isOver = found?.cookie?.expires <= Date.now();
      return isOver && !this.keepsExpired ? null : found;
    });
  set = (id: string, session: object) =>
    this.#answer("set", id, () => {
      this.entries.set(id, JSON.stringify(session));
    });
  destroy = (id: string) =>
    this.#answer("destroy", id, () => void this.entries.delete(id));
  /** Writes a session if there is one, as Redis does with `SET … XX`. */
  update = (id: string, session: object, lifeMs: number) =>
    this.#answer("update", id, () => {
      if (!this.entries.has(id)) return false;
      // It lives for as long as Redis is told, with PX, whatever else is said.
      const expires = Date.now() + lifeMs;
      const cookie = { ...(session as { cookie: object }).cookie, expires };
      const text = JSON.stringify({ ...session, cookie });
      return Boolean(this.entries.set(id, text));
    });

  /** What an app with cookie sessions gives to the drop-in. */
  readonly ended = {
    has: (id: string) =>
      this.#answer(
        "has",
        id,
        () => Number(this.endedUntil.get(id)) > Date.now(),
      ),
    add: (id: string, lifeMs: number) =>
      this.#answer("add", id, () => {
        this.endedUntil.set(id, Date.now() + lifeMs);
      }),
  };

  /** The ids of the sessions that it has, without those that it knows to have ended. */
  sessions(): string[] {
    return [...this.entries.keys()].filter((id) => !id.startsWith("ended:"));
  }

  /** Makes the `session.store` of an app. */
  asStore(style: Style): Store {
    const { get, set, destroy } = this;
    const make = (work: Work) => stylesOf(work)[style];
    return { get: make(get), set: make(set), destroy: make(destroy) } as never;
  }
}
