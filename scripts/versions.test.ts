import assert from "node:assert/strict";
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { copyRepository, ROOT, run, start } from "./lib/testing.ts";
import { upstreamNews } from "./lib/upstream.ts";
import { VERDICTS } from "./lib/verdicts.ts";
import { NEEDS, readVersions, type Tried, VERSIONED } from "./lib/versions.ts";
import {
  versionsLegend,
  versionsProblems,
  versionsRows,
  versionsTable,
} from "./lib/versions-report.ts";

const TRIED = readVersions(ROOT);

/** Does it in a copy. */
const verifyIn = (t: TestContext, folder: string, ...words: string[]) =>
  start(t, join(folder, "scripts", "verify.ts"), words).ended;

/**
 * Makes a release of the library that does not have the bug, in a copy of the repository: a response
 * does not set the cookie of a session that has not changed.
 * @param part whether only sessions in the cookie get that, and not those in a store
 */
function releaseFix(t: TestContext, part = false) {
  const copy = copyRepository(t);
  const modules = join(copy.folder, "node_modules");
  rmSync(modules);
  mkdirSync(modules);
  const installed = join(ROOT, "node_modules");
  for (const entry of readdirSync(installed, { withFileTypes: true })) {
    const [from, to] = [join(installed, entry.name), join(modules, entry.name)];
    if (entry.name === "express-openid-connect") {
      cpSync(from, to, { recursive: true });
    } else if (entry.isDirectory()) symlinkSync(from, to, "junction");
  }
  const library = "node_modules/express-openid-connect";
  copy.edit(
    `${library}/package.json`,
    /"version": "[^"]*"/,
    `"version": "3.99.0"`,
  );
  const file = `${library}/lib/appSession.js`;
  const edits: [from: string, to: string][] = [
    [
      "    if (isCustomStore) {\n      const id",
      `    const before = JSON.stringify(req[sessionName]);
    const isNew = () => JSON.stringify(req[sessionName]) !== before;
    if (isCustomStore) {\n      const id`,
    ],
    [
      "onHeaders(res, () => store.setCookie(req, res, { iat }))",
      "onHeaders(res, () => isNew() && store.setCookie(req, res, { iat }))",
    ],
  ];
  if (!part) {
    edits.push(
      [
        "onHeaders(res, () =>\n        store",
        "onHeaders(res, () =>\n        isNew() && store",
      ],
      ["await store.set(id, req", "if (isNew()) await store.set(id, req"],
    );
  }
  for (const [from, to] of edits) copy.edit(file, from, to);
  return copy;
}

describe("npm run verify -- --versions", { concurrency: 2 }, () => {
  test("sees what the table says", async (t) => {
    const names = ["broken", "fix-store"];
    const words = ["--versions", "--json", ...names];
    const { code, stdout, stderr } = await run(t, "verify", ...words);
    assert.equal(code, 0, stderr);
    assert.deepEqual(
      JSON.parse(stdout),
      TRIED.filter(({ snippet }) => names.includes(snippet)),
    );
  });

  test("fails when another version is loaded than it says", async (t) => {
    const { folder, edit } = copyRepository(t);
    edit("scripts/lib/packages-hook.ts", "addresses[specifier] ??", "");
    const words = ["--versions", "fix-ordering"];
    const { code, stdout, stderr } = await verifyIn(t, folder, ...words);
    assert.equal(code, 1);
    // That lets the snippet import what is installed, and the library another Express.
    assert.match(
      stderr,
      /^with express-openid-connect 2\.12\.0 on Express 5\S*, fix-ordering: it loaded \S+ in the place of express-openid-connect 2\.12\.0/m,
    );
    assert.match(
      stderr,
      /^with express-openid-connect 3\S* on Express 4\S*, fix-ordering: it loaded 5\S+ and 4\S+ in the place of express 4/m,
    );
    assert.match(stdout, /^fix-ordering .*fails!/m);
  });

  test("says how to get a version that is not installed", async (t) => {
    const { folder, edit } = copyRepository(t);
    edit("package.json", '"express-4"', '"express-four"');
    const { code, stderr } = await verifyIn(t, folder, "--versions");
    assert.equal(code, 1);
    assert.match(stderr, /^express 4\S+ is not installed: run npm ci\n$/);
  });

  test("fails when an alias is wrong, and when what a snippet needs is", async (t) => {
    const { folder, edit } = copyRepository(t);
    edit("package.json", "connect@2.20.2", "connect@2.20.1");
    const versions = "scripts/lib/versions.ts";
    edit(versions, '"fix-deny-list": BACK_', '"fix-ordering": BACK_');
    const words = ["--versions", "fix-ordering", "fix-deny-list"];
    const { code, stderr } = await verifyIn(t, folder, ...words);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^with express-openid-connect 2\.12\.0 on Express \S+, fix-ordering can run: say so/m,
    );
    assert.match(
      stderr,
      /^with express-openid-connect 2\.12\.0 on Express \S+, fix-deny-list: it ended, with exit code 1/m,
    );
    assert.match(
      stderr,
      /fix-ordering: it loaded 2\.20\.2 in the place of express-openid-connect 2\.20\.1/,
    );
    assert.doesNotMatch(stderr, /with express-openid-connect 3/);
  });

  test("says what it does not go with", async (t) => {
    for (const other of ["--deep", "--large", "--orders", "--processes=2"]) {
      const { code, stderr } = await run(t, "verify", "--versions", other);
      assert.equal(code, 2);
      assert.match(stderr, /^verify: --versions goes with /);
    }
    const words = ["--versions", "--write", "broken"];
    assert.equal((await run(t, "verify", ...words)).code, 2);
  });
});

describe("a release that fixes the bug", { concurrency: 2 }, () => {
  const FIXED =
    "Good news: fixed upstream since express-openid-connect 3.99.0.";

  test("is good news, and a failure", async (t) => {
    const { folder } = releaseFix(t);
    const names = ["broken", "broken-rolling-false", "broken-plain-store"];
    const { code, stderr } = await verifyIn(t, folder, ...names);
    assert.equal(code, 1);
    const express = TRIED.at(-1)?.express;
    assert.deepEqual(stderr.trim().split("\n"), [
      FIXED,
      `What is late logs nobody in again with ${names.join(", ")}.`,
      `The bug was last seen with express-openid-connect 3.4.0 on Express ${express}.`,
      "This run fails until scripts/lib/verdicts.ts no longer expects the bug.",
    ]);
  });

  test("is told from those before", async (t) => {
    const { folder } = releaseFix(t);
    const words = ["--versions", "broken"];
    const { code, stdout, stderr } = await verifyIn(t, folder, ...words);
    assert.equal(code, 1);
    assert.match(stdout, /^broken( +19){6} +fixed +fixed$/m);
    assert.ok(stderr.includes(`${FIXED}\n`), stderr);
    assert.doesNotMatch(stderr, /expected to be/);
  });

  test("can be a part of one", async (t) => {
    const { folder } = releaseFix(t, true);
    const names = ["broken", "broken-plain-store"];
    const { code, stderr } = await verifyIn(t, folder, ...names);
    assert.equal(code, 1);
    assert.deepEqual(stderr.trim().split("\n").slice(0, 3), [
      FIXED.replace("news:", "news, in part:"),
      "What is late logs nobody in again with broken.",
      "It still does with broken-plain-store.",
    ]);
  });
});

describe("good news", () => {
  const silent = {
    ...(TRIED[0] as Tried).observation,
    browser: 0,
    draft: 0,
    nextUser: "bob",
    lateRequest: "bob",
    otherTab: null,
  } as NonNullable<Tried["observation"]>;
  const [bitten] = TRIED.filter(({ snippet }) => snippet === "broken");
  const make = (library: string, express: string, bites: boolean): Tried => ({
    ...(bitten as Tried),
    library,
    express,
    ...(!bites && { observation: silent }),
  });
  const first = (tried: Tried[], known: Tried[] = []) =>
    upstreamNews(tried, known).lines[0];
  const ours = "Good news: fixed upstream since express-openid-connect";

  test("names the first version of several", () => {
    const tried = [
      make("2.9.0", "5.0.0", true),
      make("2.10.0", "5.0.0", false),
      make("2.11.0", "5.0.0", false),
    ];
    assert.equal(first(tried), `${ours} 2.10.0.`);
  });

  test("names Express, where that has changed, and both where both have", () => {
    const known = [make("3.4.0", "5.3.0", true)];
    assert.equal(
      first([make("3.4.0", "6.0.0", false)], known),
      "Good news: fixed upstream since Express 6.0.0.",
    );
    assert.equal(
      first([make("3.5.0", "6.0.0", false)], known),
      `${ours} 3.5.0 or Express 6.0.0.`,
    );
    const tried = [make("3.5.0", "4.0.0", true), make("3.5.0", "5.3.0", false)];
    assert.match(
      String(first(tried, known)),
      /: fixed upstream since express-openid-connect 3\.5\.0 on Express 5\.3\.0\.$/,
    );
  });

  test("is none when nothing is newer: a snippet has changed then", () => {
    const tried = [make("3.4.0", "5.3.0", false)];
    const news = upstreamNews(tried, [make("3.4.0", "5.3.0", true)]);
    assert.deepEqual(news.lines, []);
    assert.match(
      versionsProblems(tried, news)[0] ?? "",
      /broken: browser was expected to be 19, and is 0$/,
    );
    // Neither is a version that is older than one with the bug.
    assert.equal(first([make("3.3.0", "5.3.0", false)], TRIED), undefined);
  });

  test("is none as long as anything late logs somebody in", () => {
    for (const change of [
      { draft: 1 },
      { nextUser: "alice" },
      { otherTab: "alice" },
    ]) {
      const seen = { ...silent, ...change };
      const one = { ...make("3.5.0", "5.3.0", false), observation: seen };
      assert.equal(first([one], TRIED), undefined);
    }
  });
});

test("the table has every snippet but four, and fits 80 columns", () => {
  assert.deepEqual(
    Object.keys(VERDICTS).filter((name) => !VERSIONED.includes(name)),
    [
      "broken-check-then-set",
      "fix-store-redis",
      "fix-complete",
      "fix-complete-cookie",
    ],
  );
  const news = upstreamNews(TRIED, []);
  const text = `${versionsTable(TRIED, news)}\n${versionsLegend(TRIED)}`;
  for (const line of text.split("\n")) assert.ok(line.length <= 80, line);
  for (const name of VERSIONED)
    assert.match(text, new RegExp(`^${name} `, "m"));
});

test("the readers' table tells Express apart where it makes a difference", () => {
  const [head = []] = versionsRows(TRIED);
  assert.deepEqual(head.slice(1), ["2.12.0", "2.20.2", "3.0.0", "3.4.0"]);
  const tried = TRIED.map((one) =>
    one.library === "3.0.0" && one.express.startsWith("4.")
      ? { ...one, failure: "It is gone.", observation: undefined }
      : one,
  ) as Tried[];
  const [heads = [], broken = []] = versionsRows(tried);
  assert.deepEqual(heads.slice(3, 5), [
    "3.0.0 on Express 4.22.3",
    "3.0.0 on Express 5.3.0",
  ]);
  assert.deepEqual(broken.slice(3, 5), ["fails", "19"]);
});

test("the second post says what a fix needs, as it was measured", () => {
  const post = join(ROOT, "posts", "2023-03-11-a-better-idea.md");
  const told = readFileSync(post, "utf8").replace(/\s+/g, " ");
  const since = (name: string) => NEEDS[name]?.since.replace(/\.0$/, "");
  assert.equal(since("fix-deny-list"), since("fix-back-channel"));
  for (const sentence of [
    `Before ${since("fix-store")}, the library only takes a store whose functions call back.`,
    `(The deny list above, and the provider's call, need ${since("fix-deny-list")}.)`,
  ]) {
    assert.ok(told.includes(sentence), sentence);
  }
});
