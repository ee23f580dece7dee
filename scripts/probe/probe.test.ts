import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import type { RequestHandler } from "express";
import GithubSlugger from "github-slugger";
import { readResult } from "../base/results.ts";
import { ROOT } from "../base/root.ts";
import { start } from "../base/testing.ts";
import { startSnippet } from "../bed/snippet.ts";
import { readVerdicts } from "../verify/verdicts.ts";
import { ROWS } from "./diagnoses.ts";
import { logInAs } from "./log-in.ts";
import { ADVICE } from "./probe-report.ts";
import {
  type Make,
  REPORT_APPS,
  type ReportApp,
  withSession,
} from "./report-apps.ts";
import { runHere, serve } from "./run-here.ts";

const AS_ALICE = ["--post", "/update", "--as", "alice"];
const PASTED = ["--post", "/update", "--paste"];

const snippet = (name: string) =>
  startSnippet(join(ROOT, "snippets", `${name}.ts`));

const NAMES_OF = { first: "alice", second: "bob", nobody: null, unknown: "?" };

/** A cookie session, a session in a store, and one whose late response ends the next. */
for (const name of ["broken", "broken-plain-store", "fix-deny-list"]) {
  test(`the probe agrees with the verifier on ${name}`, async () => {
    const verdict = readVerdicts()[name];
    const { baseURL } = await snippet(name);
    const words = [...AS_ALICE, "--as", "bob", "--json"];
    const { stdout, stderr } = await runHere(baseURL, words);
    const found = JSON.parse(stdout || stderr);
    const { sent, received } = found.places;
    assert.deepEqual(
      {
        verdict: found.verdict,
        cookies: found.cookies,
        updateCookie: found.route.effect,
        logoutCookie: found.logout.effect,
        browser: found.orders?.browser,
        server: found.orders?.server,
        nextUser: NAMES_OF[received.next as "first"],
        lateRequest: NAMES_OF[sent.next as "first"],
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
    const draft = await runHere(baseURL, [...words, "--post", "/draft"]);
    const { orders } = JSON.parse(draft.stdout);
    assert.equal(orders.browser, verdict?.draft);
  });
}

test("it prints of broken.ts what the post shows", async () => {
  const { baseURL } = await snippet("broken");
  const printed = await runHere(baseURL, [...AS_ALICE, "--as", "bob"]);
  const told = (text = "") =>
    text.replace(/localhost:\d+/g, "localhost").replace(/\d+ bytes/, "bytes");
  const shown = readResult(ROOT, "others").printed.broken;
  assert.equal(told(printed.stdout), told(shown));
  assert.equal(printed.code, 1);
});

/** The names of the diagnoses, and the exit code. */
function told({ stdout, code }: { stdout: string; code: number }) {
  const { diagnoses = [] } = stdout ? JSON.parse(stdout) : {};
  return { wanted: diagnoses.map(({ name }: { name: string }) => name), code };
}

/** Logs in, as somebody does who then copies the header from a browser. */
async function cookieOf(url: string, user = "alice", under = "") {
  const browser = await logInAs({ baseURL: url }, user, `${under}/login`);
  const { headers } = await browser.compose("navigate", "GET", `${under}/`);
  return headers.cookie ?? "";
}

// The probe waits now and then. Meanwhile it is pointed at others.
describe("the probe says of an app in which", { concurrency: 2 }, () => {
  for (const [name, app] of Object.entries(REPORT_APPS)) {
    const { make, words = [], under = "", wanted, code } = app;
    // Those that never answer have a time of their own. For the others, a busy machine has all it wants.
    const all = ["--json", "--timeout", "60", ...words];
    if (!words.some((word) => /^--(get|put|post)$/.test(word)))
      all.push("--post", "/update");

    test(`${name}: ${wanted.join(", ") || "no diagnosis"}`, async () => {
      const { url } = await serve(make);
      const as = ["--as", "alice", "--as", "bob"];
      const seen = await runHere(url + under, [...all, ...as]);
      assert.deepEqual(told(seen), { wanted, code }, seen.stdout + seen.stderr);
    });

    test(`${name}, with a pasted Cookie header`, async () => {
      const { url } = await serve(make);
      const input = `Cookie: ${await cookieOf(url, "alice", under)}\n`;
      const seen = await runHere(url + under, [...all, "--paste"], input);
      const expected = app.pasted ?? { wanted, code };
      assert.deepEqual(told(seen), expected, seen.stdout + seen.stderr);
    });
  }
});

test("the login's Set-Cookie tells what a Cookie header does not", async () => {
  const { make, wanted, code } = REPORT_APPS["another Path"] as ReportApp;
  const { url } = await serve(make);
  const deep = "Set-Cookie: user=alice; Path=/app\n";
  for (const [input, expected] of [
    [`${deep}Cookie: user=alice\n`, { wanted, code }],
    // It may be there for two paths.
    ["Cookie: user=alice; user=alice\n", { wanted: [], code: 2 }],
  ] as const) {
    const seen = await runHere(`${url}/app`, [...PASTED, "--json"], input);
    assert.deepEqual(told(seen), expected, input);
  }
});

const WRITES_BACK = withSession({ writesBack: true });

test("what it sends is bounded, and no value of a cookie is printed", async () => {
  const values: string[] = [];
  const above: RequestHandler = (req, res, next) => {
    values.push(...(req.headers.cookie?.match(/sid=([\w-]+)/)?.slice(1) ?? []));
    // The session's cookie has to be found among many.
    for (let at = 0; at < 40 && req.path.startsWith("/login/"); at++) {
      res.cookie(`choice${at}`, "1");
    }
    if (req.path === "/logout") res.clearCookie("choice7");
    next();
  };
  const app = withSession({ above, writesBack: true });
  for (const more of [["--as", "bob"], ["--json"]]) {
    const { url, seen } = await serve(app);
    const { code, stdout, stderr } = await runHere(url, [...AS_ALICE, ...more]);
    assert.equal(code, 1, stderr);
    assert.ok(values.length > 0);
    for (const value of values) {
      assert.ok(!(stdout + stderr).includes(value), stdout);
    }
    const posts = seen.filter((req) => req.url === "/update");
    assert.ok(posts.length <= 12, `${posts.length} posts`);
    assert.ok(seen.length <= 100, `${seen.length} requests`);
    if (!more.includes("--json")) continue;
    const { cookies, advice } = JSON.parse(stdout);
    assert.deepEqual(cookies, ["sid"]);
    const fixes = advice.map(({ fix }: { fix: string }) => fix);
    assert.deepEqual(fixes, ["fix-complete"]);
  }
});

/** Starts the command as a reader does. */
const startProbe = (t: TestContext, words: string[], input?: string) =>
  start(t, join(ROOT, "scripts", "probe.ts"), words, {}, input);

test("two users' Cookie headers can be piped in", async (t) => {
  const { url } = await serve(WRITES_BACK);
  const input = `Cookie: ${await cookieOf(url)}\n${await cookieOf(url, "bob")}\n`;
  const { stdout } = await startProbe(t, [url, ...PASTED, "--json"], input)
    .ended;
  assert.equal(JSON.parse(stdout).places.sent.next, "second");
});

test("a logout is followed to another site only if that is named", async () => {
  const other = await serve(() => (_, res) => res.end("welcome"), "127.0.0.1");
  const { url } = await serve(withSession({ afterLogout: `${other.url}/end` }));
  const { stdout } = await runHere(url, PASTED, await cookieOf(url));
  assert.match(stdout, new RegExp(`leads on to ${other.url}`));
  await runHere(url, AS_ALICE);
  assert.equal(other.seen.length, 0);
  // It gets its own cookies alone.
  await runHere(url, [...AS_ALICE, "--provider", other.url]);
  assert.ok(other.seen.length > 0);
  for (const { headers } of other.seen) assert.equal(headers.cookie, undefined);
});

test("a slow route without a body is not called safe, though its session lives on", async () => {
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
    const app = withSession({
      ...{ above, writesBack: true },
      update(user, res) {
        const send = () => void res.json({});
        // The fourth one of the user would be the one in its handler.
        if (user && ++count === 4) answer = send;
        else send();
      },
    });
    const { url } = await serve(app);
    const { code, stdout } = await runHere(url, [...words, "--as", "alice"]);
    assert.match(stdout, /COULD NOT TELL/);
    assert.equal(code, 2);
    assert.equal(count, 3);
  }
});

test("nothing is left in flight when it can't go on", async () => {
  let leave = () => {};
  const gone = new Promise<void>((resolve) => {
    leave = resolve;
  });
  const above: RequestHandler = (req, res, next) => {
    req.once("close", () => req.complete || leave());
    if (req.path === "/logout") return res.redirect("/");
    next();
  };
  const { url } = await serve(withSession({ above }));
  const { code } = await runHere(url, PASTED, await cookieOf(url));
  assert.equal(code, 2);
  await gone;
});

/** Answers a path in the place of the app. */
const at =
  (path: string, status: number): RequestHandler =>
  (req, res, next) =>
    req.path === path ? void res.status(status).send("no") : next();

const HERE = "http://localhost:3000";
const another: Make = async () => {
  const { url } = await serve(WRITES_BACK, "127.0.0.1");
  return (req, res) => {
    res.writeHead(302, { location: url + req.url }).end();
  };
};
const ANSWERS_FIRST = withSession({ above: at("/update", 200) });
const BODY_FIRST = withSession({ isBodyFirst: true, writesBack: true });
const CSRF = withSession({ update: (_, res) => void res.status(403).send("") });
const REFUSES = withSession({ above: at("/login/alice", 403) });

/** What can't be told, of an app, by its name, too, or of an address, and how that is said. */
const UNTOLD: [RegExp, Make | string, words?: string[], input?: string][] = [
  [/404: is the path right\?/, WRITES_BACK, ["--post", "/none"]],
  [/403: if it wants a CSRF token, give that with --header/, CSRF],
  [/400: is the body right\?/, WRITES_BACK, ["--body", "{"]],
  [/still logged in: name another route/, WRITES_BACK, ["--logout", "/"]],
  [/a page that shows it, with --page/, WRITES_BACK, ["--page", "/login"]],
  [/to both users. Are they two\?/, WRITES_BACK, ["--as", "alice"]],
  [/no form with a button “alice”/, WRITES_BACK, ["--login", "/"]],
  [/fails, POST \/login\/alice was answered with 403/, REFUSES],
  [/leads on to \S+, which nobody .* not what the app has/, another],
  [/with a form: name what that sends/, "a logout that asks first"],
  [
    /still logged in\. The app's log/,
    "a logout that never answers",
    ["--timeout", "1"],
  ],
  [/the same to the user and to nobody/, WRITES_BACK, PASTED, "sid=0123"],
  [/that was no Cookie header/, WRITES_BACK, PASTED, "hello"],
  // A place that can't be forced is not called safe.
  [/\(200\) before it has read .* COULD NOT TELL/, ANSWERS_FIRST],
  [/session after its body, it seems.* COULD NOT TELL/, BODY_FIRST],
  [/nothing answers at .*: is the app running\?/, "http://localhost:1"],
  [/not this machine: say --yes if you may/, "http://192.0.2.1"],
  [/is no address like/, "localhost:3000"],
  [/the app's address alone/, `${HERE}/?a=b`],
  [/begins with a slash: \/update/, HERE, ["--post", "update"]],
  [/your shell's history: use --paste/, HERE, ["--header", "Cookie: a=b"]],
];

describe("it ends with what can't be told", { concurrency: 2 }, () => {
  for (const [expected, app, more = [], input] of UNTOLD) {
    test(String(expected), async () => {
      const make = REPORT_APPS[String(app)]?.make ?? app;
      const url = typeof make === "string" ? make : (await serve(make)).url;
      const words = more === PASTED ? PASTED : [...AS_ALICE, ...more];
      const { code, stdout, stderr } = await runHere(url, words, input);
      assert.match((stdout + stderr).replaceAll(/\s+/g, " "), expected);
      assert.equal(code, 2);
    });
  }
});

test("Ctrl-C ends it while the app does not answer", async (t) => {
  let isAsked = () => {};
  const asked = new Promise<void>((resolve) => {
    isAsked = resolve;
  });
  const { url } = await serve(() => () => isAsked());
  const probe = startProbe(t, [url, ...AS_ALICE]);
  await asked;
  probe.kill("SIGINT");
  assert.equal((await probe.ended).code, 130);
});

test("each diagnosis and remedy links to where the posts tell of it", () => {
  const read = (file: string) => readFileSync(join(ROOT, file), "utf8");
  for (const { link } of [...ROWS, ...ADVICE]) {
    const [file = "", anchor = ""] = link.split("#");
    assert.ok(existsSync(join(ROOT, file)), link);
    const slugger = new GithubSlugger();
    const anchors = (read(file).match(/^#+ .*$/gm) ?? []).map((line) =>
      slugger.slug(line.replace(/^#+ /, "")),
    );
    assert.ok(anchors.includes(anchor), link);
  }
  const post = read("posts/2026-11-27-is-it-this-bug.md");
  for (const { name } of ROWS) assert.ok(post.includes(`\`${name}\``), name);
});
