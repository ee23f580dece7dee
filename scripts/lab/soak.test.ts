import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, watch } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ROOT } from "../cli/root.ts";
import { copyRepository, run, skipUnless, start } from "../cli/testing.ts";
import { findRedis, HOW_TO_INSTALL_REDIS } from "../servers/redis-server.ts";

const skip = skipUnless("Redis", Boolean(findRedis()), HOW_TO_INSTALL_REDIS);

const SHORT = ["--seconds", "4", "--sessions", "30", "--seed", "1", "--json"];

describe("npm run soak", { skip, concurrency: 2 }, () => {
  test("finds nothing in a short run of fix-complete", async (t) => {
    const { code, stdout, stderr } = await run(t, "soak", ...SHORT);
    assert.equal(code, 0, stderr + stdout);
    const { figures, violations, seed } = JSON.parse(stdout);
    assert.deepEqual([violations, seed, figures.restarts], [[], 1, 2]);
    // How much fits into the time is up to the machine. That something was looked at is not.
    assert.ok(figures["logouts confirmed"] > 0, stdout);
    assert.ok(figures["requests with a dead cookie"] > 0, stdout);
  });

  for (const [what, file, from, to, complaint] of [
    [
      "a store that forgets",
      "snippets/support/store.ts",
      "new RedisStore({ client })",
      "new RedisStore({ client, ttl: () => 1 })",
      /nobody has logged out, but .*, null, /,
    ],
    [
      "a process that dies",
      "snippets/fix-complete.ts",
      'app.get("/whoami", whoami);',
      'app.get("/whoami", () => process.exit(3));',
      /a request failed: .*a process ended, with exit code 3/s,
    ],
  ] as const) {
    test(`finds ${what}`, async (t) => {
      const { folder, edit } = copyRepository(t);
      edit(file, from, to);
      const words = [...SHORT, "--from", join(folder, "snippets")];
      const { code, stdout } = await run(t, "soak", ...words);
      assert.equal(code, 1);
      assert.match(stdout, complaint);
    });
  }

  test("names a snippet that does not start", async (t) => {
    const { folder, write } = copyRepository(t);
    write("snippets/fix-complete.ts", 'throw new Error("no such luck");\n');
    const words = ["--from", join(folder, "snippets")];
    const { code, stderr } = await run(t, "soak", ...words);
    assert.equal(code, 1);
    assert.match(stderr, /^fix-complete: it ended, with exit code 1\./m);
  });

  for (const [signal, exitCode] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGKILL", null],
  ] as const) {
    test(`leaves nothing behind after ${signal}`, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), "in-flight-"));
      t.after(() => rmSync(folder, { recursive: true }));
      /** Resolves once Redis has its folder, or has it no more. */
      const redisFolder = (isThere: boolean) =>
        new Promise<void>((resolve) => {
          const look = () => {
            const names = readdirSync(folder);
            const found = names.some((name) => /-redis-/.test(name));
            if (found !== isThere) return;
            watcher.close();
            resolve();
          };
          const watcher = watch(folder, look);
          look();
        });
      const made = redisFolder(true);
      const file = join(ROOT, "scripts/soak.ts");
      const soak = start(t, file, ["--sessions", "500"], { TMPDIR: folder });
      await made;
      soak.kill(signal);
      assert.equal((await soak.ended).code, exitCode);
      // The server goes first, and then its folder.
      await redisFolder(false);
    });
  }

  test("explains itself, and what it does not understand", async (t) => {
    const help = await run(t, "soak", "--help");
    assert.equal(help.code, 0);
    assert.match(help.stdout, /^Usage: npm run soak/);
    for (const line of help.stdout.split("\n")) assert.ok(line.length <= 80);
    for (const [words, complaint] of [
      [["broken"], /^soak: name one of fix-complete/],
      [["--seconds", "0"], /^soak: --seconds takes a whole number from 1 up$/m],
      [["--seed", "x"], /^soak: --seed takes a whole number from 0 up$/m],
      [["--from", "nowhere"], /^soak: there is no file nowhere/],
      [["--loud"], /--help/],
    ] as const) {
      const { code, stderr } = await run(t, "soak", ...words);
      assert.equal(code, 2);
      assert.match(stderr, complaint);
    }
  });
});
