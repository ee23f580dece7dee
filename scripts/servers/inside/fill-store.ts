import { createRequire } from "node:module";
import type { ConfigParams } from "express-openid-connect";
import { answerCalls } from "./answer-calls.ts";

// Loaded into a snippet's process before the snippet, so that somebody can put many sessions into
// the store that the snippet gives to auth().

type Session = NonNullable<ConfigParams["session"]>;

/** A store as the library takes it: its functions call back, or return a promise. */
type Call = (
  this: object,
  ...given: [...unknown[], (error: unknown, found?: unknown) => void]
) => Promise<unknown> | undefined;

let session: Session | undefined;

// The library is CommonJS, so what an import of it gets later is what stands here by then.
const library = createRequire(import.meta.url)("express-openid-connect");
const realAuth = library.auth;
const auth = (config: ConfigParams) => {
  session = config.session;
  return realAuth(config);
};
library.auth = Object.assign(auth, realAuth);

function ask(name: "get" | "set", ...given: unknown[]): Promise<unknown> {
  const store = session?.store as unknown as Record<string, Call>;
  return new Promise((resolve, reject) => {
    const back = (error: unknown, found?: unknown) =>
      error ? reject(error) : resolve(found);
    store[name]?.call(store, ...given, back)?.then(resolve, reject);
  });
}

/** Puts sessions there as logins do, each under an id that was made for it, and all like another one. */
async function fillStore(count: number, like: string): Promise<void> {
  const text = JSON.stringify(await ask("get", like));
  if (!text) throw new Error("the store has no such session");
  for (let at = 0; at < count; at += 1) {
    // A login that is answered at once has a request, but nobody waits for its response.
    const id = await (session?.genid?.({} as never) ?? crypto.randomUUID());
    // No session shares its texts with another one.
    await ask("set", id, JSON.parse(text));
  }
}

answerCalls({ fillStore });
