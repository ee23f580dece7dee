import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { copyRepository, run, skipUnless } from "../cli/testing.ts";
import { findRedis, HOW_TO_INSTALL_REDIS } from "../servers/redis-server.ts";
import { soak } from "./soak-histories.ts";

const skip = skipUnless("Redis", Boolean(findRedis()), HOW_TO_INSTALL_REDIS);

describe("npm run soak", { skip }, () => {
  test("finds nothing in a short run of both forms of the drop-in", async (t) => {
    const { code, stdout, stderr } = await run(t, "lab/soak", "--requests=400");
    assert.deepEqual([code, stderr], [0, ""], stdout);
    for (const name of ["fix-complete", "fix-complete-cookie"]) {
      // How much happens at once is up to the machine. That something was looked at is not.
      const line = `^${name}: .*, logouts confirmed [1-9].*, violations 0$`;
      assert.match(stdout, new RegExp(line, "m"));
    }
    const all =
      "Redis: killed 1, paused 1, refusing writes 1, out of memory 1, emptied 1";
    assert.equal(stdout.split(all).length, 3, stdout);
  });

  test("finds a failed read that is taken for no session", async (t) => {
    const { folder, edit } = copyRepository(t);
    edit(
      "snippets/drop-in/lasting-logout.ts",
      "visit.next(fail(visit, error));",
      "leaveOutOne(visit); router(visit.req, visit.res, visit.next);",
    );
    const { violations } = await soak(
      join(folder, "snippets", "fix-complete.ts"),
      { requests: 600, seed: 1, cancel: t.signal, progress: () => {} },
    );
    assert.notDeepEqual(violations, []);
  });
});
