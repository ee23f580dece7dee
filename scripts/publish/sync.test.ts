import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { copyRepository, run } from "../cli/testing.ts";
import { codeDiff, region } from "./regions.ts";
import { syncRepository } from "./sync-repository.ts";

const POST =
  "posts/2023-03-10-express-openid-connect-and-in-flight-requests.md";

const COSTS = "posts/2026-11-27-what-it-costs.md";

const WHICH_FIX = "posts/2026-11-27-which-fix.md";
const THROWN_OUT = "assets/fix-store-nobody-is-thrown-out.svg";

const check = (folder: string): string =>
  syncRepository(folder, { check: true, tell: assert.fail }).join("\n");

describe("npm run sync", () => {
  const copy = copyRepository({ after });
  /** Breaks something in a copy, checks that, and mends it. */
  const checkWith = (...[file, from, to]: Parameters<typeof copy.edit>) => {
    const before = readFileSync(join(copy.folder, file), "utf8");
    copy.edit(file, from, to);
    try {
      return check(copy.folder);
    } finally {
      copy.write(file, before);
    }
  };

  test("finds all up to date, and changes nothing", () => {
    assert.deepEqual(
      syncRepository(copy.folder, { check: false, tell: assert.fail }),
      [],
    );
  });

  test("mends what --check finds stale", async (t) => {
    const { folder, edit } = copyRepository(t);
    const before = readFileSync(join(folder, POST), "utf8");
    edit(POST, 'app.get("/", page);', 'app.get("/", oldPage);');
    edit(POST, "+app.post(", "+app.put(");
    edit(POST, /-->19<!--/, "-->18<!--");
    edit("assets/broken.svg", "alice", "bob");
    edit(THROWN_OUT, "bob is out", "bob is in");
    edit(WHICH_FIX, "| ✗ |", "| ✓ |");
    edit(WHICH_FIX, "✓ the next user", "✗ the next user");

    const words = ["--check", "--in", folder];
    const { code, stderr } = await run(t, "sync", ...words);
    assert.equal(code, 1);
    assert.deepEqual(stderr.trim().split("\n"), [
      `${POST}: <!-- snippet: snippets/broken.ts#app --> is stale: run npm run sync`,
      `${POST}: <!-- diff: snippets/broken.ts snippets/fix-ordering.ts --> is stale: run npm run sync`,
      `${POST}: <!-- seen: broken.browser --> is stale: run npm run sync`,
      `${WHICH_FIX}: <!-- verdict: fix-complete --> is stale: run npm run sync`,
      `${WHICH_FIX}: <!-- histories: all --> is stale: run npm run sync`,
      `${THROWN_OUT} is stale: run npm run sync`,
      "assets/broken.svg is stale: run npm run sync",
    ]);

    const told: string[] = [];
    const tell = (line: string) => told.push(line);
    assert.deepEqual(syncRepository(folder, { check: false, tell }), []);
    assert.equal(told.length, 4, told.join("\n"));
    assert.equal(readFileSync(join(folder, POST), "utf8"), before);
  });

  test("notices that something else was measured", () => {
    const cpu = /(?<="fix-ordering".*"cpuMicroseconds":)\d/g;
    const stderr = checkWith("assets/bench.json", cpu, "9");
    assert.match(stderr, /<!-- bench: all --> is stale/);
  });

  test("notices that something else was seen in the race", () => {
    const stderr = checkWith("assets/race.json", '"u":"ajc+"', '"u":"jc+"');
    const stale = ["assets/broken.svg", "assets/race.js"];
    assert.deepEqual(
      stderr.split("\n"),
      stale.map((file) => `${file} is stale: run npm run sync`),
    );
  });

  test("notices that a snippet has changed", () => {
    const [from, to] = ["idpLogout: true", "idpLogout: false"];
    const stderr = checkWith("snippets/broken.ts", from, to);
    assert.match(stderr, /snippets\/broken\.ts#app --> is stale/);
  });

  for (const [what, file, from, to, complaint] of [
    [
      "a region that is missing",
      "snippets/fix-complete-cookie.ts",
      "// #region ended",
      "",
      /ended -->: snippets\/fix-complete-cookie\.ts has no region ended$/m,
    ],
    [
      "a post that a page names, and that is not there",
      "snippets/support/page.ts",
      "posts/2023-03-10",
      "posts/2022-03-10",
      /^snippets\/support\/page\.ts: there is no posts\/2022-03-10-.*\.md$/m,
    ],
    [
      "a file that is missing",
      POST,
      "<!-- snippet: snippets/broken.ts#app -->",
      "<!-- snippet: snippets/none.ts#app -->",
      /there is no file snippets\/none\.ts$/m,
    ],
    [
      "a comment that it does not understand",
      WHICH_FIX,
      "<!-- rules: ",
      "<!-- rule: ",
      /<!-- rule: .*: nothing is made by rule$/m,
    ],
    [
      "a snippet that the verifier has not seen",
      POST,
      "seen: broken.browser",
      "seen: broken.brower",
      /<!-- seen: broken\.brower -->: that was not seen$/m,
    ],
    [
      "a server that was not measured",
      COSTS,
      "ratio: fix-ordering.cpuMicroseconds",
      "ratio: fix-ordering.heat",
      /<!-- ratio: fix-ordering\.heat -->: that was not measured$/m,
    ],
    [
      "an image in HTML that is not there",
      POST,
      /$/,
      '\n<img src="../assets/photo.png" alt="The list">',
      /the link \.\.\/assets\/photo\.png leads to no file$/m,
    ],
    [
      "an image that is not there in the dark theme",
      POST,
      /$/,
      '\n<picture>\n<source srcset="../assets/dark.png">\n</picture>',
      /the link \.\.\/assets\/dark\.png leads to no file$/m,
    ],
    [
      "a link to a file that is not there",
      POST,
      /$/,
      "\n[broken.ts](../snippet/broken.ts)\n",
      /the link \.\.\/snippet\/broken\.ts leads to no file$/m,
    ],
    [
      "a link to a heading that is not there",
      POST,
      /$/,
      "\n[broken.ts](../README.md#what-it-cost)\n",
      /the link \.\.\/README\.md#what-it-cost leads to no heading$/m,
    ],
    [
      "a table that a phone cuts",
      POST,
      /$/,
      `\n|${" a |".repeat(8)}\n|${" - |".repeat(8)}\n`,
      /a table has 8 columns, and a phone cuts it$/m,
    ],
    [
      "a post that is too long",
      POST,
      /$/,
      `\n${"word ".repeat(2000)}\n`,
      /\d{4} words are more than 2000$/m,
    ],
    [
      "a line that begins with a comment",
      POST,
      /$/,
      "\nI click\n<!-- here --> *Log out*.\n",
      /the line “\*Log out\*.*” begins with HTML: wrap it elsewhere$/m,
    ],
    [
      "a script's tag, which GitHub shows as text",
      POST,
      "</logout-race>",
      '</logout-race>\n<script src="../assets/race.js"></script>',
      /the line “<script .*” begins with HTML: wrap it elsewhere$/m,
    ],
    [
      "what a Jekyll blog takes for a tag",
      POST,
      /$/,
      "\nI click `{{ button }}`.\n",
      /a Jekyll blog takes “{{ button }}`.*” for a tag of its own$/m,
    ],
    [
      "an image that is not there",
      POST,
      /$/,
      "\n![The list](../assets/list.png)\n",
      /the link \.\.\/assets\/list\.png leads to no file$/m,
    ],
  ] as const) {
    test(`complains about ${what}`, () =>
      assert.match(checkWith(file, from, to), complaint));
  }
});

test("a region comes without its indentation, and without other markers", () => {
  const source = `{
  // #region outer
  one {
    // #region inner
    two;
    // #endregion inner
  }
  // #endregion outer
}
`;
  assert.equal(region(source, "outer"), "one {\n  two;\n}");
  assert.equal(region(source, "inner"), "two;");
  assert.equal(region(source, "other"), undefined);
});

test("a diff leaves out the comment at the top, and the markers", () => {
  const one = { name: "a.ts", text: "// A.\n\nx();\n\n// #region r\ny();\n" };
  const other = { name: "b.ts", text: "// B.\n\nx();\n\nz();\n" };
  assert.equal(
    codeDiff(one, other),
    "--- a.ts\n+++ b.ts\n@@ -1,3 +1,3 @@\n x();\n \n-y();\n+z();",
  );
});
