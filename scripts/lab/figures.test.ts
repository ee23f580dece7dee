import assert from "node:assert/strict";
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { readFile, watch } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { findBrowser, HOW_TO_INSTALL } from "../browsers/installed-browsers.ts";
import { ROOT } from "../cli/root.ts";
import {
  copyRepository,
  run,
  skipSignals,
  skipUnless,
  start,
} from "../cli/testing.ts";
import {
  FIGURE_WIDTH,
  FIGURES,
  FIGURES_FOLDER,
} from "../publish/figures-list.ts";

const skip = skipUnless(
  "chromium",
  findBrowser("chromium") !== undefined,
  HOW_TO_INSTALL.chromium,
);
const FILES = Object.keys(FIGURES).map((name) => `${name}.png`);

/** Makes a folder that is gone after the test. */
function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "in-flight-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

type Copy = ReturnType<typeof copyRepository>;

/** Puts a snippet in another one's place. */
function copy({ folder }: Copy, one: string, other: string): void {
  const file = (name: string) => join(folder, "snippets", `${name}.ts`);
  cpSync(file(one), file(other));
}

/** Reads the size of a picture in pixels (PNG specification, section 11.2.1). */
async function sizeOf(file: string): Promise<[width: number, height: number]> {
  const png = await readFile(file);
  assert.equal(png.toString("latin1", 1, 4), "PNG");
  return [png.readUInt32BE(16), png.readUInt32BE(20)];
}

describe("npm run figures", { concurrency: 2 }, () => {
  test("makes each figure, twice as large as it is shown", {
    skip,
  }, async (t) => {
    const folder = temporaryFolder(t);
    const { code, stdout, stderr } = await run(t, "figures", "--to", folder);
    assert.equal(stderr, "");
    assert.equal(code, 0);
    assert.equal(stdout.trim().split("\n").length, FILES.length);
    assert.deepEqual(readdirSync(folder).sort(), [...FILES].sort());
    for (const file of FILES) {
      const [width, height] = await sizeOf(join(folder, file));
      assert.equal(width, 2 * FIGURE_WIDTH);
      // As many lines as there are requests, at least, and no more than fit a window.
      assert.ok(height > 2 * 5 * 16 && height < 2 * 400, `${file}: ${height}`);
    }
  });

  test("has made those of the post", async () => {
    const folder = join(ROOT, FIGURES_FOLDER);
    assert.deepEqual(readdirSync(folder).sort(), [...FILES].sort());
    for (const file of FILES) {
      const [width] = await sizeOf(join(folder, file));
      assert.equal(width, 2 * FIGURE_WIDTH);
    }
  });

  // What each of the pictures is of is broken in a copy. Then none may be written.
  const UPDATE = 'app.post("/update", express.json(), record);';
  for (const [what, sabotage, complaint] of [
    [
      "broken.ts does not have the bug",
      (repository) => copy(repository, "fix-ordering", "broken"),
      /^figures: network-list: a row of the list is update POST 200 0, not update POST 200 1$/,
    ],
    [
      "fix-ordering.ts does have it",
      (repository) => copy(repository, "broken", "fix-ordering"),
      /^figures: fixed-network-list: a row of the list is update POST 200 1, not update POST 200 0$/,
    ],
    [
      "update does not end after logout",
      ({ edit }) =>
        edit(
          "snippets/fix-ordering.ts",
          UPDATE,
          'app.post("/update", (_req, res) => void res.json({}));',
        ),
      /^figures: fixed-network-list: update does not end visibly after logout$/,
    ],
    [
      "the session is a shorter one",
      ({ edit }) =>
        edit(
          "snippets/broken.ts",
          "idpLogout: true,",
          "idpLogout: true, session: { rollingDuration: 3600 },",
        ),
      /^figures: home-cookies: the expiry is \d{4}-01-01T01:00:00\.000Z, not /,
    ],
    [
      "logout does not date the cookie back",
      ({ edit }) =>
        edit(
          "snippets/broken.ts",
          "app.use(log);",
          `app.use(log);
          app.use((_req, res, next) => {
            res.clearCookie = (name) => res.cookie(name, "", { maxAge: -1000 });
            next();
          });`,
        ),
      /^figures: logout-cookies: a header is appSession=; Max-Age=-1; .*, not /,
    ],
    [
      "another request is clicked",
      ({ edit }) =>
        edit("scripts/figures.ts", 'Request("update"', 'Request("logout"'),
      /^figures: update-cookies: the count of response cookies is 2, not 1$/,
    ],
    [
      "a value could be read",
      ({ edit }) => {
        edit("scripts/figures.ts", "[112, 356,", "[112, 880,");
        edit("scripts/lib/devtools.ts", "WINDOW = 1280;", "WINDOW = 2800;");
      },
      /^figures: broken: the column of values is too wide\./,
    ],
    [
      "a column has no room",
      ({ edit }) => edit("scripts/figures.ts", "[112, 356,", "[112, 880,"),
      /^figures: broken: a column can't be as wide as it is to be\./,
    ],
  ] satisfies [string, (copy: Copy) => void, RegExp][]) {
    test(`writes nothing when ${what}`, { skip }, async (t) => {
      const repository = copyRepository(t);
      sabotage(repository);
      const to = join(repository.folder, "to");
      const command = join(repository.folder, "scripts", "figures.ts");
      const { code, stdout, stderr } = await start(t, command, ["--to", to])
        .ended;
      assert.match(stderr.trim(), complaint);
      assert.equal(code, 1);
      assert.equal(stdout, "");
      assert.ok(!existsSync(to));
    });
  }

  test("leaves nothing behind on Ctrl-C", {
    skip: skipSignals || skip,
  }, async (t) => {
    const [to, temporary] = [temporaryFolder(t), temporaryFolder(t)];
    const changes = watch(temporary);
    const command = join(ROOT, "scripts", "figures.ts");
    const running = start(t, command, ["--to", join(to, "new")], {
      TMPDIR: temporary,
      TEMP: temporary,
    });
    for await (const { filename } of changes) {
      // The browser's profile is there, so the browser is being started.
      if (filename?.startsWith("in-flight-profile-")) break;
    }
    running.kill("SIGINT");
    const { code, stdout, stderr } = await running.ended;
    assert.deepEqual([code, stdout, stderr], [130, "", ""]);
    assert.deepEqual(readdirSync(to), []);
    const left = readdirSync(temporary);
    assert.deepEqual(
      left.filter((name) => name.startsWith("in-flight")),
      [],
    );
  });

  test("says how to get a browser where there is none", async (t) => {
    const command = join(ROOT, "scripts", "figures.ts");
    const none = { CHROMIUM: join(ROOT, "none") };
    const { code, stderr } = await start(t, command, [], none).ended;
    assert.equal(code, 1);
    assert.equal(
      stderr,
      "figures: chromium is missing: apt-get install chromium\n",
    );
  });

  test("explains itself, and what it does not understand", async (t) => {
    const help = await run(t, "figures", "--help");
    assert.equal(help.code, 0);
    assert.match(help.stdout, /^Usage: npm run figures/);
    assert.ok(help.stdout.split("\n").every((line) => line.length <= 80));
    for (const [words, complaint] of [
      [["--all"], /'--all'/],
      [["--from", "none"], /^figures: there is no none.broken\.ts$/m],
      [["--to", "package.json"], /^figures: package\.json is no folder$/m],
    ] as const) {
      const { code, stdout, stderr } = await run(t, "figures", ...words);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, complaint);
      assert.match(stderr, /^Try: npm run figures -- --help$/m);
      assert.doesNotMatch(stderr, /^ +at /m);
    }
  });
});
