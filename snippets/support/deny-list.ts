import { openStore } from "./store.ts";

/** Which sessions have ended, by ids that the list makes. */
export interface DenyList {
  /** Makes an id for a login. */
  newId(): Promise<string>;
  add(id: string): Promise<void>;
  has(id: string): Promise<boolean>;
}

const isText = (found: unknown): found is string => typeof found === "string";

/**
 * Opens a list of the sessions that have ended. Who loses such a list must not take all of them for
 * alive. So a list has a name, made at random when it begins, which is in all of its ids. When it
 * is lost, another one begins, and has nothing but ids of its own.
 * @param ttlMs how long an entry lives, in milliseconds
 */
export async function openDenyList(ttlMs: number): Promise<DenyList> {
  const lists = await openStore({
    name: "list",
    ttlMs: Infinity,
    isValue: isText,
  });
  const entries = await openStore({ name: "denied", ttlMs, isValue: isText });
  return {
    async newId() {
      // Of two processes that find no list, one makes it.
      if (!(await lists.has("now"))) {
        await lists.create("now", crypto.randomUUID());
      }
      return `${await lists.get("now")}:${crypto.randomUUID()}`;
    },
    add: (id) => entries.create(id, ""),
    async has(id) {
      const [now, isDenied] = await Promise.all([
        lists.get("now"),
        entries.has(id),
      ]);
      return isDenied || !now || !id.startsWith(`${now}:`);
    },
  };
}
