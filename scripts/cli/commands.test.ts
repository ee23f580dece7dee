import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ROOT } from "./root.ts";
import type { Ran } from "./run-commands.ts";
import { start } from "./testing.ts";

/** Command lines, and what they print on standard error. Without that, they print their help. */
const LINES: [line: string, complaint?: RegExp][] = [
  ["verify --help"],
  ["verify fix-everything", /there is no snippet fix-everything; there are b/],
  ["verify --loud", /--loud/],
  ["verify --processes 3", /--processes takes 1 or 2/],
  ["verify --processes 2 --deep", /--deep goes without --processes/],
  ["verify --write", /--write goes with --deep/],
  ["verify --write --deep --from snippets", /--write goes .* this repository/],
  ["verify --write --histories 10", /--write goes with .*--histories 1000/],
  ["verify --seed 7", /--seed goes with --histories/],
  ["verify --orders --json", /--orders goes without --json/],
  ["verify --race broken", /--race goes with all snippets/],
  ["verify --race --from snippets", /--race goes with all snippets/],
  ["verify --race --json", /--race goes without --json/],
  ["verify-browsers --help"],
  ["verify-browsers --browser lynx", /no browser lynx; there are chromium/],
  ["verify-browsers --write --from snippets", /--write goes with all snippets/],
  ["probe --help"],
  ["probe http://localhost:1 --loud", /--loud/],
  ["sync --help"],
  ["sync --all", /--all/],
  ["test --help"],
  ["test --loud", /^test: .*--loud/],
  ["test none.test.ts", /^test: there is no file none\.test\.ts$/m],
];

describe("a command explains itself, and what it does not understand:", () => {
  let ran: Promise<Ran[]> | undefined;
  const runAll = async (t: Parameters<typeof start>[0]) => {
    const lines = LINES.map(([line]) => line.split(" "));
    const file = join(ROOT, "scripts", "cli", "run-commands.ts");
    const { stdout } = await start(t, file, [JSON.stringify(lines)]).ended;
    return JSON.parse(stdout) as Ran[];
  };

  for (const [at, [line, complaint]] of LINES.entries()) {
    test(line, async (t) => {
      ran ??= runAll(t);
      const { code, stdout, stderr } = (await ran)[at] as Ran;
      if (complaint) {
        assert.equal(code, 2);
        assert.equal(stdout, "");
        assert.match(stderr, complaint);
        assert.match(stderr, /^Try: npm run [\w:-]+ -- --help$/m);
        assert.doesNotMatch(stderr, /^ +at /m);
      } else {
        assert.equal(code, 0);
        assert.match(stdout, /^Usage: npm (run )?[\w:]+ -- /);
        assert.match(stdout, /^Exit code: /m);
        for (const each of stdout.split("\n")) assert.ok(each.length <= 80);
      }
    });
  }
});
