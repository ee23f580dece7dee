import assert from "node:assert/strict";
import { after, describe, type TestContext, test } from "node:test";
import { RedisStore } from "connect-redis";
import { auth } from "express-openid-connect";
import createMemoryStore from "memorystore";
import { createClient } from "redis";
import {
  type Deployed,
  type DeploymentAnswer,
  type DeploymentCase,
  readResult,
  writeResult,
} from "../base/results.ts";
import { ROOT } from "../base/root.ts";
import { skipUnless } from "../base/testing.ts";
import { type MadeApp, plain, startApp } from "../bed/app.ts";
import { whoHas } from "../bed/browser.ts";
import { findRedis, HOW_TO_INSTALL_REDIS, startRedis } from "../bed/redis.ts";
import { Memory, type Store } from "../bed/store.ts";
import { arrive, User } from "./users.ts";

// Deploys the drop-in to an app that runs, and takes it back. What is seen is kept in
// assets/deployment.json, with WRITE_DEPLOYMENT=yes, and npm run sync makes a table of it.

/** What an app keeps its sessions in, if not in cookies. Each start of a process asks for it. */
interface Kept {
  /** The store of the app without the drop-in, and of the app with it. */
  old?(): Store;
  fresh?(): Store;
  /** Writes a session only if it is there, for the app with the drop-in. */
  update?(id: string, session: object, lifeMs: number): unknown;
  /** Whether the old app has the drop-in already, without that. */
  isSecondStep?: boolean;
  /** The keys of a place that outlives a process. */
  keys?(): Promise<string[]>;
}

/** One for all, each with a database of its own. */
let redis: ReturnType<typeof startRedis> | undefined;
let databases = 0;
after(async () => (await redis)?.stop());

async function onRedis(t: TestContext, name: DeploymentCase): Promise<Kept> {
  redis ??= startRedis();
  const { url } = await redis;
  const client = createClient({ url, database: databases++ });
  await client.connect();
  t.after(() => client.destroy());
  const store = new RedisStore({ client }) as never as Store;
  const update: Kept["update"] = (id, session, lifeMs) =>
    client.set(`sess:${id}`, JSON.stringify(session), { XX: true, PX: lifeMs });
  return {
    old: () => store,
    fresh: () => store,
    ...(name !== "connectRedis" && { update }),
    isSecondStep: name === "updateLater",
    keys: () => client.keys("*"),
  };
}

const CASES: Record<DeploymentCase, typeof onRedis> = {
  cookies: async () => ({}),
  async cookiesToStore() {
    // It keeps sessions for longer than a process lives, as a database does.
    const memory = new Memory();
    const keys = async () => [...memory.entries.keys()];
    return { fresh: () => memory.asStore("promise"), keys };
  },
  async memorystore() {
    // Each process has its own, and what is in it ends with the process.
    const MemoryStore = createMemoryStore(auth as never);
    const open = () => new MemoryStore({}) as never;
    return { old: open, fresh: open };
  },
  ...{ connectRedis: onRedis, connectRedisUpdate: onRedis },
  updateLater: onRedis,
};

const noRedis = skipUnless("Redis", Boolean(findRedis()), HOW_TO_INSTALL_REDIS);
const HOW_TO_WRITE =
  "WRITE_DEPLOYMENT=yes npm test -- --all scripts/drop-in/deployment.test.ts";

describe("a deployment, and a rollback", () => {
  const isWriting = Boolean(process.env.WRITE_DEPLOYMENT);
  const recorded = readResult(ROOT, "deployment");

  for (const name of Object.keys(CASES) as DeploymentCase[]) {
    const skip = CASES[name] === onRedis && noRedis;
    test(`with ${name} is as in deployment.json`, { skip }, async (t) => {
      const seen = await observe(await CASES[name](t, name));
      if (isWriting) recorded[name] = seen;
      const told = `if that is right, write it: ${HOW_TO_WRITE}`;
      assert.deepEqual(seen, recorded[name], told);
    });
  }

  after(() => {
    if (isWriting) writeResult(ROOT, "deployment", recorded);
  });
});

/** Deploys, side by side first, and rolls back; tells what has become of sessions and of logouts. */
async function observe(kept: Kept): Promise<Deployed> {
  const memory = new Memory();

  /** Starts the app without or with the drop-in, as a process of its own would. */
  const start = (which: "old" | "fresh") => {
    const store = kept[which]?.();
    const isOld = which === "old";
    const { update, isSecondStep } = kept;
    return startApp({
      memory,
      kind: store ? "store" : "cookies",
      // Cookie sessions take several cookies then.
      claimBytes: 5000,
      ...(store && { config: { session: { store } } }),
      ...(update && !isOld && { options: { update } }),
      ...(isOld && !isSecondStep && { wrap: plain }),
      routes: (app) =>
        app.get("/keys", (req, res) => {
          const { appSession = {} } = req as { appSession?: object };
          res.json(Object.keys(appSession));
        }),
    });
  };

  // Cookies know hosts, and no ports: whatever the browser has goes to each of the apps.
  const app = { baseURL: "" };
  const goTo = ({ baseURL }: MadeApp) => Object.assign(app, { baseURL });
  const logInAt = (one: MadeApp) => User.loggedIn(goTo(one));
  const leave = async (user: User, one: MadeApp) => {
    goTo(one);
    const copy = await user.cookies();
    await user.logOut();
    return copy;
  };
  /** Loads a page at some apps, one after the other, and asks each who is logged in. */
  const visit = async (user: User, ...apps: MadeApp[]) => {
    let isIn = true;
    for (const one of apps) {
      goTo(one);
      await user.open("/");
      isIn &&= (await user.whoami()) === "alice";
    }
    return isIn ? "in" : "out";
  };
  const copyAt = async (copy: string, one: MadeApp) =>
    (await whoHas(goTo(one), copy)) ? "works" : "dead";
  /** Alice logs out at one app, while another one works on a request of hers. */
  const late = async (
    logoutAt: MadeApp,
    lateAt: MadeApp,
    old?: MadeApp,
  ): Promise<DeploymentAnswer> => {
    const user = await logInAt(lateAt);
    const request = await user.inFlight("received");
    const copy = await leave(user, logoutAt);
    await arrive(request);
    const isBackAt = async (one: MadeApp) => {
      goTo(one);
      const isIn = await (await user.fork()).whoami();
      return isIn !== null || (await copyAt(copy, one)) === "works";
    };
    if (await isBackAt(fresh)) return "lost";
    return old && (await isBackAt(old)) ? "later" : "lasts";
  };

  const old = await start("old");
  const stays = await logInAt(old);
  const comesAndGoes = await logInAt(old);
  const loadsNoPage = await logInAt(old);
  const before = await leave(await logInAt(old), old);

  // Both are there, and requests go to one or the other.
  const fresh = await start("fresh");
  const beside = {
    sideBySide: await visit(comesAndGoes, fresh, old, fresh, old, fresh),
    newLogin: await visit(await logInAt(fresh), old, fresh, old),
    newThenOld: await late(fresh, old, old),
    oldThenNew: await late(old, fresh, old),
  } as const;

  // The old one is gone.
  const alone = { before: await visit(stays, fresh) } as const;
  goTo(fresh);
  await loadsNoPage.whoami();
  const newThenNew = await late(fresh, fresh);
  const endedBefore = await copyAt(before, fresh);
  const gone = await leave(await logInAt(fresh), fresh);
  const stayed = await logInAt(fresh);

  // It comes back, and the new one is gone.
  const again = await start("old");
  const after = {
    back: await visit(stays, again),
    backNoPage: await visit(loadsNoPage, again),
    backFromNew: await visit(stayed, again),
    endedWithNew: await copyAt(gone, again),
  } as const;
  goTo(again);
  const { html } = await stayed.open("/keys");
  const keys = (await kept.keys?.()) ?? [];
  const isMark = (key: string) => /\bended:/.test(key);
  const leftBehind = {
    "a key in each session": html.includes('"lastingLogout"'),
    "the list": memory.endedUntil.size > 0,
    "sessions in the store": !kept.old && keys.some((key) => !isMark(key)),
    "marks in the store": keys.some(isMark),
  };
  return {
    ...{ ...beside, ...alone, newThenNew, endedBefore, ...after },
    leftBehind: Object.entries(leftBehind).flatMap(([what, isThere]) =>
      isThere ? what : [],
    ),
  };
}
