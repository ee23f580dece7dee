import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { after, describe, type TestContext, test } from "node:test";
import { RedisStore } from "connect-redis";
import express from "express";
import { auth, type ConfigParams } from "express-openid-connect";
import createMemoryStore from "memorystore";
import { createClient } from "redis";
import {
  type LastingLogoutOptions,
  lastingLogout,
} from "../../snippets/drop-in/lasting-logout.ts";
import { startProvider } from "../../snippets/support/provider.ts";
import { whoami } from "../../snippets/support/user.ts";
import { writeAsset } from "../cli/assets.ts";
import { ROOT } from "../cli/root.ts";
import { skipUnless } from "../cli/testing.ts";
import { Browser, whoHas } from "../client/browser.ts";
import { BODY } from "../client/request-steps.ts";
import {
  type Answer,
  type CaseName,
  DEPLOYMENT_FILE,
  type Deployment,
  type QuestionName,
  readDeployment,
  type Seen,
} from "./deployment-data.ts";
import "./inside/announce-reading.ts";
import { findRedis, HOW_TO_INSTALL_REDIS, startRedis } from "./redis-server.ts";

// Deploys the drop-in to an app that runs, and takes it back. What is seen is kept in
// assets/deployment.json, with WRITE_DEPLOYMENT=yes, and npm run sync makes a table of it.

type Store = NonNullable<NonNullable<ConfigParams["session"]>["store"]>;

/** What an app keeps its sessions in. Each start of a process asks for it. */
interface Kept {
  /** The store of the app without the drop-in, if it has one, and of the app with it. */
  old(): Store | undefined;
  fresh(): Store | undefined;
  /** Writes a session only if it is there, for the app with the drop-in. */
  update?: LastingLogoutOptions["update"];
  /** Whether the old app has the drop-in already, without that. */
  isSecondStep?: boolean;
  /** The keys of a place that outlives a process. */
  keys(): Promise<string[]>;
}

const memoryStore = () =>
  new (createMemoryStore(auth as never))({
    checkPeriod: 24 * 60 * 60 * 1000,
  }) as unknown as Store;

/** Keeps sessions for longer than a process lives, as a database does. */
function lastingStore() {
  const map = new Map<string, string>();
  const store = {
    get: async (id: string) => JSON.parse(map.get(id) ?? "null"),
    async set(id: string, session: object) {
      map.set(id, JSON.stringify(session));
    },
    async destroy(id: string) {
      map.delete(id);
    },
  };
  return { keys: async () => [...map.keys()], store: store as never as Store };
}

/** One for all, each with a database of its own. */
let redis: ReturnType<typeof startRedis> | undefined;
let databases = 0;
after(async () => (await redis)?.stop());

async function onRedis(t: TestContext, name: CaseName): Promise<Kept> {
  redis ??= startRedis();
  const { url } = await redis;
  const client = createClient({ url, database: databases++ });
  await client.connect();
  t.after(() => client.destroy());
  const store = new RedisStore({ client });
  const update = (id: string, session: object, lifeMs: number) =>
    client.set(store.prefix + id, JSON.stringify(session), {
      XX: true,
      PX: lifeMs,
    });
  return {
    old: () => store as never,
    fresh: () => store as never,
    ...(name !== "connectRedis" && { update }),
    isSecondStep: name === "updateLater",
    keys: () => client.keys("*"),
  };
}

const CASES: Record<
  CaseName,
  (t: TestContext, name: CaseName) => Promise<Kept>
> = {
  cookies: async () => ({
    old: () => undefined,
    fresh: () => undefined,
    keys: async () => [],
  }),
  async cookiesToStore() {
    const { store, keys } = lastingStore();
    return { old: () => undefined, fresh: () => store, keys };
  },
  // Each process has its own, and what is in it ends with the process.
  memorystore: async () => ({
    old: memoryStore,
    fresh: memoryStore,
    keys: async () => [],
  }),
  connectRedis: onRedis,
  connectRedisUpdate: onRedis,
  updateLater: onRedis,
};

const noRedis = skipUnless("Redis", Boolean(findRedis()), HOW_TO_INSTALL_REDIS);

const sessionOf = (req: object) =>
  (req as { appSession: Record<string, unknown> }).appSession;

describe("a deployment, and a rollback", { concurrency: 2 }, () => {
  const isWriting = Boolean(process.env.WRITE_DEPLOYMENT);
  const observed: Partial<Deployment> = {};

  const names = Object.keys(CASES) as CaseName[];

  for (const name of names) {
    const skip = CASES[name] === onRedis && noRedis;
    test(`with ${name} is as in ${DEPLOYMENT_FILE}`, { skip }, async (t) => {
      observed[name] = await observe(t, await CASES[name](t, name));
      if (!isWriting)
        assert.deepEqual(
          observed[name],
          readDeployment(ROOT)[name],
          "if that is right, write it: WRITE_DEPLOYMENT=yes npm test -- --all scripts/servers/deployment.test.ts",
        );
    });
  }

  after(() => {
    if (!isWriting) return;
    const isWhole = names.every((name) => observed[name]);
    assert.ok(isWhole, "nothing is written without a Redis, and --all");
    const all = names.map((name) => [name, observed[name]]);
    writeAsset(ROOT, DEPLOYMENT_FILE, Object.fromEntries(all));
  });
});

/** Deploys, side by side first, and rolls back; tells what has become of sessions and of logouts. */
async function observe(t: TestContext, kept: Kept): Promise<Seen> {
  const server = createServer().listen(0, "localhost");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const baseURL = `http://localhost:${port}`;
  const { provider, close } = await startProvider({
    baseURL,
    idpMs: 0,
    // Cookie sessions take several cookies then.
    claimBytes: 5000,
    backChannelLogout: false,
  });
  t.after(() => {
    close();
    server.close();
    server.closeAllConnections();
  });
  const ended = new Set<string>();
  const update = kept.update && { update: kept.update };

  /** Starts the app without or with the drop-in, as a process of its own would. */
  const start = (which: "old" | "fresh"): RequestListener => {
    const store = kept[which]();
    const config: ConfigParams = {
      ...provider,
      baseURL,
      authRequired: false,
      idpLogout: true,
      authorizationParams: { response_type: "code" },
      ...(store && { session: { store } }),
    };
    const app = express();
    const isOld = which === "old";
    const options = isOld ? {} : { ...update };
    app.use(
      isOld && !kept.isSecondStep
        ? auth(config)
        : lastingLogout(auth, config, store ? options : { ended }),
    );
    app.get("/whoami", whoami);
    app.get("/", (_req, res) => void res.send("the page"));
    app.get("/keys", (req, res) => void res.json(Object.keys(sessionOf(req))));
    // It changes the session, so that all of them write it.
    app.post("/late", express.json(), (req, res) => {
      sessionOf(req).late = Date.now();
      whoami(req, res, () => {});
    });
    return app;
  };

  let answering: RequestListener;
  server.on("request", (req, res) => answering(req, res));
  /** Sends all that follows to one of the apps. */
  const goTo = (app: RequestListener) => {
    answering = app;
  };

  const visited = { baseURL, now: Date.now };
  const logInAt = async (app: RequestListener) => {
    goTo(app);
    const browser = new Browser(visited, 60_000);
    await browser.logIn("alice");
    return browser;
  };
  const cookieOf = async (browser: Browser) =>
    String((await browser.compose("cors", "GET", "/whoami")).headers.cookie);
  const leave = async (browser: Browser, app: RequestListener) => {
    goTo(app);
    const copy = await cookieOf(browser);
    await browser.logOut();
    return copy;
  };
  /** Loads a page at some apps, one after the other, and asks each who is logged in. */
  const visit = async (browser: Browser, ...apps: RequestListener[]) => {
    let isIn = true;
    for (const app of apps) {
      goTo(app);
      await browser.open("/");
      isIn &&= (await browser.whoami()) === "alice";
    }
    return isIn ? "in" : "out";
  };
  const copyAt = async (copy: string, app: RequestListener) => {
    goTo(app);
    return (await whoHas(visited, copy)) ? "works" : "dead";
  };
  /** Alice logs out at one app, while another one works on a request of hers. */
  const late = async (
    logoutAt: RequestListener,
    lateAt: RequestListener,
    old?: RequestListener,
  ): Promise<Answer> => {
    const browser = await logInAt(lateAt);
    const request = await browser.compose("cors", "POST", "/late", BODY);
    const inFlight = browser.send(request);
    await inFlight.received;
    const copy = await leave(browser, logoutAt);
    await browser.store(request, await inFlight.finish());
    const isBackAt = async (app: RequestListener) => {
      const fork = await browser.fork();
      goTo(app);
      const user = await fork.whoami();
      return user !== null || (await copyAt(copy, app)) === "works";
    };
    if (await isBackAt(fresh)) return "lost";
    return old && (await isBackAt(old)) ? "later" : "lasts";
  };

  const old = start("old");
  const stays = await logInAt(old);
  const comesAndGoes = await logInAt(old);
  const loadsNoPage = await logInAt(old);
  const before = await leave(await logInAt(old), old);

  // Both are there, and requests go to one or the other.
  const fresh = start("fresh");
  const seen: Partial<Record<QuestionName, Answer>> = {};
  seen.sideBySide = await visit(comesAndGoes, fresh, old, fresh, old, fresh);
  seen.newLogin = await visit(await logInAt(fresh), old, fresh, old);
  seen.newThenOld = await late(fresh, old, old);
  seen.oldThenNew = await late(old, fresh, old);

  // The old one is gone.
  seen.before = await visit(stays, fresh);
  goTo(fresh);
  await loadsNoPage.whoami();
  seen.newThenNew = await late(fresh, fresh);
  seen.endedBefore = await copyAt(before, fresh);
  const gone = await leave(await logInAt(fresh), fresh);
  const stayed = await logInAt(fresh);

  // It comes back, and the new one is gone.
  const again = start("old");
  seen.back = await visit(stays, again);
  seen.backNoPage = await visit(loadsNoPage, again);
  seen.backFromNew = await visit(stayed, again);
  seen.endedWithNew = await copyAt(gone, again);
  const { html } = await stayed.open("/keys");
  const keys = await kept.keys();
  const isMark = (key: string) => /\bended:/.test(key);
  const leftBehind = {
    "a key in each session": html.includes('"lastingLogout"'),
    "the list": ended.size > 0,
    "sessions in the store": !kept.old() && keys.some((key) => !isMark(key)),
    "marks in the store": keys.some(isMark),
  };
  return {
    ...(seen as Record<QuestionName, Answer>),
    leftBehind: Object.entries(leftBehind).flatMap(([what, isThere]) =>
      isThere ? what : [],
    ),
  };
}
