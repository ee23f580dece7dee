import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { copyRepository } from "../base/testing.ts";
import { syncRepository } from "./sync-repository.ts";

const POST =
  "posts/2023-03-10-express-openid-connect-and-in-flight-requests.md";
const WHICH_FIX = "posts/2026-11-27-which-fix.md";
const COSTS = "posts/2026-11-27-what-it-costs.md";
const FAILS = "posts/2026-11-27-what-does-not-work.md";
const PICTURE = "assets/fix-store-nobody-is-thrown-out.svg";

type Break = [file: string, from: string | RegExp, to: string];

/** What is broken, by what the check says of it. */
const ROUNDS: Record<string, [complaint: RegExp, ...Break][]> = {
  "what was made and has changed": [
    [/^posts\/2023.* is stale/m, POST, 'app.get("/", page);', ""],
    [/^posts\/2023.* is stale/m, POST, "+app.post(", "+app.put("],
    [/^posts\/2023.* is stale/m, POST, /-->19<!--/, "-->18<!--"],
    [/which-fix\.md is stale/, WHICH_FIX, "| ✗ |", "| ✓ |"],
    [/which-fix\.md is stale/, WHICH_FIX, "✓ the next user", "✗ it"],
    [/thrown-out\.svg is stale/, PICTURE, "bob is out", "bob is in"],
    [/broken\.svg is stale/, "assets/broken.svg", "alice", "bob"],
  ],
  "what it is made of and has changed": [
    [/^posts\/2023.* is stale/m, "snippets/broken.ts", "idpLogout: true", ""],
    [/\.cjs is stale/, "snippets/drop-in/lasting-logout.ts", "const ", "let "],
    [/costs\.md is stale/, "assets/bench.json", /(?<="fix-.*)\d/g, "9"],
    [/race\.js is stale/, "assets/race.json", '"u":"ajc+"', '"u":"jc+"'],
    [
      /no posts\/2022-0/,
      "snippets/support/page.ts",
      "posts/2023",
      "posts/2022",
    ],
  ],
  "what is asked for and is not there": [
    [/broken\.ts has no region ap$/m, POST, "broken.ts#app", "broken.ts#ap"],
    [/there is no file none\.ts$/m, WHICH_FIX, /snippets\/\S*#/, "none.ts#"],
    [/: that was not measured$/m, COSTS, "Microseconds -->", "s -->"],
    [/: that was not seen$/m, FAILS, "seen: broken-r", "seen: broke-r"],
  ],
  "what has no maker": [
    [/nothing is made by rule$/, WHICH_FIX, "<!-- rules: ", "<!-- rule: "],
  ],
  "what readers would not see": [
    [/\/a\.ts leads to no file$/m, POST, /$/, "\n[a](../snippet/a.ts)\n"],
    [/#it leads to no heading$/m, POST, /$/, "\n[a](../README.md#it)\n"],
    [/a\.png leads to no file$/m, POST, /$/, "\n![a](../assets/a.png)\n"],
    [/b\.png leads to no file$/m, POST, /$/, '\n<img src="b.png" alt="b">\n'],
    [/\/list-dark\.png leads to no file$/m, POST, "/network-l", "/l"],
    [/8 columns/, POST, /$/, `\n|${" a |".repeat(8)}\n|${" - |".repeat(8)}\n`],
    [/“\*a\*\.” begins with HTML/, POST, /$/, "\nI\n<!-- here --> *a*.\n"],
    [/takes “{{ a }}.*” for a tag/, POST, /$/, "\nI click `{{ a }}`.\n"],
  ],
};

describe("npm run sync", () => {
  const { folder, edit, write } = copyRepository({ after });
  const problems = (check: boolean) =>
    syncRepository(folder, { check, tell: () => {} });
  const read = (file: string) => readFileSync(join(folder, file), "utf8");

  test("finds all up to date", () => assert.deepEqual(problems(true), []));

  for (const [what, breaks] of Object.entries(ROUNDS)) {
    test(`notices ${what}`, () => {
      const files = breaks.map(([, file]) => file);
      const before = new Map(files.map((file) => [file, read(file)]));
      for (const [, ...one] of breaks) edit(...one);
      const found = problems(true).join("\n");
      if (what.startsWith("what was made")) {
        assert.deepEqual(problems(false), []);
        for (const [file, text] of before) assert.equal(read(file), text);
      }
      for (const [file, text] of before) write(file, text);
      for (const [complaint] of breaks) assert.match(found, complaint);
    });
  }
});
