import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { sessionCookieValues } from "../../snippets/support/cookies.ts";
import { startProvider } from "../../snippets/support/provider.ts";
import {
  readSettings,
  SettingsError,
} from "../../snippets/support/settings.ts";
import { ROOT } from "../cli/root.ts";
import {
  copyRepository,
  skipSignals,
  skipUnless,
  start,
} from "../cli/testing.ts";
import { Browser } from "../client/browser.ts";
import { send } from "../client/http.ts";
import { findRedis, HOW_TO_INSTALL_REDIS, startRedis } from "./redis-server.ts";
import { startTogether } from "./snippet.ts";
import { needsRedis, snippetNames } from "./snippet-files.ts";

// What every snippet promises to whoever starts it. What they promise to who is logged in is the
// verifier's business.

const ADDRESS = /http:\/\/localhost:\d+/;
const STACK = /^ +at /m;
const JSON_TYPE = { "content-type": "application/json" };

const noRedis = skipUnless("Redis", Boolean(findRedis()), HOW_TO_INSTALL_REDIS);

/** Starts a Redis for a snippet that needs one. */
async function settingsFor(t: TestContext, name: string) {
  if (!needsRedis(name)) return {};
  const redis = await startRedis();
  t.after(() => redis.stop());
  return { REDIS_URL: redis.url };
}

const startSnippet = (
  t: TestContext,
  name: string,
  environment: NodeJS.ProcessEnv = {},
  folder = ROOT,
) =>
  start(t, join(folder, "snippets", `${name}.ts`), [], {
    PORT: "0",
    UPDATE_MS: "0",
    IDP_MS: "0",
    REDIS_URL: undefined,
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
  /^serve\(app\);\n$/m,
];

test("all snippets have one skeleton", () => {
  for (const name of snippetNames()) {
    const file = join(ROOT, "snippets", `${name}.ts`);
    const source = readFileSync(file, "utf8");
    for (const line of SKELETON) assert.match(source, line, name);
  }
});

/** One of each kind: the cookie, a store in the process, one in Redis, a filter, a page of its own. */
const IN_A_PROCESS_OF_ITS_OWN = {
  broken: "SIGTERM",
  "fix-complete-cookie": "SIGINT",
  "fix-store-redis": "SIGTERM",
} as const;
const TOGETHER = ["fix-store", "fix-navigations-only", "fix-front-end"];

/** Looks at what a snippet has printed while it was asked. */
function looksAtOutput(printed: string, cookieValue: string): void {
  assert.doesNotMatch(printed, STACK);
  assert.doesNotMatch(printed, /oidc-provider|code=|state=/);
  assert.ok(!printed.includes(cookieValue.slice(0, 16)));
}

describe("a snippet", { concurrency: 2 }, () => {
  for (const [name, signal] of Object.entries(IN_A_PROCESS_OF_ITS_OWN)) {
    const skip = needsRedis(name) && noRedis;
    test(`${name} is as promised, and ends on ${signal}`, {
      skip,
    }, async (t) => {
      const snippet = startSnippet(t, name, await settingsFor(t, name));
      const [baseURL] = await snippet.printed(ADDRESS);
      await snippet.printed(/Log in, click “Log out”/);
      await answers(baseURL);
      const value = await logsIn(baseURL);
      if (!skipSignals) await ends(snippet, baseURL, signal);
      looksAtOutput(snippet.output(), value);
    });
  }

  test(`${TOGETHER.join(" and ")} are, too`, async (t) => {
    for (const { baseURL } of await together(t, TOGETHER)) {
      await answers(baseURL);
      await logsIn(baseURL);
    }
  });
});

/** Starts snippets in one process. */
async function together(
  t: TestContext,
  names: string[],
  environment?: NodeJS.ProcessEnv,
) {
  const files = names.map((name) => join(ROOT, "snippets", `${name}.ts`));
  const snippets = await startTogether(files, t.signal, environment);
  t.after(() => snippets[0]?.stop());
  return snippets;
}

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

/**
 * Looks whether a forged or a truncated cookie is taken for none, and whether a user who has logged
 * out can log in again.
 * @returns the value of a real one
 */
async function logsIn(baseURL: string): Promise<string> {
  const browser = new Browser({ baseURL, now: Date.now });
  await browser.logIn("alice");
  const { url, headers } = await browser.compose("cors", "GET", "/whoami");
  const real = String(headers.cookie);
  const whoami = async (cookie: string) => {
    const answer = await fetch(url, { headers: { cookie } });
    const { user } = (await answer.json()) as { user: string | null };
    return user;
  };
  assert.equal(await whoami(real), "alice");
  assert.equal(await whoami(real.slice(0, -4)), null);
  assert.equal(await whoami("appSession=forged"), null);
  assert.equal(await whoami("appSession="), null);
  assert.equal(await whoami("appSession.0=forged"), null);
  assert.equal(await whoami(real.replace(/=.*/, "=__proto__")), null);
  assert.equal(await whoami(real), "alice");

  // After a logout that stopped halfway, the provider still knows her, and asks nothing.
  await browser.exchange(await browser.compose("navigate", "GET", "/logout"));
  assert.equal(await browser.whoami(), null);
  const { html } = await browser.open("/login");
  assert.match(html, /alice is logged in/);
  return real.split("=")[1] as string;
}

/** Asks a snippet to stop while a request is in its handler. */
async function ends(
  snippet: ReturnType<typeof start>,
  baseURL: string,
  signal: NodeJS.Signals,
): Promise<void> {
  const url = new URL("/update", baseURL);
  const { finish } = send(
    { method: "POST", url, headers: JSON_TYPE, body: "{}" },
    Date.now() + 10_000,
  );
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
  const snippet = startSnippet(t, "broken", {}, folder);
  await snippet.printed(/^{"user":null}$/m);
});

test("a snippet and its lines are no longer than a screen", () => {
  for (const name of snippetNames()) {
    const file = join(ROOT, "snippets", `${name}.ts`);
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    assert.ok(lines.length <= 80, `${name} has ${lines.length} lines`);
    for (const line of lines) assert.ok(line.length <= 80, `${name}: ${line}`);
  }
});

test("a session in chunks is never put together from two, and no piece of it gets past a fix", async (t) => {
  const names = [
    "broken",
    "fix-read-only-route",
    "fix-navigations-only",
    "fix-complete-cookie",
  ];
  for (const snippet of await together(t, names, { CLAIM_BYTES: "5000" })) {
    const { name, baseURL } = snippet;
    const cookiesOf = async (user: string) => {
      const browser = new Browser({ baseURL, now: Date.now });
      await browser.logIn(user);
      const { headers } = await browser.compose("cors", "GET", "/whoami");
      return String(headers.cookie).split("; ");
    };
    const [one, other] = [await cookiesOf("alice"), await cookiesOf("alice")];
    assert.deepEqual(
      one.map((cookie) => cookie.split("=")[0]),
      ["appSession.0", "appSession.1", "appSession.2"],
    );
    const whoami = async (...cookies: (string | undefined)[]) => {
      const headers = { cookie: cookies.join("; ") };
      const answer = await fetch(new URL("/whoami", baseURL), { headers });
      return ((await answer.json()) as { user: string | null }).user;
    };
    assert.equal(await whoami(...one), "alice");
    for (const mix of [
      [one[0], other[1], one[2]],
      [other[0], one[1], one[2]],
      [one[0], one[1], other[2]],
      [one[0], one[1]],
      [one[1], one[2]],
      [...one, other[2]?.replace(".2=", ".3=")],
    ]) {
      assert.equal(await whoami(...mix), null, name);
    }
    assert.equal(await whoami(...other), "alice", name);
    const { headers } = await fetch(new URL("/update", baseURL), {
      method: "POST",
      headers: { ...JSON_TYPE, cookie: one.join("; ") },
      body: "{}",
    });
    const set = sessionCookieValues(headers.getSetCookie());
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
    const { ended } = startSnippet(t, "broken", environment);
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
    const snippet = startSnippet(t, "broken", OWN);
    const [baseURL] = await snippet.printed(ADDRESS);
    const login = await fetch(new URL("/login", baseURL));
    assert.equal(login.status, 500);
    await snippet.printed(/^! GET \/login: .*$/m);
    assert.doesNotMatch(snippet.output(), STACK);
  });

  test("another provider takes the local one's place", async (t) => {
    const port = await freePort();
    const local = await startProvider({
      baseURL: `http://localhost:${port}`,
      idpMs: 0,
      claimBytes: 0,
      backChannelLogout: false,
    });
    t.after(() => local.close());
    const snippet = startSnippet(t, "broken", {
      PORT: String(port),
      ISSUER_BASE_URL: local.provider.issuerBaseURL,
      CLIENT_ID: local.provider.clientID,
      CLIENT_SECRET: local.provider.clientSecret,
      SECRET: "a long random text",
    });
    const [baseURL] = await snippet.printed(ADDRESS);
    const browser = new Browser({ baseURL, now: Date.now });
    await browser.logIn("bob");
    assert.equal(await browser.whoami(), "bob");
    await browser.logOut();
    assert.equal(await browser.whoami(), null);
  });

  test("UPDATE_MS is how long the route works, IDP_MS the hop, on this machine alone", async (t) => {
    const times = { UPDATE_MS: "300", IDP_MS: "700" };
    const snippet = startSnippet(t, "broken", times);
    const [baseURL] = await snippet.printed(ADDRESS);
    const browser = new Browser({ baseURL, now: Date.now });
    await browser.logIn("alice");
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

/** Finds a free port outside of the range from which systems hand out ports by themselves. */
async function freePort(): Promise<number> {
  for (let port = 20_000; ; port += 1) {
    const server = createServer();
    try {
      await once(server.listen(port, "localhost"), "listening");
      return port;
    } catch {
      // Somebody has it. The next one will do as well.
    } finally {
      server.close();
    }
  }
}
