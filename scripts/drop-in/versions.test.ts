import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { ROOT } from "../base/root.ts";
import { skipUnless } from "../base/testing.ts";
import type { AppOptions } from "../bed/app.ts";
import * as packages from "../bed/packages.ts";
import { findRedis, HOW_TO_INSTALL_REDIS, startRedis } from "../bed/redis.ts";
import { FITTING } from "./fitting.ts";
import { PROMISES } from "./promises.ts";
import { testAll } from "./users.ts";

// The drop-in as JavaScript, on other versions of the library and of Express, and with stores that are
// not ours.

const { HOW_TO_INSTALL_PACKAGES, hasPackages, loadFromLab } = packages;
const noPackages = skipUnless(
  "the laboratory's packages",
  hasPackages(),
  HOW_TO_INSTALL_PACKAGES,
);
const noRedis =
  noPackages || skipUnless("Redis", Boolean(findRedis()), HOW_TO_INSTALL_REDIS);

const FILE = join(ROOT, "snippets", "drop-in", "lasting-logout.cjs");
const { lastingLogout: wrap } = createRequire(import.meta.url)(FILE);

/** What rests on the library's inside, and on what Express does with a promise. */
const SOME =
  /in no order|second|meanwhile|ECONNREFUSED|quickstart|special|path|attributes|has the sessions/;
/** What is asked with stores that are not ours. */
const FEW = /in no order|a stream|special/;
/** What is asked where responses are compressed. */
const COMPRESSED = /a stream|special/;

for (const [library, names] of [
  [undefined, SOME],
  ["2.17.0", /./],
  ["2.20.2", SOME],
] as const) {
  const skip = library ? noPackages : false;
  describe(`library ${library ?? "as installed"}, Express 4`, { skip }, () => {
    const sections =
      library === "2.17.0" ? PROMISES : [...PROMISES, ...FITTING];
    testAll(sections, { library, express: 4, wrap }, names);
  });
}

for (const place of ["above", "routes"] as const) {
  describe(`compression ${place}`, { skip: noPackages }, () => {
    const compress: AppOptions["above"] = (app) =>
      app.use(loadFromLab("compression")({ threshold: 0 }));
    testAll([...PROMISES, ...FITTING], { [place]: compress }, COMPRESSED);
  });
}

let redis: ReturnType<typeof startRedis> | undefined;
after(async () => (await redis)?.stop());

/** Each major version of connect-redis, the client that it is used with, the library, and Express. */
for (const [major, clientMajor, library, express] of [
  [6, 4, "2.17.0", 4],
  [7, 4, "2.17.0", 4],
  [7, 4, undefined, 5],
  [8, 4, "2.19.2", 4],
  [8, 4, "2.20.2", 4],
  [9, 5, undefined, 5],
  [9, 6, undefined, 5],
] as const) {
  const name = `connect-redis ${major}, redis ${clientMajor}, ${library ?? ""}`;
  describe(name, { skip: noRedis }, () => {
    const kind = clientMajor === 6 ? "store and update" : "store";
    const options: AppOptions = { library, express, kind };
    before(async () => {
      redis ??= startRedis();
      const { url } = await redis;
      const { createClient } = loadFromLab(`redis-${clientMajor}`);
      const client = createClient({ url, legacyMode: major === 6 });
      await client.on("error", () => {}).connect();
      const found = loadFromLab(`connect-redis-${major}`);
      const { auth } = packages.loadPackages(express, library).library;
      const RedisStore =
        major === 6 ? found(auth) : (found.RedisStore ?? found.default);
      options.config = { session: { store: new RedisStore({ client }) } };
      if (clientMajor < 6) return;
      const update = (id: string, session: object, lifeMs: number) =>
        client.set(`sess:${id}`, JSON.stringify(session), {
          XX: true,
          PX: lifeMs,
        });
      options.options = { update };
    });
    // The library alone does not see that connect-redis 7 takes a callback.
    testAll(
      [...PROMISES, ...FITTING],
      options,
      major === 7 ? /in no order/ : FEW,
    );
  });
}

describe("memorystore", { skip: noPackages }, () => {
  const { auth } = packages.loadPackages(5).library;
  const store = new (loadFromLab("memorystore")(auth))({});
  const options: AppOptions = { kind: "store", config: { session: { store } } };
  testAll([...PROMISES, ...FITTING], options, FEW);
});
