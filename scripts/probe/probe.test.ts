import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, type TestContext, test } from "node:test";
import type { RequestHandler } from "express";
import which from "which";
import { ROOT } from "../cli/root.ts";
import { skipUnless, start } from "../cli/testing.ts";
import { serveQuickstart } from "../servers/serve-quickstart.ts";
import { type Snippet, startTogether } from "../servers/snippet.ts";
import { readVerdicts } from "../verify/verdicts.ts";
import type { Finding } from "./late-response.ts";
import { logInAs } from "./log-in.ts";
import { probe } from "./probe-app.ts";
import {
  type AppOptions,
  runHere,
  serve,
  smallApp,
  type Update,
} from "./small-app.ts";
import type { Target } from "./target.ts";

const VERDICTS = readVerdicts();

const NEVER = new AbortController().signal;

const target = (app: Target["app"], path = "/update"): Target => ({
  app,
  route: { method: "POST", path },
  body: "{}",
  headers: {},
  logout: { method: "GET", path: "/logout" },
  page: "/",
  cookie: undefined,
  goesOn: true,
});

async function probeSnippet(snippet: Snippet, path?: string): Promise<Finding> {
  const alice = await logInAs(snippet, "alice", "/login");
  const bob = await logInAs(snippet, "bob", "/login");
  const found = await probe(target(snippet, path), { alice, bob }, () => {});
  assert.ok(found.race, JSON.stringify(found));
  return found.race;
}

const NAMES = { first: "alice", second: "bob", nobody: null, unknown: "?" };

/** A cookie session, a session in a store, and one whose late response ends the next. */
const KINDS = ["broken", "broken-plain-store", "fix-deny-list"];

describe("the probe agrees with the verifier", () => {
  const files = KINDS.map((name) => join(ROOT, "snippets", `${name}.ts`));
  const starting = startTogether(files, NEVER);
  after(async () => (await starting)[0]?.stop());

  for (const [at, name] of KINDS.entries()) {
    const verdict = VERDICTS[name];
    test(`on ${name}`, async () => {
      const snippet = (await starting)[at] as Snippet;
      const found = await probeSnippet(snippet);
      const { sent, received } = found.places;
      assert.ok("next" in sent && "next" in received, JSON.stringify(found));
      assert.deepEqual(
        {
          verdict: found.verdict,
          cookies: found.cookies,
          updateCookie: found.route.effect,
          logoutCookie: found.logout.effect,
          browser: found.orders?.browser,
          server: found.orders?.server,
          nextUser: NAMES[received.next ?? "unknown"],
          lateRequest: NAMES[sent.next ?? "unknown"],
        },
        {
          verdict: verdict?.browser ? "affected" : "safe",
          cookies: ["appSession"],
          updateCookie: verdict?.updateCookie,
          logoutCookie: verdict?.logoutCookie,
          browser: verdict?.browser,
          server: verdict?.server,
          nextUser: verdict?.nextUser,
          lateRequest: verdict?.lateRequest,
        },
      );
      const draft = await probeSnippet(snippet, "/draft");
      assert.equal(draft.orders?.browser, verdict?.draft);
    });
  }
});

const AS_ALICE = ["--post", "/update", "--as", "alice"];

test("an app that writes its sessions back is affected, and hears what to do", async (t) => {
  const { url, seen } = await serve(t, smallApp({}));
  const words = [...AS_ALICE, "--as", "bob", "--json"];
  const { code, stdout, stderr } = await runHere(url, words);
  const found = JSON.parse(stdout);
  assert.equal(code, 1, stderr);
  assert.deepEqual(found.cookies, ["sid"]);
  assert.equal(found.copy, "nobody");
  assert.deepEqual(found.places.received, {
    browser: "nobody",
    overtaking: "nobody",
    server: "first",
    next: "second",
  });
  assert.deepEqual(
    found.advice.map(({ fix }: { fix: string }) => fix),
    ["fix-complete"],
  );
  const posts = seen.filter(({ url }) => url === "/update");
  assert.ok(posts.length <= 12, `${posts.length} posts`);
  assert.ok(seen.length <= 100, `${seen.length} requests`);
});

test("Auth0's quickstart is as affected as broken.ts", async (t) => {
  const url = await serveQuickstart(t);
  const orders = `Of the 35 orders in which this can happen, ${VERDICTS.broken?.browser} leave`;
  for (const users of [
    ["--as", "alice"],
    ["--as", "alice", "--as", "bob", "--page", "/profile"],
  ]) {
    const { code, stdout, stderr } = await runHere(url, [
      "--post",
      "/api",
      ...users,
    ]);
    assert.match(
      stdout,
      /^AFFECTED: a late POST \/api undoes a logout/m,
      stderr,
    );
    assert.ok(stdout.replaceAll(/\s+/g, " ").includes(orders), stdout);
    assert.match(stdout, /The session is in the cookie appSession\./);
    assert.equal(code, 1);
  }
});

test("an app that does not is safe", async (t) => {
  const { url } = await serve(t, smallApp({ writesBack: false }));
  const { code, stdout } = await runHere(url, AS_ALICE);
  assert.match(stdout, /SAFE/);
  assert.equal(code, 0);
});

test("no value of a cookie is printed", async (t) => {
  const values: string[] = [];
  const above: RequestHandler = (req, _res, next) => {
    values.push(...(req.headers.cookie?.match(/sid=(\w+)/)?.slice(1) ?? []));
    next();
  };
  const { url } = await serve(t, smallApp({ above }));
  for (const words of [AS_ALICE, [...AS_ALICE, "--json"]]) {
    const { stdout, stderr } = await runHere(url, words);
    assert.ok(values.length > 0);
    for (const value of values) {
      assert.ok(!(stdout + stderr).includes(value), stdout);
    }
  }
});

/** Logs in to a small app, as somebody does who then copies the header from a browser. */
async function cookieOf(url: string, user: string): Promise<string> {
  const app = { baseURL: url, now: Date.now };
  const browser = await logInAs(app, user, "/login");
  const { headers } = await browser.compose("navigate", "GET", "/");
  return headers.cookie ?? "";
}

test("a Cookie header can be piped in, and a second one", async (t) => {
  const { url } = await serve(t, smallApp({}));
  const lines = async (...users: string[]) => {
    const cookies = [];
    for (const user of users) cookies.push(await cookieOf(url, user));
    return `Cookie: ${cookies.join("\n")}\n`;
  };
  const words = ["--post", "/update", "--paste", "--json"];
  const one = await runHere(url, words, await lines("alice"));
  assert.equal(JSON.parse(one.stdout).places.sent.next, undefined);
  assert.equal(one.code, 1, one.stderr);
  const both = await lines("alice", "bob");
  const two = await startProbe(t, [url, ...words], both).ended;
  assert.equal(JSON.parse(two.stdout).places.sent.next, "second");
});

test("a logout is not followed to another site with a pasted cookie", async (t) => {
  const other = await serve(t, (_, res) => res.end("welcome"));
  const app = smallApp({ afterLogout: `${other.url}/end` });
  const { url } = await serve(t, app);
  const words = ["--post", "/update", "--paste"];
  const { stdout } = await runHere(url, words, await cookieOf(url, "alice"));
  assert.match(stdout, new RegExp(`leads on to ${other.url}`));
  assert.equal(other.seen.length, 0);
  // Nor is it with others, unless that site is named. It gets its own cookies alone.
  const here = url.replace("127.0.0.1", "localhost");
  await runHere(here, AS_ALICE);
  assert.equal(other.seen.length, 0);
  await runHere(here, [...AS_ALICE, "--provider", other.url]);
  assert.ok(other.seen.length > 0);
  for (const { headers } of other.seen) assert.equal(headers.cookie, undefined);
});

/** Puts a page in the place of one of an app's. */
const withPage =
  (path: string, html: string): RequestHandler =>
  (req, res, next) =>
    req.path === path ? void res.send(html) : next();

test("no form is sent to a host that nobody has named", async (t) => {
  const other = await serve(t, (_, res) => res.end("welcome"));
  const field = (name: string) =>
    `<input type="hidden" name="${name}" value="hidden field">`;
  for (const [path, html] of [
    [
      "/login",
      `<form method="post" action="${other.url}/callback">${field("state")}</form>
       <script>document.forms[0].submit()</script>`,
    ],
    [
      "/login",
      `<form method="post" action="${other.url}"><button>alice</button></form>`,
    ],
    [
      "/bye",
      `<form method="post" action="${other.url}">${field("xsrf")}</form>`,
    ],
  ] as const) {
    const app = smallApp({ above: withPage(path, html), afterLogout: "/bye" });
    const { url } = await serve(t, app);
    const { code, stdout, stderr } = await runHere(url, AS_ALICE);
    assert.equal(code, 2);
    const expected = `a form of ${url} would go to ${other.url}, so it is not sent`;
    assert.ok(stderr.includes(expected), stderr);
    assert.equal(stderr.trim().split("\n").length, 1, stderr);
    assert.doesNotMatch(stdout + stderr, /hidden field/);
  }
  assert.equal(other.seen.length, 0);
});

test("an app that has another address for itself is told", async (t) => {
  const url = await serveQuickstart(t);
  const other = await serve(t, (req, res) => {
    res.writeHead(302, { location: url + req.url }).end();
  });
  const { code, stderr } = await runHere(other.url, AS_ALICE);
  assert.equal(code, 2);
  assert.ok(stderr.includes(`leads on to ${url}, which nobody has`), stderr);
  assert.ok(stderr.includes(`is ${other.url} not what the app has`), stderr);
});

test("a login that the app refuses is told from a page without a form", async (t) => {
  const refused = `<form method="post" action="/callback">
    <input type="hidden" name="error" value="access_denied">
    <input type="hidden" name="state" value="1">
    </form><script>document.forms[0].submit()</script>`;
  const app = smallApp({ above: withPage("/login", refused) });
  const { url } = await serve(t, app);
  await assert.rejects(
    logInAs({ baseURL: url, now: Date.now }, "alice", "/login"),
    /the login fails, POST \/callback was answered with 404: leave out --as/,
  );
});

test("a slow route without a body is not called safe, though its session lives on", async (t) => {
  for (const words of [
    ["--get", "/update"],
    ["--post", "/update", "--body", ""],
  ]) {
    let count = 0;
    let answer = () => {};
    const above: RequestHandler = (req, res, next) => {
      if (req.path === "/logout") res.once("finish", () => answer());
      next();
    };
    const update: Update = (user, res) => {
      const send = () => void res.json({ recordedBy: user ?? null });
      // The fourth one of the user would be the one in its handler.
      if (user && ++count === 4) answer = send;
      else send();
    };
    const { url } = await serve(t, smallApp({ above, update }));
    const { code, stdout } = await runHere(url, [...words, "--as", "alice"]);
    assert.match(stdout, /COULD NOT TELL/);
    assert.equal(code, 2);
    assert.equal(count, 3);
  }
});

test("what can't be told is said, with what to do", async (t) => {
  const refuse =
    (status: number): Update =>
    (_, res) =>
      void res.status(status).send("no");
  const page = "/login";
  const cases: [string, AppOptions, Partial<Target>, RegExp][] = [
    ["a wrong path", {}, { route: POST("/none") }, /404: is the path right\?/],
    ["a wrong method", { update: refuse(405) }, {}, /405: it takes no POST/],
    ["a CSRF token", { update: refuse(403) }, {}, /CSRF token, give that with/],
    ["a bad body", {}, { body: "{" }, /400: is the body right\?/],
    ["a failure", { update: refuse(500) }, {}, /500: it has to succeed/],
    [
      "a wrong logout",
      {},
      { logout: GET("/") },
      /still logged in: name another/,
    ],
    ["a page for all", {}, { page }, /a page that shows it, with --page/],
  ];
  for (const [name, options, wrong, expected] of cases) {
    const { url } = await serve(t, smallApp(options));
    const app = { baseURL: url, now: Date.now };
    const alice = await logInAs(app, "alice", "/login");
    const asked = probe({ ...target(app), ...wrong }, { alice }, () => {});
    await assert.rejects(asked, expected, name);
  }
});

test("a command ends at once with what can't be told, in a line", async (t) => {
  for (const [words, expected] of [
    [["--as", "alice"], /same to both users. Are they two\?/],
    [["--login", "/"], /no form with a button “alice”/],
    // A request that is still held by then would be given up by itself after a minute.
    [["--logout", "/"], /still logged in: name another/],
  ] as const) {
    const { url } = await serve(t, smallApp({}));
    const begin = Date.now();
    const { code, stderr } = await runHere(url, [...AS_ALICE, ...words]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, expected);
    assert.equal(stderr.trim().split("\n").length, 1, stderr);
    assert.ok(Date.now() - begin < 50_000, "it ends at once");
  }
});

const GET = (path: string) => ({ method: "GET", path }) as const;
const POST = (path: string) => ({ method: "POST", path }) as const;

test("a session that has ended is told from one that is good", async (t) => {
  const { url } = await serve(t, smallApp({}));
  const words = ["--post", "/update", "--paste"];
  for (const [input, expected] of [
    ["sid=0123", /the same to the user and to nobody. Is the user logged in\?/],
    ["hello", /that was no Cookie header/],
    ["", /that was no Cookie header/],
  ] as const) {
    const { code, stderr } = await runHere(url, words, input);
    assert.equal(code, 2);
    assert.match(stderr, expected);
  }
});

test("a place that can't be forced is not called safe", async (t) => {
  const early: RequestHandler = (req, res, next) =>
    req.path === "/update" ? void res.json({}) : next();
  const cases: [AppOptions, RegExp][] = [
    [{ above: early, writesBack: false }, /answers \(200\) before it has read/],
    [{ isBodyFirst: true }, /loads the session after its body, it seems/],
  ];
  for (const [options, expected] of cases) {
    const { url } = await serve(t, smallApp(options));
    const cookie = await cookieOf(url, "alice");
    const words = ["--post", "/update", "--paste"];
    const { code, stdout, stderr } = await runHere(url, words, cookie);
    assert.match(stdout.replaceAll(/\s+/g, " "), expected, stderr);
    assert.match(stdout, /COULD NOT TELL/);
    assert.equal(code, 2);
  }
});

test("nothing is left in flight when it can't go on", async (t) => {
  const app = new EventEmitter();
  const gone = once(app, "gone", { signal: AbortSignal.timeout(20_000) });
  const above: RequestHandler = (req, res, next) => {
    req.once("close", () => {
      if (!req.complete) app.emit("gone");
    });
    if (req.path === "/logout") return res.redirect("/");
    next();
  };
  const { url } = await serve(t, smallApp({ above }));
  const words = ["--post", "/update", "--paste"];
  const { code } = await runHere(url, words, await cookieOf(url, "alice"));
  assert.equal(code, 2);
  await gone;
});

test("the session's cookie is found among many", async (t) => {
  const above: RequestHandler = (req, res, next) => {
    for (let at = 0; at < 40 && req.path.startsWith("/login/"); at++) {
      res.cookie(`choice${at}`, "1");
    }
    if (req.path === "/logout") res.clearCookie("choice7");
    next();
  };
  const { url } = await serve(t, smallApp({ above, writesBack: false }));
  const { code, stdout } = await runHere(url, [...AS_ALICE, "--json"]);
  assert.deepEqual(JSON.parse(stdout).cookies, ["sid"]);
  assert.equal(code, 0);
});

test("it says when nobody is there, or something else", async (t) => {
  const { url } = await serve(t, (req) => req.socket.destroy());
  const gone = createServer().listen(0, "127.0.0.1");
  await once(gone, "listening");
  const { port } = gone.address() as { port: number };
  gone.close();
  const plain = await serve(t, smallApp({}));
  for (const [address, expected] of [
    [`http://127.0.0.1:${port}`, /nothing answers at .*: is the app running\?/],
    [url, /hangs up: does it want https\?/],
    [plain.url.replace("http", "https"), /does not speak https: try http/],
  ] as const) {
    const { code, stderr } = await runHere(address, AS_ALICE);
    assert.equal(code, 2);
    assert.match(stderr, expected);
  }
});

test("a host that is not this machine is asked only if that is wanted", async () => {
  const { code, stderr } = await runHere("http://192.0.2.1", AS_ALICE);
  assert.equal(code, 2);
  assert.match(
    stderr,
    /192\.0\.2\.1 is not this machine: say --yes if you may/,
  );
});

test("a command line that makes no sense is told from an app that does not", async () => {
  for (const [words, expected] of [
    [["localhost:3000", "--post", "/update"], /is no address like/],
    [["http://localhost:3000/?a=b", "--post", "/"], /the app's address alone/],
    [["http://localhost:3000"], /name one route/],
    [
      ["http://localhost:3000", "--post", "update"],
      /begins with a slash: \/update/,
    ],
    [
      ["http://localhost:3000", ...AS_ALICE, "--paste"],
      /one of --as and --paste/,
    ],
    [
      ["http://localhost:3000", ...AS_ALICE, "--ca", "none"],
      /none can't be read/,
    ],
    [
      ["http://localhost:3000", ...AS_ALICE, "--header", "Cookie: a=b"],
      /stands in your shell's history: use --paste/,
    ],
  ] as const) {
    const [url = "", ...others] = words;
    const { code, stderr } = await runHere(url, others);
    assert.equal(code, 2);
    assert.match(stderr, expected);
    assert.match(stderr, /Try: npm run probe -- --help/);
  }
});

/** Starts the command as a reader does. */
const startProbe = (t: TestContext, words: string[], input?: string) =>
  start(t, join(ROOT, "scripts", "probe.ts"), words, {}, input);

const openssl = which.sync("openssl", { nothrow: true });

test("a certificate of one's own authority is taken with --ca", {
  skip: skipUnless("openssl", Boolean(openssl), "apt-get install openssl"),
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "in-flight-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  execFileSync(
    openssl as string,
    [
      ...[
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
      ],
      ...["-nodes", "-days", "1", "-subj", "/CN=localhost"],
      ...["-addext", "subjectAltName=DNS:localhost"],
      ...["-keyout", key, "-out", cert],
    ],
    { stdio: "ignore" },
  );
  const tls = { key: readFileSync(key), cert: readFileSync(cert) };
  const server = https.createServer(tls, smallApp({}));
  server.listen(0, "localhost");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as { port: number };
  const url = `https://localhost:${port}`;
  const without = await runHere(url, AS_ALICE);
  assert.match(without.stderr, /give its authority with --ca/);
  assert.equal(without.code, 2);
  const { code, stderr } = await runHere(url, [...AS_ALICE, "--ca", cert]);
  assert.equal(code, 1, stderr);
});

test("Ctrl-C ends it while the app does not answer", async (t) => {
  let isAsked = () => {};
  const asked = new Promise<void>((resolve) => {
    isAsked = resolve;
  });
  const { url } = await serve(t, () => isAsked());
  const probe = startProbe(t, [url, ...AS_ALICE]);
  await asked;
  probe.kill("SIGINT");
  assert.equal((await probe.ended).code, 130);
});
