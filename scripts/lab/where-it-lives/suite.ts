import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { skipUnless } from "../../cli/testing.ts";
import {
  findRedis,
  HOW_TO_INSTALL_REDIS,
  type RedisServer,
  startRedis,
} from "../../servers/redis-server.ts";
import { type App, startApp } from "./app.ts";
import { CHECKS } from "./checks.ts";
import { COMBINATIONS } from "./combinations.ts";
import { differences } from "./compare.ts";
import { loadForms } from "./forms.ts";

/** How long one thing may take that is asked of an app, in milliseconds. */
const PATIENCE_MS = 60_000;

/**
 * Tests the drop-in in all apps that stand on one version of Express. Their provider and their users
 * are in this process, too, so that there is one clock.
 */
export async function testOn(express: 4 | 5): Promise<void> {
  const forms = await loadForms();
  const noRedis = skipUnless(
    "Redis",
    Boolean(findRedis()),
    HOW_TO_INSTALL_REDIS,
  );
  let redis: RedisServer | undefined;
  before(async () => {
    if (!noRedis) redis = await startRedis();
  });
  after(() => redis?.stop());

  const apps = COMBINATIONS.filter((one) => one.express === express);
  for (const combination of apps) {
    const { name, store, dropIn, notAlone } = combination;
    const skip = store.startsWith("connect-redis") && noRedis;
    describe(name, { skip }, () => {
      let app: App;
      before(async () => {
        app = await startApp(combination, forms[dropIn], redis?.url);
      });
      after(() => app?.stop());

      for (const { name, concerns, run } of CHECKS) {
        if (concerns && !concerns(combination)) continue;
        test(name, { timeout: PATIENCE_MS }, () => run(app, combination));
      }

      if (notAlone) return;
      test("answers as the library", { timeout: PATIENCE_MS }, async () => {
        const alone = await startApp(combination, undefined, redis?.url);
        try {
          const { differs = [] } = combination;
          assert.deepEqual(await differences(alone, app), differs);
        } finally {
          await alone.stop();
        }
      });
    });
  }
}
