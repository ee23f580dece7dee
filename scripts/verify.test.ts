import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Browser } from "./lib/browser.ts";
import { readObserved } from "./lib/observed.ts";
import { ORDERS } from "./lib/orders.ts";
import { startSnippet } from "./lib/snippet.ts";
import { copyRepository, ROOT, run, start } from "./lib/testing.ts";

const UPDATE = 'app.post("/update", express.json(), record);\n';

test("there are C(7,3) orders, all different, each with its own order kept", () => {
  assert.equal(ORDERS.length, 35);
  assert.equal(new Set(ORDERS.map(String)).size, 35);
  for (const order of ORDERS) {
    assert.deepEqual(
      order.filter((event) => event.startsWith("update")),
      ["update sent", "update received", "update answered", "update stored"],
    );
    assert.deepEqual(
      order.filter((event) => event.startsWith("logout")),
      ["logout sent", "logout answered", "logout stored"],
    );
  }
});

describe("npm run verify", { concurrency: 2 }, () => {
  test("sees what is expected, and what the tables say", async (t) => {
    const { code, stdout, stderr } = await run(t, "verify", "--json");
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), readObserved(ROOT));
  });

  test("prints a table of 80 columns at the most", async (t) => {
    const { code, stdout } = await run(t, "verify", "--orders", "fix-store");
    assert.equal(code, 0);
    assert.match(stdout, /^fix-store +32 B +0 +0 +0 +none +none +yes/m);
    assert.match(stdout, /^fix-store: 0 of 35 orders/m);
    for (const line of stdout.split("\n")) assert.ok(line.length <= 80, line);
  });

  test("fails when fix-ordering's route is below auth() again", async (t) => {
    const { folder, edit } = copyRepository(t);
    const file = "snippets/fix-ordering.ts";
    edit(file, UPDATE, "");
    edit(file, 'app.post("/draft"', `${UPDATE}app.post("/draft"`);
    const { code, stdout, stderr } = await verifyIn(t, folder, "fix-ordering");
    assert.equal(code, 1);
    assert.match(
      stdout,
      /^fix-ordering +1161 B! +19! +35 +19 +alice! +alice! +yes!/m,
    );
    assert.match(
      stderr,
      /^fix-ordering: browser was expected to be 0, and is 19$/m,
    );
  });

  test("fails when fix-store lets a dead id live again", async (t) => {
    const { folder, edit } = copyRepository(t);
    edit("snippets/fix-store.ts", "if (!mayWrite) return;", "");
    const { code, stderr } = await verifyIn(t, folder, "fix-store");
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^fix-store: browser was expected to be 0, and is \d+$/m,
    );
    assert.match(
      stderr,
      /^fix-store: server was expected to be 0, and is \d+$/m,
    );
  });

  test("fails when broken no longer has the bug", async (t) => {
    const { folder, edit } = copyRepository(t);
    const file = "snippets/broken.ts";
    edit(file, UPDATE, "");
    edit(file, "app.use(\n", `${UPDATE}app.use(\n`);
    const { code, stderr } = await verifyIn(t, folder, "broken");
    assert.equal(code, 1);
    assert.match(stderr, /^broken: browser was expected to be 19, and is 0$/m);
  });

  test("names a snippet that crashes at its start", async (t) => {
    const { folder, write } = copyRepository(t);
    write("snippets/broken.ts", 'throw new Error("no such luck");\n');
    const { code, stderr } = await verifyIn(t, folder, "broken");
    assert.equal(code, 1);
    assert.match(stderr, /^broken: it ended, with exit code 1\./m);
    assert.match(stderr, /no such luck/);
  });

  test("names a snippet that dies while it is asked", async (t) => {
    const { folder, edit } = copyRepository(t);
    const update = 'app.post("/update", () => process.exit(3));\n';
    edit("snippets/broken.ts", UPDATE, update);
    const { code, stderr } = await verifyIn(t, folder, "broken");
    assert.equal(code, 1);
    assert.match(stderr, /^broken: it ended, with exit code 3\./m);
    assert.match(stderr, /\| → POST \/update/);
  });

  test("names a snippet that stops answering", async (t) => {
    const { folder, edit } = copyRepository(t);
    edit("snippets/broken.ts", UPDATE, 'app.post("/update", () => {});\n');
    const { code, stderr } = await verifyIn(t, folder, "broken");
    assert.equal(code, 1);
    assert.match(stderr, /^broken: it does not answer POST \/update\./m);
  });

  test("names a snippet that never gets ready", async (t) => {
    const { folder, write } = copyRepository(t);
    write("snippets/broken.ts", "setInterval(() => {}, 1000);\n");
    const { code, stderr } = await verifyIn(t, folder, "broken");
    assert.equal(code, 1);
    assert.match(stderr, /^broken: it gave no address within 20 s/m);
  });

  test("names a snippet that the verdict table does not know", async (t) => {
    const { folder, write } = copyRepository(t);
    write("snippets/fix-magic.ts", "");
    const { code, stderr } = await verifyIn(t, folder, "fix-store");
    assert.equal(code, 1);
    assert.match(stderr, /^fix-magic\.ts has no verdict: add one to /m);
  });

  test("explains itself, and what it does not understand", async (t) => {
    const help = await run(t, "verify", "--help");
    assert.equal(help.code, 0);
    assert.match(help.stdout, /^Usage: npm run verify/);
    for (const line of help.stdout.split("\n")) assert.ok(line.length <= 80);

    const name = await run(t, "verify", "fix-everything");
    assert.equal(name.code, 2);
    assert.match(
      name.stderr,
      /there is no snippet fix-everything; there are broken, /,
    );

    const option = await run(t, "verify", "--loud");
    assert.equal(option.code, 2);
    assert.match(option.stderr, /--help/);
    assert.doesNotMatch(option.stderr, /^ +at /m);
  });

  for (const [signal, exitCode] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGKILL", null],
  ] as const) {
    test(`leaves no process behind after ${signal}`, async (t) => {
      // The snippet's connection to this server tells when it has started, and when it is gone.
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      t.after(() => server.close());
      const { port } = server.address() as { port: number };
      const { folder, write } = copyRepository(t);
      write(
        "snippets/broken.ts",
        `import { connect } from "node:net";\nconnect(${port}, "127.0.0.1");\n`,
      );
      const connected = once(server, "connection");
      const from = ["--from", join(folder, "snippets"), "broken"];
      const verifier = start(t, join(ROOT, "scripts/verify.ts"), from);
      const [socket] = await connected;
      socket.resume().on("error", () => {});
      verifier.kill(signal);
      await once(socket, "close");
      assert.equal((await verifier.ended).code, exitCode);
    });
  }
});

describe("fix-store's memory", () => {
  test("drops what has expired, and ids that nobody used", async (t) => {
    const { folder, edit } = copyRepository(t);
    const file = "snippets/fix-store.ts";
    const sizes = "{ sessions: sessions.size, newIds: newIds.size }";
    edit(
      file,
      "serve(app);",
      `app.get("/sizes", (_req, res) => {\n  res.json(${sizes});\n});\nserve(app);`,
    );
    const cancel = new AbortController();
    const snippet = await startSnippet(join(folder, file), cancel.signal);
    t.after(() => snippet.stop());
    const stranger = new Browser(snippet);
    const sizesNow = async () =>
      JSON.parse((await stranger.open("/sizes")).html);

    for (let logins = 0; logins < 5; logins += 1) {
      await new Browser(snippet).logIn("alice");
    }
    // The stranger's own request has an id, too, as long as it is not answered.
    assert.deepEqual(await sizesNow(), { sessions: 5, newIds: 1 });
    await snippet.travel(25 * 60 * 60 * 1000);
    await new Browser(snippet).logIn("bob");
    assert.deepEqual(await sizesNow(), { sessions: 1, newIds: 1 });
  });
});

const verifyIn = (
  t: Parameters<typeof run>[0],
  folder: string,
  ...names: string[]
) => run(t, "verify", "--from", join(folder, "snippets"), ...names);
