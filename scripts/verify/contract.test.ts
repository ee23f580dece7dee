import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { sessionCookieValues } from "../../snippets/support/cookies.ts";
import {
  readSettings,
  SettingsError,
} from "../../snippets/support/settings.ts";
import {
  copyRepository,
  skipSignals,
  skipUnless,
  start,
} from "../base/testing.ts";
import { type Browser, loggedIn, whoHas } from "../bed/browser.ts";
import { send } from "../bed/http.ts";
import { findRedis, HOW_TO_INSTALL_REDIS, startRedis } from "../bed/redis.ts";
import { startSnippet } from "../bed/snippet.ts";
import { fileOf, needsRedis, SNIPPETS, snippetNames } from "./snippet-files.ts";

// What every snippet promises to whoever starts it. What they promise to who is logged in is the
// verifier's business.

const ADDRESS = /http:\/\/localhost:\d+/;
const STACK = /^ +at /m;
const JSON_TYPE = { "content-type": "application/json" };

const noRedis = skipUnless("Redis", Boolean(findRedis()), HOW_TO_INSTALL_REDIS);

const startInProcess = (
  t: TestContext,
  name: string,
  environment: NodeJS.ProcessEnv = {},
  folder = SNIPPETS,
) =>
  start(t, fileOf(name, folder), [], {
    ...{ PORT: "0", UPDATE_MS: "0", IDP_MS: "0", REDIS_URL: undefined },
    ...environment,
  });

/** What all snippets have, line for line. */
const SKELETON = [
  /^import express\b.* from "express";$/m,
  /^const { baseURL, provider, record, serve } = await prepare\(.*$/m,
  /^const app = express\(\);\napp\.use\(log\);$/m,
  /^app\.get\("\/", page.*\);$/m,
  /^app\.get\("\/whoami", whoami\);$/m,
  /^app\.post\("\/update", express\.json\(\), record\);$/m,
  /^app\.post\("\/draft", express\.json\(\), record\);$/m,
  /^serve\(app\);\n\n\/\/ What npm run verify expects:$/m,
];

test("all snippets have one skeleton", () => {
  for (const name of snippetNames()) {
    const source = readFileSync(fileOf(name), "utf8");
    for (const line of SKELETON) assert.match(source, line, name);
  }
});

/** One of each kind: the cookie, a store in the process, one in Redis, a filter, a page of its own. */
const IN_A_PROCESS_OF_ITS_OWN = {
  broken: "SIGTERM",
  "fix-complete-cookie": "SIGINT",
  "fix-store-redis": "SIGTERM",
} as const;
const HERE = ["fix-store", "fix-navigations-only", "fix-front-end"];

describe("a snippet", { concurrency: 2 }, () => {
  for (const [name, signal] of Object.entries(IN_A_PROCESS_OF_ITS_OWN)) {
    const redis = needsRedis(name);
    test(`${name} is as promised, and ends on ${signal}`, {
      skip: redis && noRedis,
    }, async (t) => {
      const REDIS_URL = redis ? (await startRedis()).url : undefined;
      const snippet = startInProcess(t, name, { REDIS_URL });
      const [baseURL] = await snippet.printed(ADDRESS);
      await snippet.printed(/Log in, click “Log out”/);
      await answers(baseURL);
      const cookie = await logsIn(baseURL);
      if (!skipSignals) await ends(snippet, baseURL, signal);
      assert.doesNotMatch(snippet.output(), STACK);
      assert.doesNotMatch(snippet.output(), /oidc-provider|code=|state=/);
      const [, value = ""] = cookie.split("=");
      assert.ok(!snippet.output().includes(value.slice(0, 16)));
    });
  }

  for (const name of HERE) {
    test(`${name} is, too`, async () => {
      const { baseURL } = await startSnippet(fileOf(name));
      await answers(baseURL);
      await logsIn(baseURL);
    });
  }
});

/** Looks at the answers of the page and of both routes. */
async function answers(baseURL: string): Promise<void> {
  const post = (path: string, body: string, headers = JSON_TYPE) =>
    fetch(baseURL + path, { method: "POST", headers, body });
  for (const path of ["/update", "/draft"]) {
    const ofBytes = (bytes: number) => `["${"x".repeat(bytes - 4)}"]`;
    const largest = await post(path, ofBytes(100 * 1024));
    assert.equal(largest.status, 200);
    assert.deepEqual(await largest.json(), { recordedBy: null });
    const larger = await post(path, ofBytes(100 * 1024 + 1));
    assert.equal(larger.status, 413);
    const malformed = await post(path, '{"event":');
    assert.equal(malformed.status, 400);
    assert.match(await malformed.text(), /^{"error":".*JSON.*"}$/);
  }
  const page = await fetch(baseURL);
  assert.equal(page.status, 200);
  assert.match(await page.text(), /Nobody is logged in/);
  assert.match(
    String(page.headers.get("content-security-policy")),
    /default-src 'none'/,
  );
}

/** Takes the cookies that a browser sends to the app now. */
const cookiesOf = async (browser: Browser) =>
  String((await browser.compose("cors", "GET", "/whoami")).headers.cookie);

/**
 * Looks whether a forged or a truncated cookie is taken for none, and whether a user who has logged
 * out can log in again.
 * @returns a real one
 */
async function logsIn(baseURL: string): Promise<string> {
  const browser = await loggedIn({ baseURL });
  const real = await cookiesOf(browser);
  for (const forged of [
    real.slice(0, -4),
    ...["appSession=forged", "appSession=", "appSession.0=forged"],
    real.replace(/=.*/, "=__proto__"),
  ]) {
    assert.equal(await whoHas({ baseURL }, forged), null);
  }
  assert.equal(await whoHas({ baseURL }, real), "alice");

  // After a logout that stopped halfway, the provider still knows her, and asks nothing.
  await browser.exchange(await browser.compose("navigate", "GET", "/logout"));
  assert.equal(await browser.whoami(), null);
  const { html } = await browser.open("/login");
  assert.match(html, /alice is logged in/);
  return real;
}

/** Asks a snippet to stop while a request is in its handler. */
async function ends(
  snippet: ReturnType<typeof start>,
  baseURL: string,
  signal: NodeJS.Signals,
): Promise<void> {
  const url = new URL("/update", baseURL);
  const post = { method: "POST", url, headers: JSON_TYPE, body: "{}" };
  const { finish } = send(post);
  // The routes that were asked before it have been printed, too.
  await snippet.printed(/(→ POST \/update(.|\n)*){4}/);
  snippet.kill(signal);
  assert.equal((await snippet.ended).code, 0);
  await assert.rejects(finish());
}

test("a request that comes before there is an app waits for it", {
  timeout: 60_000,
}, async (t) => {
  const { folder, edit } = copyRepository(t);
  edit(
    "snippets/broken.ts",
    "const app = express();",
    `const { subscribe } = await import("node:diagnostics_channel");
     const arrived = new Promise((resolve) =>
       subscribe("http.server.request.start", resolve));
     const early = fetch(new URL("/whoami", baseURL));
     await arrived;
     early.then((answer) => answer.text()).then(console.log);
     const app = express();`,
  );
  const snippets = join(folder, "snippets");
  const snippet = startInProcess(t, "broken", {}, snippets);
  await snippet.printed(/^{"user":null}$/m);
});

test("a snippet and its lines are no longer than a screen", () => {
  for (const name of snippetNames()) {
    const lines = readFileSync(fileOf(name), "utf8").trimEnd().split("\n");
    const last = lines.indexOf("serve(app);") + 1;
    assert.ok(last <= 80, `${name} has ${last} lines`);
    for (const line of lines) assert.ok(line.length <= 80, `${name}: ${line}`);
  }
});

test("a session in chunks is never put together from two, and no piece of it gets past a fix", async () => {
  for (const name of [
    ...["broken", "fix-read-only-route"],
    ...["fix-navigations-only", "fix-complete-cookie"],
  ]) {
    const settings = { CLAIM_BYTES: "5000" };
    const snippet = await startSnippet(fileOf(name), { settings });
    const browser = await loggedIn(snippet);
    const one = (await cookiesOf(browser)).split("; ");
    const other = (await cookiesOf(await loggedIn(snippet))).split("; ");
    assert.deepEqual(
      one.map((cookie) => cookie.split("=")[0]),
      ["appSession.0", "appSession.1", "appSession.2"],
    );
    for (const mix of [
      [one[0], other[1], one[2]],
      [other[0], one[1], one[2]],
      [one[0], one[1], other[2]],
      [one[0], one[1]],
      [one[1], one[2]],
      [...one, other[2]?.replace(".2=", ".3=")],
    ]) {
      assert.equal(await whoHas(snippet, mix.join("; ")), null, name);
    }
    assert.equal(await whoHas(snippet, other.join("; ")), "alice", name);
    const update = await browser.compose("cors", "POST", "/update", {});
    const { headers } = await browser.send(update).finish();
    const set = sessionCookieValues(headers["set-cookie"] ?? []);
    assert.equal(set.length, name === "broken" ? 3 : 0, name);
  }
});

const OWN = {
  ISSUER_BASE_URL: "http://127.0.0.1:9",
  CLIENT_ID: "id",
  CLIENT_SECRET: "secret",
  SECRET: "a long random text",
};

describe("the settings of a snippet", { concurrency: 2 }, () => {
  for (const [what, settings, complaint] of [
    ["a port in words", { PORT: "http" }, /^PORT=http does not work/],
    ["a port below 0", { PORT: "-1" }, /^PORT=-1 .* from 0 to 65535$/],
    ["a port above 65535", { PORT: "65536" }, /^PORT=65536 /],
    ["half a port", { PORT: "80.5" }, /^PORT=80\.5 /],
    ["a hexadecimal port", { PORT: "0x50" }, /^PORT=0x50 /],
    ["a time in words", { UPDATE_MS: "soon" }, /^UPDATE_MS=soon/],
    ["a time below 0", { IDP_MS: "-5" }, /^IDP_MS=-5/],
    [
      "a provider without a secret",
      { ...OWN, CLIENT_SECRET: "" },
      /^also set CLIENT_SECRET to use/,
    ],
    [
      "a provider that is a client id alone",
      { CLIENT_ID: "id" },
      /^also set ISSUER_BASE_URL, CLIENT_SECRET, SECRET to use/,
    ],
    [
      "an address that is none",
      { ...OWN, ISSUER_BASE_URL: "example.auth0.com" },
      /^ISSUER_BASE_URL=example\.auth0\.com/,
    ],
    ...["localhost:6379", "http://secret@localhost", "redis://"].map(
      (url) =>
        [
          `a Redis at ${url}`,
          { REDIS_URL: url },
          /^REDIS_URL does not work: give (?!.*secret)/,
        ] as const,
    ),
    [
      "a secret that is short",
      { ...OWN, SECRET: "short" },
      /^SECRET is too short/,
    ],
  ] as const) {
    test(`can't be ${what}`, () => {
      assert.throws(
        () => readSettings(settings),
        (error: Error) =>
          error instanceof SettingsError && complaint.test(error.message),
      );
    });
  }

  const refuses = async (
    t: TestContext,
    environment: NodeJS.ProcessEnv,
    complaint: RegExp,
  ) => {
    const { ended } = startInProcess(t, "broken", environment);
    const { code, stdout, stderr } = await ended;
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, complaint);
    assert.equal(stderr.trim().split("\n").length, 1);
  };

  test("end it with a line when they can't be right", (t) =>
    refuses(
      t,
      { PORT: "http" },
      /^PORT=.* give a whole number from 0 to 65535$/m,
    ));

  test("end it with a line when the port is taken", async (t) => {
    const server = createServer().listen(0, "localhost");
    await once(server, "listening");
    t.after(() => server.close());
    const { port } = server.address() as { port: number };
    await refuses(t, { PORT: String(port) }, /^port \d+ is taken/);
  });

  test("a provider that does not answer is told in a line", async (t) => {
    const snippet = startInProcess(t, "broken", OWN);
    const [baseURL] = await snippet.printed(ADDRESS);
    const login = await fetch(new URL("/login", baseURL));
    assert.equal(login.status, 500);
    await snippet.printed(/^! GET \/login: .*$/m);
    assert.doesNotMatch(snippet.output(), STACK);
  });

  test("another provider takes the local one's place", async () => {
    const snippet = await startSnippet(fileOf("broken"), { processes: 2 });
    const browser = await loggedIn(snippet, "bob");
    assert.equal(await browser.whoami(), "bob");
    await browser.logOut();
    assert.equal(await browser.whoami(), null);
  });

  test("UPDATE_MS is how long the route works, IDP_MS the hop, on this machine alone", async (t) => {
    const times = { UPDATE_MS: "300", IDP_MS: "700" };
    const snippet = startInProcess(t, "broken", times);
    const [baseURL] = await snippet.printed(ADDRESS);
    const browser = await loggedIn({ baseURL });
    const start = performance.now();
    await browser.exchange(
      await browser.compose("cors", "POST", "/update", {}),
    );
    const updated = performance.now();
    await browser.logOut();
    const end = performance.now();
    // Timers may fire a millisecond early by this clock.
    assert.ok(updated - start > 298, `the route took ${updated - start} ms`);
    assert.ok(end - updated > 698, `the hop took ${end - updated} ms`);

    // Nobody but this machine can connect. Who listens on all addresses answers here, who listens on localhost does not.
    const socket = connect(Number(new URL(baseURL).port), "127.0.0.2");
    await assert.rejects(once(socket, "connect"));
  });
});
