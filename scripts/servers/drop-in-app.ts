import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import express5, { type ErrorRequestHandler, type Express } from "express";
import { auth, type ConfigParams } from "express-openid-connect";
import {
  type LastingLogoutOptions,
  lastingLogout,
} from "../../snippets/drop-in/lasting-logout.ts";
import { startProvider } from "../../snippets/support/provider.ts";
import { userOf } from "../../snippets/support/user.ts";
import { ROOT } from "../cli/root.ts";
import type { Visited } from "../client/browser.ts";
import "./inside/announce-reading.ts";

// Small apps with the drop-in, in the test's own process, all with one local provider.

const express4 = createRequire(import.meta.url)("express-4") as typeof express5;

/** The three ways to use the drop-in. */
export const KINDS = ["store", "store and update", "cookies"] as const;
export type Kind = (typeof KINDS)[number];

/** What a store, or `ended`, is asked. */
export type Command = "get" | "set" | "destroy" | "update" | "has" | "add";

/** How a store's functions give their answers. */
export const STYLES = [
  "callback",
  "promise",
  "both",
  "async with a callback",
  "compiled",
] as const;
export type Style = (typeof STYLES)[number];

/** What a library of stores calls back with. */
type Back = (error: unknown, found?: unknown) => void;

/** Where an app keeps what it has to remember. A test can make it fail, or wait. */
export class Memory {
  /** Texts, by their ids. */
  readonly entries = new Map<string, string>();
  /** The ids of sessions that have ended, and until when they are to be remembered. */
  readonly ended = new Map<string, number>();
  /** What it was asked, in order. */
  readonly asked: { command: Command; id: string }[] = [];
  /** Runs before each command: what this throws is the answer, and until it resolves there is none. */
  before: (command: Command, id: string) => unknown = () => {};

  async #answer<Result>(
    command: Command,
    id: string,
    work: () => Result,
  ): Promise<Result> {
    this.asked.push({ command, id });
    await this.before(command, id);
    return work();
  }

  get = (id: string) =>
    this.#answer("get", id, () => {
      const found = JSON.parse(this.entries.get(id) ?? "null");
      const isOver = Number(found?.cookie.expires) <= Date.now();
      return found && !isOver ? found : undefined;
    });

  set = (id: string, session: object) =>
    this.#answer("set", id, () => {
      this.entries.set(id, JSON.stringify(session));
    });

  destroy = (id: string) =>
    this.#answer("destroy", id, () => {
      this.entries.delete(id);
    });

  /** Writes a session if there is one, as Redis does with `SET … XX`. */
  update = (id: string, session: object) =>
    this.#answer("update", id, () => {
      if (!this.entries.has(id)) return false;
      this.entries.set(id, JSON.stringify(session));
      return true;
    });

  has = (id: string) =>
    this.#answer("has", id, () => Number(this.ended.get(id)) > Date.now());

  add = (id: string, lifeMs: number) =>
    this.#answer("add", id, () => {
      this.ended.set(id, Date.now() + lifeMs);
    });

  /** The ids of the sessions that it has, without those that it knows to have ended. */
  sessions(): string[] {
    return [...this.entries.keys()].filter((id) => !id.startsWith("ended:"));
  }

  /** Makes the `session.store` of an app. */
  asStore(style: Style): NonNullable<ConfigParams["session"]>["store"] {
    const { get, set, destroy } = this;
    const back = (answer: Promise<unknown>, callback: Back) => {
      answer.then((found) => callback(null, found), callback);
    };
    // A compiler for ES2016 or older leaves no `async` functions.
    const stores = {
      callback: {
        get: (id: string, done: Back) => back(get(id), done),
        set: (id: string, session: object, done: Back) =>
          back(set(id, session), done),
        destroy: (id: string, done: Back) => back(destroy(id), done),
      },
      promise: {
        get: async (id: string) => get(id),
        set: async (id: string, session: object) => set(id, session),
        destroy: async (id: string) => destroy(id),
      },
      // What they promise is nothing, and comes before the answer. The library tells by the name.
      "async with a callback": {
        get: async (id: string, callback: Back) => back(get(id), callback),
        set: async (id: string, session: object, callback: Back) =>
          back(set(id, session), callback),
        destroy: async (id: string, callback: Back) =>
          back(destroy(id), callback),
      },
      compiled: { get, set, destroy },
      both: {
        async get(id: string, done?: Back) {
          const found = await get(id);
          done?.(null, found);
          return found;
        },
        async set(id: string, session: object, done?: Back) {
          await set(id, session);
          done?.(null);
        },
        async destroy(id: string, done?: Back) {
          await destroy(id);
          done?.(null);
        },
      },
    };
    return stores[style] as unknown as NonNullable<
      ConfigParams["session"]
    >["store"];
  }
}

/** What an app of a test is to be like; all of it has a default. */
export interface AppOptions {
  kind?: Kind;
  /** What `auth` gets besides the provider and the store. */
  config?: Partial<ConfigParams>;
  /** What the drop-in gets besides `ended` or `update`. */
  options?: LastingLogoutOptions;
  express?: 4 | 5;
  style?: Style;
  /** What another app, as another process of the same one, remembers, too. */
  memory?: Memory;
  /** Where in the app it is put. */
  path?: string;
  /** What comes before it, and what after. */
  above?: (app: Express) => void;
  routes?: (app: Express) => void;
  /** The app's error handler answers with this status, whatever the error says. */
  errorStatus?: number;
  /** What is in the place of the drop-in. */
  wrap?: typeof lastingLogout;
}

export interface App extends Visited {
  kind: Kind;
  /** What the drop-in has returned. */
  router: ReturnType<typeof lastingLogout>;
  memory: Memory;
  /** What the app's error handler got. */
  errors: (Error & { status?: number })[];
}

/** Starts apps for one test. */
export type Start = (options?: AppOptions) => Promise<App>;

/** Something that has to be true of an app with the drop-in. */
export type Scenario = (start: Start, t: TestContext) => Promise<void>;

/** A mistake in the drop-in, and the test that notices it. */
export type Mistake = [
  what: string,
  kind: Kind,
  noticed: Scenario,
  from: string,
  to: string,
];

/** A local provider for all apps of a file, which calls the last one that has a back channel. */
export async function startLocalProvider() {
  let address = "http://127.0.0.1:9";
  const local = await startProvider({
    baseURL: "http://localhost",
    backChannelAddress: () => address,
    idpMs: 0,
    claimBytes: 0,
    backChannelLogout: true,
  });
  const { close, provider } = local;

  /** Starts an app, which ends with the test. */
  async function startApp(t: TestContext, chosen: AppOptions): Promise<App> {
    const { kind = "store", style = "callback", path = "/" } = chosen;
    const { config = {}, wrap = lastingLogout, errorStatus } = chosen;
    const { memory = new Memory() } = chosen;
    const app = chosen.express === 4 ? express4() : express5();
    const server = createServer(app);
    server.listen(0, "localhost");
    await once(server, "listening");
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    const { port } = server.address() as AddressInfo;
    const origin = `http://localhost:${port}`;
    if (config.backchannelLogout) address = origin;

    const store = kind === "cookies" ? {} : { store: memory.asStore(style) };
    const { has, add, update } = memory;
    const remembering = {
      store: {},
      "store and update": { update },
      cookies: { ended: { has, add } },
    }[kind];
    const errors: App["errors"] = [];
    chosen.above?.(app);
    const router = wrap(
      auth,
      {
        ...provider,
        baseURL: new URL(path, origin).href.replace(/\/$/, ""),
        authRequired: false,
        idpLogout: true,
        authorizationParams: { response_type: "code" },
        ...config,
        session: { ...store, ...config.session },
      } as ConfigParams,
      { ...remembering, ...chosen.options },
    );
    app.use(path, router);
    app.get(path, (req, res) => {
      res.send(`<p>${userOf(req) ?? "Nobody"} is logged in</p>`);
    });
    app.get("/whoami", (req, res) => {
      res.json({ user: userOf(req) });
    });
    app.post("/update", express5.json(), (req, res) => {
      res.json({ recordedBy: userOf(req) });
    });
    // Routes of a shop: what is in the session belongs to whoever put it there.
    const name = config.session?.name ?? "appSession";
    const sessionOf = (req: object) =>
      (req as { [name: string]: { basket?: string } })[name] ?? {};
    app.post("/basket", express5.json(), (req, res) => {
      sessionOf(req).basket = req.body.basket;
      res.json({ recordedBy: userOf(req) });
    });
    app.get("/basket", (req, res) => {
      res.json({ basket: sessionOf(req).basket ?? null });
    });
    chosen.routes?.(app);
    const onError: ErrorRequestHandler = (error, _req, res, next) => {
      errors.push(error);
      if (res.headersSent) return next(error);
      res
        .status(errorStatus ?? error.status ?? 500)
        .json({ error: error.message });
    };
    app.use(onError);
    return { kind, router, baseURL: origin, now: Date.now, memory, errors };
  }

  return { startApp, close, provider };
}

/** Tries copies of the drop-in with one mistake each: the test that is named with it has to fail. */
export async function tryMistakes(
  t: TestContext,
  startApp: (t: TestContext, options: AppOptions) => Promise<App>,
  all: Mistake[],
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "drop-in-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [what, kind, noticed, from, to] of all) {
    await t.test(what, async (t) => {
      const wrap = await withMistake(folder, from, to);
      const start: Start = (chosen) => startApp(t, { kind, wrap, ...chosen });
      await assert.rejects(noticed(start, t), { name: "AssertionError" });
    });
  }
}

/**
 * Makes a copy of the drop-in with one mistake in it.
 * @param folder where to put it
 */
async function withMistake(
  folder: string,
  from: string,
  to: string,
): Promise<typeof lastingLogout> {
  const file = join(ROOT, "snippets", "drop-in", "lasting-logout.ts");
  const code = readFileSync(file, "utf8");
  const mistaken = code.replace(from, () => to);
  if (mistaken === code) throw new Error(`the drop-in does not have: ${from}`);
  // Nor may a process rely on what only the process that has ended a session knows.
  const broken = mistaken.replace(ENDED_HERE, "");
  const copy = join(folder, `broken-${mistakes++}.ts`);
  writeFileSync(copy, broken);
  return (await import(pathToFileURL(copy).href)).lastingLogout;
}
let mistakes = 0;

/** Where a process takes down which sessions it has ended. */
export const ENDED_HERE = "justEnded.add(visit.id);";
