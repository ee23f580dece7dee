import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import GithubSlugger from "github-slugger";
import { ROOT } from "../cli/root.ts";
import { LINKS, NAMES } from "./diagnoses.ts";
import { logInAs } from "./log-in.ts";
import { closeProviders } from "./make-report-apps.ts";
import { ADVICE } from "./probe-report.ts";
import { REPORT_APPS } from "./report-apps.ts";
import { runHere, serveMade } from "./small-app.ts";

after(closeProviders);

// The probe waits now and then. Meanwhile it is pointed at others.
describe("the probe says of an app in which", { concurrency: 2 }, () => {
  for (const app of REPORT_APPS) {
    const { name, make, words = [], under = "", wanted, code } = app;
    const isGet = words.some((word) => ["--get", "--put"].includes(word));
    // Those that never answer have a time of their own. For the others, a busy machine has all it wants.
    const all = [
      ...["--json", "--timeout", "60"],
      ...(isGet ? [] : ["--post", "/update"]),
      ...words,
    ];

    test(`${name}: ${wanted.join(", ") || "no diagnosis"}`, async (t) => {
      const { url } = await serveMade(t, "localhost", make);
      const as = ["--as", "alice", "--as", "bob"];
      const seen = await runHere(url + under, [...all, ...as]);
      assert.deepEqual(told(seen), { wanted, code }, seen.stdout + seen.stderr);
    });

    test(`${name}, with a pasted Cookie header`, async (t) => {
      const { url } = await serveMade(t, "localhost", make);
      const visited = { baseURL: url, now: Date.now };
      const browser = await logInAs(visited, "alice", `${under}/login`);
      const { headers } = await browser.compose("navigate", "GET", `${under}/`);
      const input = `Cookie: ${headers.cookie}\n`;
      const seen = await runHere(url + under, [...all, "--paste"], input);
      const expected = app.pasted ?? { wanted, code };
      assert.deepEqual(told(seen), expected, seen.stdout + seen.stderr);
    });
  }
});

test("the login's Set-Cookie tells what a Cookie header does not", async (t) => {
  const app = REPORT_APPS.find(({ name }) => name === "another Path");
  assert.ok(app);
  const { url } = await serveMade(t, "localhost", app.make);
  const words = ["--post", "/update", "--paste", "--json"];
  const set = "Set-Cookie: user=alice";
  const deep = `${set}; Path=/app\n`;
  const { wanted, code } = app;
  for (const [input, expected] of [
    [`${deep}Cookie: user=alice\n`, { wanted, code }],
    [`${deep}${set}; Path=/\nCookie: user=alice\n`, { wanted, code }],
    // It may be there for two paths.
    ["Cookie: user=alice; user=alice\n", { wanted: [], code: 2 }],
  ] as const) {
    const seen = await runHere(`${url}/app`, words, input);
    assert.deepEqual(told(seen), expected, input);
    if (code !== expected.code) continue;
    const [{ seen: lines }] = JSON.parse(seen.stdout).diagnoses;
    assert.equal(lines.length, 1, lines);
  }
});

test("it says what a logout waits for that does not answer, and what a limit is", async (t) => {
  for (const [name, expected] of [
    [
      "a logout that never answers",
      /\/logout, and the user is still logged in\. The app's log/,
    ],
    [
      "a logout that waits for what is in flight",
      /\/logout while POST \/update is in flight, .* waits for another/,
    ],
    ["a logout that asks first", /with a form: name what that sends/],
    ["a limit of 30 requests", /, to 30 requests. .* or wait \d\d s/],
  ] as const) {
    const app = REPORT_APPS.find((one) => one.name === name);
    assert.ok(app);
    const { url } = await serveMade(t, "localhost", app.make);
    const words = ["--post", "/update", "--as", "alice", "--timeout", "1"];
    const { stderr } = await runHere(url, words);
    assert.match(stderr, expected);
  }
});

/** The names of the diagnoses, and the exit code. */
function told({ stdout, code }: { stdout: string; code: number }) {
  const { diagnoses = [] } = stdout ? JSON.parse(stdout) : {};
  return { wanted: diagnoses.map(({ name }: { name: string }) => name), code };
}

test("each diagnosis and remedy links to where the posts tell of it", () => {
  const remedies = Object.values(ADVICE).map(({ link }) => link);
  for (const link of [...LINKS, ...remedies]) {
    const [file = "", anchor = ""] = link.split("#");
    assert.ok(existsSync(join(ROOT, file)), link);
    const headings = readFileSync(join(ROOT, file), "utf8").match(/^#+ .*$/gm);
    const slugger = new GithubSlugger();
    const anchors = (headings ?? []).map((line) =>
      slugger.slug(line.replace(/^#+ /, "")),
    );
    assert.ok(anchors.includes(anchor), link);
  }
});

test("the post tells of each by its name", () => {
  const [link = ""] = [...LINKS];
  const post = readFileSync(join(ROOT, link.split("#")[0] ?? ""), "utf8");
  for (const name of NAMES) {
    if (name === "mirror-race") continue;
    assert.ok(post.includes(`\`${name}\``), name);
  }
});
