import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { ROOT } from "../cli/root.ts";
import { copyRepository, start } from "../cli/testing.ts";
import { Browser } from "../client/browser.ts";
import { BODY } from "../client/request-steps.ts";
import { startSnippet } from "../servers/snippet.ts";

// What each app on another session library does when one thing happens after the other: it logs in,
// knows the user, and logs out. Only then does it mean something that it loses a race.

const folderOf = (root: string) => join(root, "scripts", "apps");
const APPS = readdirSync(folderOf(ROOT)).filter(
  (file) => file !== "support.ts",
);

/** Takes two users through an app, each in a browser of their own. */
async function walk(t: TestContext, file: string) {
  const app = await startSnippet(file, t.signal);
  t.after(() => app.stop());
  const alice = new Browser(app);
  const bob = new Browser(app);
  const update = async (browser: Browser) => {
    const post = await browser.compose("cors", "POST", "/update", BODY);
    const { status, body } = await browser.exchange(post);
    return [status, JSON.parse(body)];
  };
  const title = async (browser: Browser, address = "/") =>
    (await browser.open(address)).html.match(/<h1>(.*)<\/h1>/)?.[1];

  assert.equal(await title(alice), "nobody is logged in");
  assert.equal(await alice.whoami(), null);
  assert.deepEqual(await update(alice), [200, { recordedBy: null }]);

  await alice.logIn("alice");
  await bob.logIn("bob");
  for (const [user, browser] of Object.entries({ alice, bob })) {
    assert.equal(await title(browser), `${user} is logged in`);
    assert.equal(await browser.whoami(), user);
    assert.deepEqual(await update(browser), [200, { recordedBy: user }]);
    assert.equal(await browser.whoami(), user);
  }

  assert.equal(await title(alice, "/logout"), "nobody is logged in");
  assert.equal(await alice.whoami(), null);
  assert.deepEqual(await update(alice), [200, { recordedBy: null }]);
  assert.equal(await alice.whoami(), null);
  assert.equal(await bob.whoami(), "bob");

  assert.equal(await app.stop(), undefined, "it ends with exit code 0");
}

describe("an app logs in and out", { concurrency: 2 }, () => {
  for (const name of APPS) {
    test(name, (t) => walk(t, join(folderOf(ROOT), name)));
  }

  test("unless its logout does nothing", async (t) => {
    const { folder, edit } = copyRepository(t);
    edit("scripts/apps/cookie-session.ts", "  req.session = null", "  null");
    await assert.rejects(
      walk(t, join(folderOf(folder), "cookie-session.ts")),
      /alice is logged in/,
    );
  });
});

test("a port that can't be used is one line", async (t) => {
  const file = join(folderOf(ROOT), "cookie-session.ts");
  for (const [port, reason] of [
    ["http", "ERR_SOCKET_BAD_PORT"],
    ["65536", "ERR_SOCKET_BAD_PORT"],
  ]) {
    const { ended } = start(t, file, [], { PORT: port });
    const { code, stdout, stderr } = await ended;
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.equal(
      stderr,
      `PORT=${port} can't be used (${reason}): set another\n`,
    );
  }
});
