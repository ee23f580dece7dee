import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { UsageError } from "../base/command.ts";
import { type Event, type Report, readResult } from "../base/results.ts";
import { ROOT } from "../base/root.ts";
import {
  callBack,
  copyRepository,
  type Edit,
  run,
  skipSignals,
  skipUnless,
  start,
} from "../base/testing.ts";
import { loggedIn } from "../bed/browser.ts";
import { findRedis, HOW_TO_INSTALL_REDIS } from "../bed/redis.ts";
import { type Snippet, startSnippet } from "../bed/snippet.ts";
import { answersText, losingOrder, type Row } from "./answers-table.ts";
import { nextUser, rolls } from "./observe.ts";
import { logoutAfter, ORDERS } from "./orders.ts";
import { pageWaitsFor } from "./page-script.ts";
import { race } from "./race.ts";
import { needsRedis, snippetNames, withoutSkipped } from "./snippet-files.ts";
import { readVerdicts } from "./verdicts.ts";

const VERDICTS = readVerdicts();
const OBSERVED = readResult(ROOT, "verdicts");

const skip = skipUnless("Redis", Boolean(findRedis()), HOW_TO_INSTALL_REDIS);

const UPDATE = 'app.post("/update", express.json(), record);\n';
const AUTH = "app.use(\n  auth({";

/** Puts the route of `/update` above auth(). */
const MOVE_UP: Edit[] = [
  [UPDATE, ""],
  [AUTH, `${UPDATE}${AUTH}`],
];

/** What was sent before a logout keeps its cookie, and bob gets that. */
const SET_NOTHING_LATE = `let logouts = 0;
app.use((req, res, next) => {
  const before = logouts;
  if (req.path === "/logout") logouts += 1;
  else onHeaders(res, () => {
    if (logouts > before) res.removeHeader("Set-Cookie");
  });
  next();
});
`;

/** One order in which a request is answered after the logout. */
const LATE = ORDERS[logoutAfter("received")] ?? [];
const LATE_DRAFT = LATE.map(
  (event) => event.replace("update", "draft") as Event,
);

type Answer = string | boolean | null;

/** What is asked of a snippet, in one order where the verifier tries all. */
const ASK: Record<string, (snippet: Snippet) => Promise<Answer>> = {
  browser: async (snippet: Snippet) => (await race(snippet, LATE)).browser,
  server: async (snippet: Snippet) => (await race(snippet, LATE)).server,
  draft: async (snippet: Snippet) => (await race(snippet, LATE_DRAFT)).browser,
  rolls,
  nextUser: (snippet) => nextUser(snippet, { update: false }),
  waits: async (snippet: Snippet) =>
    pageWaitsFor((await (await loggedIn(snippet)).open("/")).html, "/update"),
};

/** What is done to a snippet, what is asked, what the answer is then, and how it is done. */
type Sabotage = [what: string, asked: string, answer: Answer, ...edits: Edit[]];

/** For each snippet, its one idea taken out. */
const SABOTAGES: Record<string, Sabotage[]> = {
  broken: [
    ["has the fix in it", "browser", null, ...MOVE_UP],
    [
      "sets no cookie once a logout has begun",
      "nextUser",
      "alice",
      ["import { log,", 'import onHeaders from "on-headers";\nimport { log,'],
      [AUTH, `${SET_NOTHING_LATE}${AUTH}`],
    ],
  ],
  "broken-rolling-false": [
    [
      "has a rolling session",
      "rolls",
      true,
      ["rolling: false", "rolling: true"],
    ],
  ],
  "broken-plain-store": [["has the fix in it", "browser", null, ...MOVE_UP]],
  "broken-check-then-set": [
    [
      "does not look before it writes",
      "server",
      "alice",
      ["if (!mayCreate && !isThere) return;", "void isThere;"],
    ],
  ],
  "fix-ordering": [
    [
      "has its route below auth() again",
      "browser",
      "alice",
      [UPDATE, ""],
      ['app.post("/draft"', `${UPDATE}app.post("/draft"`],
    ],
  ],
  "fix-read-only-route": [
    [
      "does not use its guard",
      "browser",
      "alice",
      ['app.use("/update", readOnlySession);\n', ""],
    ],
  ],
  "fix-navigations-only": [
    ["does not use its guard", "browser", "alice", ["app.use(guard);\n", ""]],
    [
      "never sets the cookie again",
      "rolls",
      false,
      ["if (isOld || isNavigation(req)) session", "if (false) session"],
      ["if (isNavigation(req) || textOf", "if (textOf"],
    ],
    [
      "has a route that changes the session",
      "draft",
      "alice",
      [
        '"/draft", ',
        '"/draft", (req: any, _res, next) => { req.appSession.n = 1; next(); }, ',
      ],
    ],
  ],
  "fix-front-end": [
    [
      "does not wait",
      "waits",
      false,
      ["await Promise.allSettled(inFlight);", ""],
    ],
  ],
  "fix-store": [
    [
      "lets a dead id live again",
      "server",
      "alice",
      ["if (!mayCreate && !sessions.has(id)) return;", "void mayCreate;"],
    ],
  ],
  "fix-store-redis": [
    [
      "lets a dead id live again",
      "server",
      "alice",
      ['({ condition: "XX" } as const)', "{}"],
    ],
  ],
  "fix-deny-list": [
    [
      "does not put the login on its list",
      "server",
      "alice",
      ["id && deny(id)", "id"],
    ],
  ],
  "fix-back-channel": [
    [
      "is not told by the provider",
      "server",
      "alice",
      ["backChannelLogout: true", "backChannelLogout: false"],
    ],
  ],
  "fix-complete": [
    [
      "does not use its one file",
      "server",
      "alice",
      ["lastingLogout(\n    auth,\n    {", "auth(\n    {"],
      ["    },\n    options,\n", "    },\n"],
      ["const { store, ...options }", "const { store }"],
    ],
  ],
  "fix-complete-cookie": [
    [
      "forgets at once what has ended",
      "server",
      "alice",
      ["map.has(id)", "false"],
    ],
  ],
};

describe("without its one idea", () => {
  const copy = copyRepository({ after });
  for (const [name, sabotages] of Object.entries(SABOTAGES)) {
    for (const [at, sabotage] of sabotages.entries()) {
      const [what, asked, answer, ...edits] = sabotage;
      const redis = needsRedis(name);
      test(`${name} ${what}: ${asked} ${answer}`, {
        skip: redis && skip,
      }, async () => {
        const file = copy.change(name, at, edits);
        const snippet = await startSnippet(file, { redis });
        assert.equal(await ASK[asked]?.(snippet), answer);
      });
    }
  }
});

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
    const observed = withoutSkipped(Object.keys(OBSERVED)).map((name) => {
      const { deep: _, twoProcesses: __, ...report } = OBSERVED[name] ?? {};
      return [name, report];
    });
    assert.deepEqual(JSON.parse(stdout), Object.fromEntries(observed));
  });

  test("comes to the same with a large session, and two requests at once", async (t) => {
    const name = "fix-front-end";
    const words = ["--large", "--deep", "--json", name];
    const { code, stdout, stderr } = await run(t, "verify", ...words);
    assert.equal(code, 0, stderr);
    const { observation, ...seen } = JSON.parse(stdout)[name];
    const { observation: small, ...report } = OBSERVED[name] ?? {};
    const { bytes } = observation.updateCookie;
    assert.ok(bytes > 10_000, `its cookies have ${bytes} bytes`);
    const updateCookie = { effect: "set", bytes };
    assert.deepEqual(observation, { ...small, updateCookie });
    const { deep, losing, losingDraft } = report as Report & { deep: unknown };
    assert.deepEqual(
      [seen.deep, seen.losing, seen.losingDraft],
      [deep, losing, losingDraft],
    );
  });

  test("comes to the same with two processes, and names who does not hold", {
    skip,
  }, async (t) => {
    const names = ["fix-back-channel", "broken-check-then-set"];
    const words = ["--processes", "2", "--json", ...names];
    const { code, stdout, stderr } = await run(t, "verify", ...words);
    assert.equal(code, 1);
    assert.match(stderr, /^\n(?:fix-back-channel: .*\n)+$/);
    assert.match(stderr, /: server was expected to be 0, and is 35$/m);
    const seen: typeof OBSERVED = JSON.parse(stdout);
    for (const name of names) {
      const { observation, lateWrite } = seen[name] ?? {};
      const { twoProcesses } = OBSERVED[name] ?? {};
      assert.deepEqual(
        { observation, lateWrite },
        { ...twoProcesses, lateWrite: twoProcesses?.lateWrite },
      );
    }
  });

  test("takes new snippets as they are, and goes on when one fails", async (t) => {
    const { folder, write } = copyRepository(t);
    const read = (name: string) =>
      readFileSync(join(ROOT, `snippets/${name}.ts`), "utf8");
    const withUpdate = (code: string) => {
      assert.ok(read("broken").includes(UPDATE));
      return read("broken").replace(UPDATE, code);
    };
    const VERDICT = /^\/\/ Verdict: (?:.*\n\/\/ ).*$/m;
    // What it says of histories takes longer to see.
    const fix = read("fix-front-end").replace(/\/\/ Histories:(.*\n)*/, "");
    const snippets = {
      "broken-at-its-start": 'throw new Error("no such luck");\n',
      "broken-and-dead": withUpdate(
        'app.post("/update", () => process.exit(3));\n',
      ),
      "broken-and-silent": withUpdate('app.post("/update", () => {});\n'),
      "broken-page": withUpdate(UPDATE).replace(
        'app.get("/", page);',
        'app.get("/", (_, res) => void res.send("<script>Promise.reject(1)</script>"));',
      ),
      "fix-mine": fix.replace(VERDICT, "//"),
      "fix-judged-wrong": fix.replace("browser 0", "browser 1"),
    };
    for (const [name, code] of Object.entries(snippets)) {
      write(`snippets/${name}.ts`, code);
    }
    const from = ["--from", join(folder, "snippets")];
    const words = [...from, ...Object.keys(snippets)];
    const { code, stdout, stderr } = await run(t, "verify", ...words);
    assert.equal(code, 1);
    for (const line of [
      /^broken-at-its-start: no such luck\./m,
      /^broken-and-dead: it ended, with exit code 3\./m,
      /^ +\| → POST \/update/m,
      /^broken-and-silent: it does not answer POST \/update\./m,
      /^broken-page: its page's script fails: 1\./m,
      /^fix-judged-wrong: browser was expected to be 1, and is 0$/m,
    ]) {
      assert.match(stderr, line);
    }
    assert.doesNotMatch(stderr, /^fix-mine:/m);
    assert.match(stdout, /^fix-mine +\d+ B +0\/1 +1\/1 /m);
    // What it says to paste into the new one is what stands in the one that it is a copy of.
    assert.equal(stdout.match(VERDICT)?.[0], fix.match(VERDICT)?.[0]);
  });

  for (const [signal, exitCode] of [
    ["SIGINT", 130],
    ["SIGKILL", null],
  ] as const) {
    test(`leaves no process behind after ${signal}`, {
      skip: signal !== "SIGKILL" && skipSignals,
    }, async (t) => {
      const { folder, write } = copyRepository(t);
      const { called } = await callBack(t, (code) =>
        write("snippets/broken-forever.ts", code),
      );
      const from = ["--from", join(folder, "snippets"), "broken-forever"];
      const verifier = start(t, join(ROOT, "scripts/verify.ts"), from);
      const gone = await called;
      verifier.kill(signal);
      await gone();
      assert.equal((await verifier.ended).code, exitCode);
    });
  }
});

test("each snippet is in the verdicts, the tests and a post, and the other way round", () => {
  const files = snippetNames();
  const posts = readdirSync(join(ROOT, "posts"))
    .map((file) => readFileSync(join(ROOT, "posts", file), "utf8"))
    .join("");
  const shown = posts.matchAll(
    /<!-- (?:diff: .* snippets\/|snippet: snippets\/|verdict: )([\w-]+)(?:\.ts)?(?:#\w+)? -->/g,
  );
  for (const [what, some] of [
    ["a verdict at its end: npm run verify -- NAME", Object.keys(VERDICTS)],
    ["its idea taken out: SABOTAGES in verify.test.ts", Object.keys(SABOTAGES)],
    ["a post: <!-- verdict: NAME -->", [...shown].map(([, name]) => name)],
  ] as const) {
    const missing = files.filter((name) => !some.includes(name));
    assert.deepEqual(missing, [], `there has to be, for each snippet, ${what}`);
    const others = some.filter((name) => name && !files.includes(name));
    assert.deepEqual(others, [], `there is no such snippet`);
  }
});

describe("a verdict that can't be read is told", () => {
  const { folder, edit } = copyRepository({ after });
  const snippets = join(folder, "snippets");
  const file = "snippets/fix-ordering.ts";

  test("and one that can is as it was", () => {
    assert.deepEqual(readVerdicts(snippets), VERDICTS);
  });

  for (const [from, to, complaint] of [
    [
      "browser 0",
      "brower 0",
      /^fix-ordering.ts: “brower 0” can't be in a verdict; there are possible, update cookie, /,
    ],
    [
      "browser 0",
      "browser none",
      /^fix-ordering.ts: browser can't be none, but a number$/,
    ],
    [
      "next user bob",
      "next user bbo",
      /^fix-ordering.ts: next user can't be bbo, but alice or bob or none$/,
    ],
    [
      "as broken, but ",
      "",
      /^fix-ordering.ts: its verdict does not have logout cookie, server, .*: begin it with “as broken, but”, or add them$/,
    ],
    [
      "Verdict: ",
      "verdict: ",
      /^fix-ordering.ts: its verdict can't be read: write “Verdict: … .”/,
    ],
  ] as const) {
    test(`such as ${from} that is ${to}`, () => {
      const before = readFileSync(join(folder, file), "utf8");
      edit(file, from, to);
      assert.throws(
        () => readVerdicts(snippets),
        (error) => error instanceof UsageError && complaint.test(error.message),
      );
      writeFileSync(join(folder, file), before);
    });
  }

  test("and what it leaves out is as broken", () => {
    edit(file, "browser 0, ", "");
    assert.equal(readVerdicts(snippets)["fix-ordering"]?.browser, 19);
  });
});

test("what verify prints fits 80 columns", () => {
  const rows = Object.entries(OBSERVED).map(
    ([name, report]): Row => ({
      ...{ name, report, verdict: VERDICTS[name] },
      ...{ processes: 2, isJudged: true },
    }),
  );
  const text = [answersText(rows), ...rows.map(losingOrder)];
  for (const line of text.join("\n").split("\n")) {
    assert.ok(line.length <= 80, line);
  }
});
