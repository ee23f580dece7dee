// What some remedies promise beside the verifier's questions.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { after, describe, test } from "node:test";
import { copyRepository, type Edit, skipUnless } from "../base/testing.ts";
import { Browser, loggedIn, whoHas } from "../bed/browser.ts";
import { travel } from "../bed/clock.ts";
import { BODY, effectOf, HeldRequest } from "../bed/held-request.ts";
import { findRedis, HOW_TO_INSTALL_REDIS } from "../bed/redis.ts";
import { holdRoute } from "../bed/route-holds.ts";
import { printed, type Snippet, startSnippet } from "../bed/snippet.ts";
import { fileOf, needsRedis, snippetNames } from "./snippet-files.ts";

const skip = skipUnless("Redis", Boolean(findRedis()), HOW_TO_INSTALL_REDIS);

/** What is asked of a remedy beside what it serves: a basket, the ids that it keeps, and a held request. */
const ROUTES = `
  app.post("/basket", (req: any, res) => {
    req.appSession.basket = (req.appSession.basket ?? 0) + 1;
    res.json(req.appSession.basket);
  });
  app.post("/from-before", (req: any, res) => {
    delete req.appSession.login;
    res.json({});
  });
  app.get("/held", () => console.log("held"));
  serve(app);`;

/** Some things are asked of a snippet that has been changed a little, by this name of its own. */
const CHANGED: Record<string, { name: string; edits: Edit[] }> = {
  "fix-store, of short lives": {
    name: "fix-store",
    edits: [
      [
        "ttlAutopurge: true",
        'ttlAutopurge: true, dispose: (_value, _id, why) => { if (why === "expire") console.log("dropped"); }',
      ],
      ["24 * 60 * 60 * 1000", "100"],
      [
        "serve(app);",
        'app.get("/size", (_req, res) => { res.json(sessions.size) });serve(app);',
      ],
    ],
  },
  "fix-navigations-only, misnamed": {
    name: "fix-navigations-only",
    edits: [
      ["    session: { name },\n", ""],
      ['"appSession"', '"session"'],
    ],
  },
};
for (const name of ["fix-store", "fix-store-redis"]) {
  CHANGED[`${name}, with back channel`] = {
    name,
    edits: [
      ["prepare()", "prepare({ backChannelLogout: true })"],
      ["{ store, genid },", "{ store, genid }, backchannelLogout: true,"],
    ],
  };
}
for (const name of ["fix-read-only-route", "fix-navigations-only"]) {
  const theme = '(_req, res, next) => { res.cookie("sid-theme", 1); next() }';
  CHANGED[`${name}, renamed`] = {
    name,
    edits: [
      ['"appSession"', '"sid"'],
      ["express.json(), record", `${theme}, express.json(), record`],
    ],
  };
}
// All others get routes, and room for few ids where they keep them.
for (const name of snippetNames()) {
  const edits: Edit[] = [["serve(app);", ROUTES]];
  const source = readFileSync(fileOf(name), "utf8");
  if (source.includes("newIds")) {
    edits.push(
      ["max: 10_000", "max: 3"],
      [
        "serve(app);",
        'app.get("/ids", (_req, res) => { res.json(newIds.size) });serve(app);',
      ],
    );
  }
  CHANGED[name] = { name, edits };
}

const copy = copyRepository({ after });
const started = new Map<string, Promise<Snippet>>();

/** A snippet, changed or with more routes, that is started once for all tests. */
function snippetOf(changed: string): Promise<Snippet> {
  const { name, edits } = CHANGED[changed] as (typeof CHANGED)[string];
  const start = () => {
    const file = copy.change(name, started.size, edits);
    return startSnippet(file, { redis: needsRedis(name) });
  };
  const snippet = started.get(changed) ?? start();
  started.set(changed, snippet);
  return snippet;
}

/** What those need of the snippets that don't start without a Redis. */
const skipFor = (name: string) => ({ skip: needsRedis(name) && skip });

describe("the memory of fix-store", () => {
  test("has no place for what has expired", async () => {
    const snippet = await snippetOf("fix-store, of short lives");
    const dropped = printed(/dropped/);
    await new Browser(snippet).logIn("alice");
    await dropped;
    const size = await fetch(new URL("/size", snippet.baseURL));
    assert.equal(await size.text(), "0");
  });
});

for (const name of ["fix-store", "fix-store-redis", "broken-check-then-set"]) {
  describe(`the ids of ${name}`, skipFor(name), () => {
    test("do not grow with requests that use none, or are cut", async () => {
      const snippet = await snippetOf(name);
      const browser = await loggedIn(snippet);
      const held = printed(/^held$/, 5);
      const { port } = new URL(snippet.baseURL);
      const socket = connect(Number(port), "localhost");
      // Pipelined: the server takes all of them, and owes the first answer.
      socket.write("GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(5));
      await held;
      socket.destroy();
      const ids = await fetch(new URL("/ids", snippet.baseURL));
      assert.equal(await ids.text(), "3");
      assert.equal(await browser.whoami(), "alice");
      assert.equal(await (await loggedIn(snippet)).whoami(), "alice");
    });
  });
}

for (const name of [
  "fix-store",
  "fix-store-redis",
  "fix-complete",
  "fix-complete-cookie",
]) {
  test(
    `${name} keeps the basket of somebody who is not logged in`,
    skipFor(name),
    async () => {
      const snippet = await snippetOf(name);
      const fill = async (browser: Browser) => {
        const request = await browser.compose("cors", "POST", "/basket", {});
        return Number((await browser.exchange(request)).body);
      };

      const browser = new Browser(snippet);
      assert.equal(await fill(browser), 1);
      assert.equal(await fill(browser), 2);
      await browser.logIn("alice");
      assert.equal(await browser.whoami(), "alice");
      assert.equal(await fill(browser), 3);
      await browser.logOut();
      assert.equal(await fill(browser), 1);
      assert.equal(await fill(new Browser(snippet)), 1);
      // After a day without a request the session is gone, and a new one can begin.
      await travel(25 * 60 * 60 * 1000);
      assert.equal(await browser.whoami(), null);
      assert.equal(await fill(browser), 1);
      assert.equal(await fill(browser), 2);
    },
  );
}

for (const name of ["fix-store", "fix-store-redis"]) {
  test(
    `${name} keeps the notes of back-channel logout, too`,
    skipFor(name),
    async () => {
      const snippet = await snippetOf(`${name}, with back channel`);
      const here = await loggedIn(snippet);
      const there = await loggedIn(snippet);
      await here.logOut();
      assert.equal(await there.whoami(), null);
    },
  );
}

describe("fix-navigations-only", () => {
  test("logs out without Sec-Fetch-Mode, and from a script", async () => {
    const snippet = await snippetOf("fix-navigations-only");
    for (const mode of [undefined, "cors"]) {
      const browser = await loggedIn(snippet);
      const request = await browser.compose("navigate", "GET", "/logout");
      if (mode) request.headers["sec-fetch-mode"] = mode;
      else delete request.headers["sec-fetch-mode"];
      assert.equal(effectOf(await browser.exchange(request)).effect, "cleared");
      assert.equal(await browser.whoami(), null);
    }
  });

  test("does not log out who never leaves a page", async () => {
    const snippet = await snippetOf("fix-navigations-only");
    const browser = await loggedIn(snippet);
    const update = async () =>
      effectOf(
        await browser.exchange(
          await browser.compose("cors", "POST", "/update", BODY),
        ),
      ).effect;
    for (const effect of ["untouched", "set", "untouched", "set"]) {
      await travel(7 * 60 * 60 * 1000);
      assert.equal(await update(), effect);
    }
    assert.equal(await browser.whoami(), "alice");
  });

  test("says so when it has another name for the session than auth()", async () => {
    const snippet = await snippetOf("fix-navigations-only, misnamed");
    await assert.rejects(loggedIn(snippet), /GET \/ was answered with 500/);
  });

  test("rolls twice a day without Sec-Fetch-Mode", async () => {
    const browser = await loggedIn(await snippetOf("fix-navigations-only"));
    const request = await browser.compose("navigate", "GET", "/");
    assert.equal(effectOf(await browser.exchange(request)).effect, "set");
    delete request.headers["sec-fetch-mode"];
    assert.equal(effectOf(await browser.exchange(request)).effect, "untouched");
  });
});

for (const name of ["fix-read-only-route", "fix-navigations-only"]) {
  test(`${name} leaves alone the cookies of others, and knows its own by any name`, async () => {
    const snippet = await snippetOf(`${name}, renamed`);
    const browser = await loggedIn(snippet);
    const update = await browser.exchange(
      await browser.compose("cors", "POST", "/update", BODY),
    );
    assert.equal(JSON.parse(update.body).recordedBy, "alice");
    assert.deepEqual(update.headers["set-cookie"], ["sid-theme=1; Path=/"]);
  });
}

describe("fix-deny-list", () => {
  /** Logs bob in over alice, whose cookie his browser has. */
  const bobOverAlice = async (snippet: Snippet) => {
    const alice = await loggedIn(snippet);
    const bob = new Browser(snippet);
    await bob.adopt(alice);
    await bob.logIn("bob");
    assert.equal(await bob.whoami(), "bob");
    return { alice, bob };
  };

  test("ends a session over which another user logs in", async () => {
    const snippet = await snippetOf("fix-deny-list");
    const { alice, bob } = await bobOverAlice(snippet);
    assert.equal(await alice.whoami(), null);
    // Her copy is nothing to him.
    await alice.logOut();
    assert.equal(await bob.whoami(), "bob");
  });

  test("goes on with the session of a user who logs in again", async () => {
    const snippet = await snippetOf("fix-deny-list");
    const browser = await loggedIn(snippet);
    const copy = await browser.fork();
    await browser.open("/login");
    assert.equal(await browser.whoami(), "alice");
    assert.equal(await copy.whoami(), "alice");
    await browser.logOut();
    assert.equal(await copy.whoami(), null);
  });

  test("ends a session from before it had a list", async () => {
    const browser = await loggedIn(await snippetOf("fix-deny-list"));
    const path = "/from-before";
    await browser.exchange(await browser.compose("cors", "POST", path, BODY));
    assert.equal(await browser.whoami(), null);
  });

  test("begins another for a login that a logout overtakes", async () => {
    const snippet = await snippetOf("fix-deny-list");
    const browser = await loggedIn(snippet);
    const tab = await browser.fork();
    const token = holdRoute("/token", "arrival");
    const login = tab.open("/login");
    await token.reached;
    const logout = await browser.compose("navigate", "GET", "/logout");
    await browser.exchange(logout);
    token.release();
    await login;
    assert.equal(await tab.whoami(), "alice");
  });
});

for (const name of ["fix-deny-list", "fix-complete-cookie"]) {
  test(`${name} remembers all logouts, and not the last one alone`, async () => {
    const snippet = await snippetOf(name);
    const browsers = [await loggedIn(snippet), await loggedIn(snippet)];
    const copies = await Promise.all(browsers.map((one) => one.fork()));
    for (const browser of browsers) await browser.logOut();
    for (const copy of copies) assert.equal(await copy.whoami(), null);
  });
}

// One after the other, since they move the clocks of what they share.
describe("how long a logout holds", () => {
  const HOUR_MS = 60 * 60 * 1000;

  // A response that is two hours late sets a cookie that lives two hours longer than any entry
  // of one day that was made at the logout.
  for (const [name, user] of [
    ["fix-store", null],
    ["fix-deny-list", null],
    ["fix-back-channel", "alice"],
    ["fix-complete", null],
    ["fix-complete-cookie", null],
  ] as const) {
    test(`${name}, after a very late response: ${user ?? "nobody"}`, async () => {
      const snippet = await snippetOf(name);
      const browser = await loggedIn(snippet);
      const update = new HeldRequest(browser, "cors", "POST", "/update", BODY);
      await update.sent();
      await update.received();
      await browser.logOut();
      await travel(2 * HOUR_MS);
      await update.answered();
      await update.stored();
      assert.equal(await browser.whoami(), null);
      // Asking has thrown the late cookie out, where the session is refused. A copy is left.
      await update.stored();
      await travel(23 * HOUR_MS);
      assert.equal(await browser.whoami(), user);
    });
  }

  test("the clock of a provider that was loaded first moves, too", async () => {
    const snippet = await snippetOf("broken");
    await travel(48 * HOUR_MS);
    // An ID token that was made by the old time would have expired.
    assert.equal(await (await loggedIn(snippet)).whoami(), "alice");
  });

  test("fix-back-channel, on another device, until her next login", async () => {
    const snippet = await snippetOf("fix-back-channel");
    const [here, there] = [await loggedIn(snippet), await loggedIn(snippet)];
    const copy = await there.fork();
    await here.logOut();
    assert.equal(await there.whoami(), null);
    await here.logIn("alice");
    // That request had cleared its cookie. A browser that sent none has it still.
    assert.equal(await copy.whoami(), "alice");
  });

  test("fix-back-channel, until the provider has called: alice", async () => {
    const snippet = await snippetOf("fix-back-channel");
    const browser = await loggedIn(snippet);
    const copy = await browser.compose("cors", "GET", "/whoami");
    const logout = await browser.compose("navigate", "GET", "/logout");
    const answer = await browser.exchange(logout);
    assert.equal(await whoHas(snippet, `${copy.headers.cookie}`), "alice");
    await browser.leaveProvider(logout, answer);
    assert.equal(await whoHas(snippet, `${copy.headers.cookie}`), null);
  });
});
