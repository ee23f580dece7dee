import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { Browser, whoIn } from "./lib/browser.ts";
import { type Observed, readObserved } from "./lib/observed.ts";
import { logoutAfter, ORDERS } from "./lib/orders.ts";
import { BODY, effectOf, loggedIn, Stepwise } from "./lib/race.ts";
import { findRedis, HOW_TO_INSTALL_REDIS } from "./lib/redis.ts";
import { answersBelow, answersTable, losingOrder } from "./lib/report.ts";
import {
  needsRedis,
  type Snippet,
  startSnippet,
  withoutSkipped,
} from "./lib/snippet.ts";
import {
  callBack,
  copyRepository,
  ROOT,
  run,
  skipSignals,
  skipUnless,
  start,
} from "./lib/testing.ts";
import { IN_REDIS, ONE_PROCESS_ONLY, VERDICTS } from "./lib/verdicts.ts";

/** What two processes need. */
const skip = skipUnless("Redis", Boolean(findRedis()), HOW_TO_INSTALL_REDIS);

/** What those need of the snippets that don't start without a Redis. */
const skipFor = (name: string) => ({ skip: needsRedis(name) && skip });

const UPDATE = 'app.post("/update", express.json(), record);\n';
const AUTH = "app.use(\n  auth({";

/** Puts the route of `/update` above auth(). */
const MOVE_UP: Edit[] = [
  [UPDATE, ""],
  [AUTH, `${UPDATE}${AUTH}`],
];

type Edit = [from: string, to: string];

/** What is done to a snippet, what the verifier then complains about, and how it is done. */
type Sabotage = [what: string, complaint: string, ...edits: Edit[]];

const NO_LONGER_BITES = "browser was expected to be 19, and is 0";
const BITES = "browser was expected to be 0, and is 19";
const LIVES_ON = "server was expected to be 0, and is 35";
const LIVES_AGAIN = "server was expected to be 0, and is 9";

/** For each snippet, its one idea taken out. */
const SABOTAGES: Record<string, Sabotage[]> = {
  broken: [["has the fix in it", NO_LONGER_BITES, ...MOVE_UP]],
  "broken-rolling-false": [
    ["has the fix in it", NO_LONGER_BITES, ...MOVE_UP],
    [
      "has a rolling session",
      "rolls was expected to be false, and is true",
      ["rolling: false", "rolling: true"],
    ],
  ],
  "broken-plain-store": [
    ["has the fix in it", "browser was expected to be 6, and is 0", ...MOVE_UP],
  ],
  "broken-check-then-set": [
    [
      "does not look before it writes",
      LIVES_AGAIN,
      ["if (!mayCreate && !isThere) return;", "void isThere;"],
    ],
  ],
  "fix-ordering": [
    [
      "has its route below auth() again",
      BITES,
      [UPDATE, ""],
      ['app.post("/draft"', `${UPDATE}app.post("/draft"`],
    ],
  ],
  "fix-read-only-route": [
    [
      "does not use its guard",
      BITES,
      ['app.use("/update", readOnlySession);\n', ""],
    ],
  ],
  "fix-navigations-only": [
    ["does not use its guard", BITES, ["app.use(guard);\n", ""]],
    [
      "never sets the cookie again",
      "rolls was expected to be true, and is false",
      ["if (isOld || isNavigation(req)) session", "if (false) session"],
      ["if (isNavigation(req) || textOf", "if (textOf"],
    ],
  ],
  "fix-front-end": [
    [
      "does not wait",
      "possible was expected to be 1, and is 35",
      ["await Promise.allSettled(inFlight);", ""],
    ],
  ],
  "fix-store": [
    [
      "lets a dead id live again",
      LIVES_AGAIN,
      ["if (!mayCreate && !sessions.has(id)) return;", "void mayCreate;"],
    ],
  ],
  "fix-store-redis": [
    [
      "lets a dead id live again",
      LIVES_AGAIN,
      ['({ condition: "XX" } as const)', "{}"],
    ],
  ],
  "fix-deny-list": [
    ["does not put the login on its list", LIVES_ON, ["id && deny(id)", "id"]],
  ],
  "fix-back-channel": [
    [
      "is not told by the provider",
      LIVES_ON,
      ["backChannelLogout: true", "backChannelLogout: false"],
    ],
  ],
  "fix-complete": [
    [
      "does not use its one file",
      LIVES_AGAIN,
      ["lastingLogout(auth, {", "auth({"],
    ],
  ],
  "fix-complete-cookie": [
    ["forgets at once what has ended", LIVES_ON, ["map.has(id)", "false"]],
  ],
};

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

test("the logout can come while the request is in any of three places", () => {
  for (const [at, happened] of (
    ["sent", "received", "answered"] as const
  ).entries()) {
    const order = ORDERS[logoutAfter(happened)];
    assert.equal(order?.[at], `update ${happened}`);
    assert.deepEqual(order?.slice(at + 1, at + 4), [
      "logout sent",
      "logout answered",
      "logout stored",
    ]);
  }
});

describe("npm run verify", { concurrency: 2 }, () => {
  test("sees what is expected, and what the tables say", async (t) => {
    const { code, stdout, stderr } = await run(t, "verify", "--json");
    assert.equal(code, 0, stderr);
    // What --deep saw takes minutes to see again. Two snippets have a test of their own.
    const all = readObserved(ROOT);
    const observed = withoutSkipped(Object.keys(all)).map((name) => {
      const { deep: _, pair: __, ...report } = all[name] ?? {};
      return [name, report];
    });
    assert.deepEqual(JSON.parse(stdout), Object.fromEntries(observed));
  });

  test("comes to the same with a large session", async (t) => {
    const names = ["broken", "fix-read-only-route", "fix-navigations-only"];
    const { code, stdout, stderr } = await run(
      t,
      "verify",
      "--large",
      ...names,
    );
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^broken +1\d{4} B +19 +35 /m);
  });

  test("comes to the same with two requests at once", async (t) => {
    const names = ["broken-plain-store", "fix-complete"];
    const words = ["--deep", "--json", ...names];
    const { code, stdout, stderr } = await run(t, "verify", ...words);
    assert.equal(code, 0, stderr);
    const observed = readObserved(ROOT);
    const [one, other] = names.map((name) => {
      const { pair: _, ...report } = observed[name] ?? {};
      return [name, report];
    });
    assert.deepEqual(Object.entries(JSON.parse(stdout)), [one, other]);
  });

  test("comes to the same with two processes", { skip }, async (t) => {
    const words = ["--processes", "2", "--json"];
    const { code, stdout, stderr } = await run(t, "verify", ...words);
    assert.equal(code, 0, stderr);
    const seen: Observed = JSON.parse(stdout);
    for (const [name, { pair }] of Object.entries(readObserved(ROOT))) {
      const { observation, lateWrite } = seen[name] ?? {};
      assert.deepEqual(
        { observation, lateWrite },
        { ...pair, lateWrite: pair?.lateWrite },
      );
    }
  });

  test("fails for who does not hold with two processes", {
    skip,
  }, async (t) => {
    for (const name of ONE_PROCESS_ONLY) {
      const { code, stderr } = await run(t, "verify", "--processes", "2", name);
      assert.equal(code, 1);
      assert.match(stderr, /: server was expected to be \d, and is 35$/m);
    }
    const { folder, edit } = copyRepository(t);
    const verdicts = "scripts/lib/verdicts.ts";
    edit(verdicts, '  "fix-store",\n];', '  "fix-store-redis",\n];');
    const file = join(folder, "scripts/verify.ts");
    const { code, stderr } = await start(t, file, ["--processes", "2"]).ended;
    assert.equal(code, 1);
    assert.match(stderr, /^fix-store-redis holds with two processes: say so/m);
  });

  for (const [name, sabotages] of Object.entries(SABOTAGES)) {
    for (const [what, complaint, ...edits] of sabotages) {
      test(`fails when ${name} ${what}`, skipFor(name), async (t) => {
        const { folder, edit } = copyRepository(t);
        for (const [from, to] of edits) edit(`snippets/${name}.ts`, from, to);
        const { code, stdout, stderr } = await verifyIn(t, folder, name);
        assert.equal(code, 1);
        assert.match(stderr, new RegExp(`^${name}: ${complaint}$`, "m"));
        assert.match(stdout, new RegExp(`^${name} .*!`, "m"));
      });
    }
  }

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
    test(`leaves no process behind after ${signal}`, {
      skip: signal !== "SIGKILL" && skipSignals,
    }, async (t) => {
      const { folder, write } = copyRepository(t);
      const { called } = await callBack(t, (code) =>
        write("snippets/broken.ts", code),
      );
      const from = ["--from", join(folder, "snippets"), "broken"];
      const verifier = start(t, join(ROOT, "scripts/verify.ts"), from);
      const gone = await called;
      verifier.kill(signal);
      await gone();
      assert.equal((await verifier.ended).code, exitCode);
    });
  }
});

test("each snippet is in the verdicts, the tests and a post, and the other way round", () => {
  const names = Object.keys(VERDICTS).sort();
  const files = readdirSync(join(ROOT, "snippets"))
    .filter((file) => file.endsWith(".ts"))
    .map((file) => file.replace(".ts", ""));
  const posts = readdirSync(join(ROOT, "posts"))
    .map((file) => readFileSync(join(ROOT, "posts", file), "utf8"))
    .join("");
  const shown = posts.matchAll(
    /<!-- (?:snippet|diff): (?:.* )?snippets\/([\w-]+)\.ts/g,
  );
  assert.deepEqual(files.sort(), names);
  assert.deepEqual(Object.keys(SABOTAGES).sort(), names);
  assert.deepEqual(
    [...new Set([...shown].map(([, name]) => name))].sort(),
    names,
  );
});

test("those that use Redis are known", () => {
  const using = Object.keys(VERDICTS).filter((name) => {
    const source = readFileSync(join(ROOT, "snippets", `${name}.ts`), "utf8");
    return /openStore|openRedis/.test(source);
  });
  assert.deepEqual(IN_REDIS, using);
});

test("what verify prints fits 80 columns", () => {
  const rows = Object.entries(readObserved(ROOT)).map(([name, report]) => ({
    name,
    report,
    processes: 2 as const,
  }));
  const text = [
    answersTable(rows),
    answersBelow(rows),
    ...rows.map(losingOrder),
  ];
  for (const line of text.join("\n").split("\n")) {
    assert.ok(line.length <= 80, line);
  }
});

describe("the memory of fix-store", () => {
  test("has no place for what has expired", async (t) => {
    const { folder, edit } = copyRepository(t);
    const file = "snippets/fix-store.ts";
    edit(
      file,
      "ttlAutopurge: true",
      'ttlAutopurge: true, dispose: (_value, _id, why) => { if (why === "expire") console.log("dropped"); }',
    );
    edit(file, "24 * 60 * 60 * 1000", "100");
    edit(
      file,
      "serve(app);",
      'app.get("/size", (_req, res) => { res.json(sessions.size) });serve(app);',
    );
    const snippet = start(t, join(folder, file), [], { PORT: "0" });
    const [baseURL] = await snippet.printed(/http:\/\/localhost:\d+/);
    await new Browser({ baseURL, now: Date.now }).logIn("alice");
    await snippet.printed(/dropped/);
    const size = await fetch(new URL("/size", baseURL));
    assert.equal(await size.text(), "0");
  });
});

for (const name of ["fix-store", "fix-store-redis", "broken-check-then-set"]) {
  describe(`the ids of ${name}`, skipFor(name), () => {
    test("do not grow with requests that use none, or are cut", async (t) => {
      const { folder, edit } = copyRepository(t);
      const file = `snippets/${name}.ts`;
      edit(file, "max: 10_000", "max: 3");
      // What is held has its id, and is never answered.
      edit(
        file,
        "serve(app);",
        `app.get("/held", () => console.log("held"));
         app.get("/ids", (_req, res) => { res.json(newIds.size) });
         serve(app);`,
      );
      const snippet = await startRunning(t, name, folder);
      const browser = await loggedIn(snippet);
      const held = snippet.printed(/(held\n(.|\n)*){5}/);
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
    async (t) => {
      const { folder, edit } = copyRepository(t);
      edit(
        `snippets/${name}.ts`,
        "serve(app);",
        `app.post("/basket", (req: any, res) => {
         req.appSession.basket = (req.appSession.basket ?? 0) + 1;
         res.json(req.appSession.basket);
       });
       serve(app);`,
      );
      const snippet = await startRunning(t, name, folder);
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
      await snippet.travel(25 * 60 * 60 * 1000);
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
    async (t) => {
      const { folder, edit } = copyRepository(t);
      const file = `snippets/${name}.ts`;
      edit(file, "prepare()", "prepare({ backChannelLogout: true })");
      edit(
        file,
        "{ store, genid },",
        "{ store, genid }, backchannelLogout: true,",
      );
      const snippet = await startRunning(t, name, folder);
      const here = await loggedIn(snippet);
      const there = await loggedIn(snippet);
      await here.logOut();
      assert.equal(await there.whoami(), null);
    },
  );
}

describe("a user who wants to be logged in", { concurrency: 2 }, () => {
  for (const name of Object.keys(VERDICTS)) {
    test(
      `can be, with ${name}, after a logout that stopped halfway`,
      skipFor(name),
      async (t) => {
        const snippet = await startRunning(t, name);
        const browser = await loggedIn(snippet);
        const logout = await browser.compose("navigate", "GET", "/logout");
        await browser.exchange(logout);
        assert.equal(await browser.whoami(), null);
        // The provider still knows her, and asks nothing.
        const { html } = await browser.open("/login");
        assert.match(html, /alice is logged in/);
      },
    );
  }
});

describe("fix-navigations-only", () => {
  test("sets the cookie when the session changes, even late", async (t) => {
    const { folder, edit } = copyRepository(t);
    const file = "snippets/fix-navigations-only.ts";
    const change =
      "(req: any, _res, next) => { req.appSession.n = 1; next(); }";
    edit(file, '"/draft", ', `"/draft", ${change}, `);
    const { code, stderr } = await verifyIn(t, folder, "fix-navigations-only");
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^fix-navigations-only: draft was expected to be 0, and is 19$/m,
    );
  });

  test("logs out without Sec-Fetch-Mode, and from a script", async (t) => {
    const snippet = await startRunning(t, "fix-navigations-only");
    for (const mode of [undefined, "cors"]) {
      const browser = await loggedIn(snippet);
      const request = await browser.compose("navigate", "GET", "/logout");
      if (mode) request.headers["sec-fetch-mode"] = mode;
      else delete request.headers["sec-fetch-mode"];
      assert.equal(effectOf(await browser.exchange(request)).effect, "cleared");
      assert.equal(await browser.whoami(), null);
    }
  });

  test("does not log out who never leaves a page", async (t) => {
    const snippet = await startRunning(t, "fix-navigations-only");
    const browser = await loggedIn(snippet);
    const update = async () =>
      effectOf(
        await browser.exchange(
          await browser.compose("cors", "POST", "/update", BODY),
        ),
      ).effect;
    for (const effect of ["untouched", "set", "untouched", "set"]) {
      await snippet.travel(7 * 60 * 60 * 1000);
      assert.equal(await update(), effect);
    }
    assert.equal(await browser.whoami(), "alice");
  });

  test("says so when it has another name for the session than auth()", async (t) => {
    const { folder, edit } = copyRepository(t);
    const file = "snippets/fix-navigations-only.ts";
    edit(file, "    session: { name },\n", "");
    edit(file, '"appSession"', '"session"');
    const snippet = await startRunning(t, "fix-navigations-only", folder);
    await assert.rejects(loggedIn(snippet), /GET \/ was answered with 500/);
  });

  test("rolls twice a day without Sec-Fetch-Mode", async (t) => {
    const browser = await loggedIn(
      await startRunning(t, "fix-navigations-only"),
    );
    const request = await browser.compose("navigate", "GET", "/");
    assert.equal(effectOf(await browser.exchange(request)).effect, "set");
    delete request.headers["sec-fetch-mode"];
    assert.equal(effectOf(await browser.exchange(request)).effect, "untouched");
  });
});

for (const name of ["fix-read-only-route", "fix-navigations-only"]) {
  test(`${name} leaves alone the cookies of others, and knows its own by any name`, async (t) => {
    const { folder, edit } = copyRepository(t);
    const file = `snippets/${name}.ts`;
    edit(file, '"appSession"', '"sid"');
    const theme = '(_req, res, next) => { res.cookie("sid-theme", 1); next() }';
    edit(file, "express.json(), record", `${theme}, express.json(), record`);
    const snippet = await startRunning(t, name, folder);
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

  test("ends a session over which another user logs in", async (t) => {
    const snippet = await startRunning(t, "fix-deny-list");
    const { alice, bob } = await bobOverAlice(snippet);
    assert.equal(await alice.whoami(), null);
    // Her copy is nothing to him.
    await alice.logOut();
    assert.equal(await bob.whoami(), "bob");
  });

  test("goes on with the session of a user who logs in again", async (t) => {
    const snippet = await startRunning(t, "fix-deny-list");
    const browser = await loggedIn(snippet);
    const copy = await browser.fork();
    await browser.open("/login");
    assert.equal(await browser.whoami(), "alice");
    assert.equal(await copy.whoami(), "alice");
    await browser.logOut();
    assert.equal(await copy.whoami(), null);
  });
});

describe("how long a logout holds", { concurrency: 2 }, () => {
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
    test(`${name}, after a very late response: ${user ?? "nobody"}`, async (t) => {
      const snippet = await startRunning(t, name);
      const browser = await loggedIn(snippet);
      const update = new Stepwise(browser, "cors", "POST", "/update", BODY);
      await update.do.sent();
      await update.do.received();
      await browser.logOut();
      await snippet.travel(2 * HOUR_MS);
      await update.do.answered();
      await update.do.stored();
      assert.equal(await browser.whoami(), null);
      // Asking has thrown the late cookie out, where the session is refused. A copy is left.
      await update.do.stored();
      await snippet.travel(23 * HOUR_MS);
      assert.equal(await browser.whoami(), user);
    });
  }

  test("the clock of a provider that was loaded first moves, too", async (t) => {
    const snippet = await startRunning(t, "broken");
    await snippet.travel(48 * HOUR_MS);
    // An ID token that was made by the old time would have expired.
    assert.equal(await (await loggedIn(snippet)).whoami(), "alice");
  });

  test("fix-back-channel, on another device, until her next login", async (t) => {
    const snippet = await startRunning(t, "fix-back-channel");
    const [here, there] = [await loggedIn(snippet), await loggedIn(snippet)];
    const copy = await there.fork();
    await here.logOut();
    assert.equal(await there.whoami(), null);
    await here.logIn("alice");
    // That request had cleared its cookie. A browser that sent none has it still.
    assert.equal(await copy.whoami(), "alice");
  });

  test("fix-back-channel, until the provider has called: alice", async (t) => {
    const snippet = await startRunning(t, "fix-back-channel");
    const browser = await loggedIn(snippet);
    const copy = await browser.compose("cors", "GET", "/whoami");
    const logout = await browser.compose("navigate", "GET", "/logout");
    const answer = await browser.exchange(logout);
    const stranger = new Browser(snippet);
    assert.equal(whoIn(await stranger.exchange(copy)), "alice");
    await browser.leaveProvider(logout, answer);
    assert.equal(whoIn(await stranger.exchange(copy)), null);
  });
});

const startRunning = async (t: TestContext, name: string, root = ROOT) => {
  const file = join(root, "snippets", `${name}.ts`);
  const snippet = await startSnippet(file, new AbortController().signal);
  t.after(() => snippet.stop());
  return snippet;
};

const verifyIn = (t: TestContext, folder: string, ...names: string[]) =>
  run(t, "verify", "--from", join(folder, "snippets"), ...names);
