import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import GithubSlugger from "github-slugger";
import { ROOT } from "../base/root.ts";
import { start } from "../base/testing.ts";
import { startSnippet } from "../bed/snippet.ts";
import { readVerdicts } from "../verify/verdicts.ts";
import { app, type Make, REPORT_APPS, withSession } from "./apps.ts";
import { ROWS, sectionOf } from "./causes.ts";
import type { Window } from "./chromium.ts";
import { ADVICE } from "./report.ts";
import { runHere, serve, skip } from "./run-here.ts";

const seen = new Set<string>();
describe("the probe says of an app in which", { concurrency: 2, skip }, () => {
  for (const [name, app] of Object.entries(REPORT_APPS)) {
    // One for each answer. All of them take minutes: EVERY_APP=yes.
    const isNew = !seen.has(`${app.says} ${app.code}`);
    seen.add(`${app.says} ${app.code}`);
    if (!isNew && !process.env.EVERY_APP) continue;
    test(`${name}: ${app.says || app.code}`, async () => {
      const { url } = await serve(app.make);
      const more = ["--as", "alice", "--json", "--timeout", "30"];
      // The first name is the user's.
      const words = [...more, ...app.words];
      const { stdout, stderr, code } = await runHere(url + app.under, words);
      const { diagnoses = [] } = stdout ? JSON.parse(stdout) : {};
      const names = diagnoses.map((one: { name: string }) => one.name);
      const told = names.filter((one: string) => one !== "back-shows-it");
      const wanted = `${app.says} ${app.code}`;
      assert.equal(`${told.join(" ")} ${code}`, wanted, stdout + stderr);
    });
  }
});

/** A cookie session, a session in a store, one whose late response ends the next, and a whole fix. */
for (const name of [
  "broken",
  "broken-plain-store",
  "fix-deny-list",
  "fix-complete",
]) {
  test(`the probe agrees with the verifier on ${name}`, { skip }, async () => {
    const verdict = readVerdicts()[name];
    const { baseURL } = await startSnippet(join(ROOT, `snippets/${name}.ts`));
    const both = ["--as", "alice", "--as", "bob", "--timeout", "30"];
    const words = ["--post", "/update", ...both, "--json"];
    const { stdout, stderr } = await runHere(baseURL, words);
    const { findings, logout, cookies } = JSON.parse(stdout || stderr);
    const [{ verdict: told, effect, places }] = findings;
    const seen = [told, effect, logout.effect, places.sent.next, cookies];
    const names = { alice: "first", bob: "second", null: "nobody" };
    assert.deepEqual(seen, [
      verdict?.browser || verdict?.nextUser === "alice" ? "affected" : "held",
      verdict?.updateCookie,
      verdict?.logoutCookie,
      names[String(verdict?.lateRequest) as "null"],
      ["appSession"],
    ]);
  });
}

test("somebody logs in and out by hand, and is believed", {
  skip,
}, async () => {
  const { url } = await serve(app({ rolls: true }));
  const does = (script: string, said: "y" | "n") => async (window: Window) => {
    await window.go(`${url}/`);
    await window.ask(script);
    await window.settle();
    return said;
  };
  const logIn = does(
    `fetch("/login/alice", { method: "POST" })
    .then(() => fetch("/update", { method: "POST", body: "{}" }))`,
    "y",
  );
  const logOut = does("document.links[0].click()", "n");
  const acts = [logIn, logOut, logIn, logOut];
  const { stdout, code } = await runHere(url, ["--timeout", "30"], acts);
  assert.match(stdout, /AFFECTED: a late POST \/update undoes/);
  assert.equal(code, 1);
});

const HERE = "http://localhost:3000";
const answers = (path: string, status: number): Make =>
  withSession({
    above: (req, res, next) =>
      req.path === path ? void res.status(status).send("no") : next(),
  });

/** What can't be told, of an app or an address, and how that is said. */
const UNTOLD: [RegExp, Make | string, words?: string[]][] = [
  [/404: is the path right\?/, withSession(), ["--post", "/none"]],
  [
    /403: if it wants a CSRF token/,
    answers("/update", 403),
    ["--post", "/update"],
  ],
  [/does not show who is logged in/, withSession(), ["--page", "/login"]],
  [/to both users. Are they two\?/, withSession(), ["--as", "alice"]],
  [/form with the name “carol”/, withSession(), ["--as", "carol"]],
  [/does not answer, and the user is still/, app({ logout: () => {} })],
  [
    /answers before it has read/,
    answers("/update", 200),
    ["--post", "/update"],
  ],
  [/is the app running\?/, "http://localhost:49151"],
  [/not this machine: say --yes if you may/, "http://192.0.2.1"],
  [/is no address like/, "localhost:3000"],
  [/begins with a slash: \/update/, HERE, ["--post", "update"]],
  [/your shell's history/, HERE, ["--header", "Cookie: a=b"]],
];

describe("it ends with what can't be told", { concurrency: 2, skip }, () => {
  for (const [expected, made, more = []] of UNTOLD) {
    test(String(expected), async () => {
      const url = typeof made === "string" ? made : (await serve(made)).url;
      const user = more.includes("carol") ? [] : ["--as", "alice"];
      const seen = await runHere(url, [...user, "--timeout", "4", ...more]);
      const told = (seen.stdout + seen.stderr).replace(/\s+/g, " ");
      assert.match(told, expected);
      assert.equal(seen.code, 2);
    });
  }
});

test("Ctrl-C ends it while the app does not answer", { skip }, async (t) => {
  let isAsked = () => {};
  const asked = new Promise<void>((resolve) => {
    isAsked = resolve;
  });
  const { url } = await serve(() => () => isAsked());
  const words = [url, "--as", "alice", "--timeout", "60"];
  const probe = start(t, join(ROOT, "scripts", "probe.ts"), words);
  await asked;
  probe.kill("SIGINT");
  assert.equal((await probe.ended).code, 130);
});

test("each cause and remedy links to where the posts tell of it", () => {
  const links = ADVICE.map(([, link = ""]) => link);
  for (const name of ROWS) {
    const { title, advice, link } = sectionOf(name);
    assert.ok(title && advice, name);
    links.push(link);
  }
  for (const link of links) {
    const [file = "", anchor = ""] = link.split("#");
    assert.ok(existsSync(join(ROOT, file)), link);
    const text = readFileSync(join(ROOT, file), "utf8");
    const slugger = new GithubSlugger();
    const anchors = (text.match(/^#+ .*$/gm) ?? []).map((line) =>
      slugger.slug(line.replace(/^#+ /, "")),
    );
    assert.ok(anchors.includes(anchor), link);
  }
});
