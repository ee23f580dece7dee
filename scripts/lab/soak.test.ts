import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { copyRepository, run, skipUnless } from "../cli/testing.ts";
import { findRedis, HOW_TO_INSTALL_REDIS } from "../servers/redis-server.ts";
import { soak } from "./soak-sessions.ts";

const skip = skipUnless("Redis", Boolean(findRedis()), HOW_TO_INSTALL_REDIS);

const SHORT = { seconds: 4, sessions: 30, seed: 1 };

describe("npm run soak", { skip }, () => {
  test("finds nothing in a short run of fix-complete", async (t) => {
    const words = Object.entries(SHORT).flatMap(([n, v]) => [`--${n}`, `${v}`]);
    const { code, stdout, stderr } = await run(t, "lab/soak", ...words);
    assert.deepEqual([code, stderr], [0, ""], stdout);
    // How much fits into the time is up to the machine. That something was looked at is not.
    assert.match(stdout, /^logouts confirmed +[1-9]/m);
    assert.match(stdout, /^requests with a dead cookie +[1-9]/m);
    assert.match(stdout, /^restarts +2$/m);
    assert.match(stdout, /^violations +0$/m);
  });

  test("finds a store that forgets", async (t) => {
    const { folder, edit } = copyRepository(t);
    edit(
      "snippets/support/store.ts",
      '{ type: "PX", value }',
      '{ type: "PX", value: 1 }',
    );
    const { violations } = await soak({
      ...SHORT,
      file: join(folder, "snippets", "fix-complete.ts"),
      cancel: t.signal,
      progress: () => {},
    });
    assert.match(
      violations.join("\n"),
      /nobody has logged out, but .*, null, /,
    );
  });
});
