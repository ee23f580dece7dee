import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { findBrowser, HOW_TO_INSTALL, launchBrowser } from "./lib/installed.ts";
import { findJekyll, HOW_TO_INSTALL_JEKYLL } from "./lib/site.ts";
import {
  copyRepository,
  ROOT,
  run,
  skipSignals,
  skipUnless,
  start,
} from "./lib/testing.ts";

const SCRIPT = join(ROOT, "scripts", "read.ts");
const ADDRESS = /http:\/\/127\.0\.0\.1:\d+/;
const STACK = /^ +at |^\s+from /m;

const chromium = findBrowser("chromium");
const needsChromium = skipUnless(
  "chromium",
  chromium !== undefined,
  HOW_TO_INSTALL.chromium,
);
const needsJekyll = skipUnless(
  "jekyll",
  findJekyll() !== undefined,
  HOW_TO_INSTALL_JEKYLL,
);

/** Makes a folder for temporary files that the test can look into. */
function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "in-flight-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

describe("npm run read", { skip: needsJekyll }, () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`shows the posts, and leaves nothing behind after ${signal}`, {
      skip: skipSignals,
    }, async (t) => {
      const folder = temporary(t);
      const environment = { TMPDIR: folder, TEMP: folder };
      const read = start(t, SCRIPT, ["--port", "0"], environment);
      const [address] = await read.printed(ADDRESS);
      for (const [path, text] of [
        ["/", "as GitHub shows it"],
        ["/posts/a-better-idea.html", "<h1>A better idea?"],
        ["/github/posts/2023-03-11-a-better-idea.md", "<td>A better idea?"],
        ["/github/README.md", "Logged out, and back in"],
        ["/github/snippets/", "broken.ts"],
      ] as const) {
        const response = await fetch(address + path);
        assert.equal(response.status, 200, path);
        assert.ok((await response.text()).includes(text), path);
      }
      const ours = () =>
        readdirSync(folder).filter((name) => name.startsWith("in-flight-"));
      assert.equal(ours().length, 1);
      read.kill(signal);
      const { code, stderr } = await read.ended;
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
      await assert.rejects(fetch(address));
      assert.deepEqual(ours(), []);
    });
  }

  test("leaves no server behind when it is killed", async (t) => {
    const folder = temporary(t);
    const environment = { TMPDIR: folder, TEMP: folder };
    const read = start(t, SCRIPT, ["--port", "0"], environment);
    const [address] = await read.printed(ADDRESS);
    const { port } = new URL(address);
    const connection = connect(Number(port), "127.0.0.1");
    await once(connection, "connect");
    read.kill("SIGKILL");
    // Jekyll has inherited no stream of the test's: the connection tells when it is gone.
    await once(connection.resume(), "close");
    await assert.rejects(fetch(address));
  });

  test("tells what is wrong in a post, and goes on", {
    skip: skipSignals,
  }, async (t) => {
    const { folder, edit } = copyRepository(t);
    const read = start(t, SCRIPT, ["--port", "0", "--in", folder]);
    await read.printed(ADDRESS);
    const post = "posts/2023-03-11-a-better-idea.md";
    edit(post, "layout: post", "layout: [post");
    await read.printed(/^posts\/2023-03-11.*: its front matter is no YAML: /m);
    edit(post, "layout: [post", "layout: post");
    edit(post, "There are many.", "There are {% many %}.");
    await read.printed(/^Liquid syntax error .*Unknown tag 'many' in .*idea/m);
    assert.doesNotMatch(read.output(), STACK);
    read.kill("SIGTERM");
    assert.equal((await read.ended).code, 0);
  });

  for (const [from, to, complaint] of [
    ["There are many.", "There are {% many %}.", /^Liquid syntax error .*\n$/],
    ["layout: post", "layout: [post", /^posts\/2023.* is no YAML: .*\n$/],
  ] as const) {
    test(`does not start with a post that says ${to}`, async (t) => {
      const { folder, edit } = copyRepository(t);
      edit("posts/2023-03-11-a-better-idea.md", from, to);
      const words = ["--port", "0", "--in", folder];
      const { code, stderr } = await start(t, SCRIPT, words).ended;
      assert.equal(code, 1);
      assert.match(stderr, complaint);
    });
  }

  test("a port that is taken is refused", async (t) => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const { code, stderr } = await run(t, "read", "--port", String(port));
    assert.equal(code, 1);
    assert.equal(stderr, `port ${port} is taken: try --port 0\n`);
  });
});

describe("npm run read", { skip: needsJekyll || needsChromium }, () => {
  test("reloads a page when its post changes", async (t) => {
    const { folder, edit } = copyRepository(t);
    const read = start(t, SCRIPT, ["--port", "0", "--in", folder]);
    const [address] = await read.printed(ADDRESS);
    const browser = await launchBrowser("chromium", String(chromium));
    t.after(() => browser.close());
    const open = async (path: string) => {
      const page = await browser.newPage();
      // Whoever has said hello to Jekyll's server is told to reload.
      const greeted = new Promise<void>((resolve) => {
        void page.createCDPSession().then(async (session) => {
          session.on("Network.webSocketFrameReceived", () => resolve());
          await session.send("Network.enable");
          await page.goto(address + path);
        });
      });
      await greeted;
      return page;
    };
    const pages = [
      await open("/posts/a-better-idea.html"),
      await open("/github/posts/2023-03-11-a-better-idea.md"),
    ];
    edit(
      "posts/2023-03-11-a-better-idea.md",
      "There are many.",
      "There are too many.",
    );
    for (const page of pages) {
      await page.waitForSelector("p ::-p-text(There are too many.)");
    }
    read.kill("SIGTERM");
    assert.equal((await read.ended).code, 0);
  });
});

test("npm run read explains itself", async (t) => {
  const { code, stdout } = await run(t, "read", "--help");
  assert.equal(code, 0);
  assert.match(stdout, /^Usage: npm run read/);
});

test("npm run read refuses what makes no sense", async (t) => {
  for (const words of [["--colour"], ["--port", "many"], ["--in", "gone"]]) {
    const { code, stderr } = await run(t, "read", ...words);
    assert.equal(code, 2);
    assert.match(stderr, /^read: .*\nTry: npm run read -- --help\n$/);
  }
});

test("npm run read says how to get Jekyll", async (t) => {
  const { code, stderr } = await start(t, SCRIPT, [], { PATH: "" }).ended;
  assert.equal(code, 1);
  assert.equal(stderr, `jekyll is missing: ${HOW_TO_INSTALL_JEKYLL}\n`);
});
