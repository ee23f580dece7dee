import assert from "node:assert/strict";
import { test } from "node:test";
import { readFormPost } from "./html.ts";
import { whyUncleared } from "./plain-logout.ts";
import { Browser } from "./played-browser.ts";
import type { Answer, Outgoing } from "./requests.ts";

/** Makes a request that a browser has sent, and its answer. */
const got = (address: string, ...cookies: string[]): [Outgoing, Answer] => [
  { method: "GET", url: new URL(address), headers: {} },
  { status: 302, headers: { "set-cookie": cookies }, body: "" },
];

test("the form that a provider has a script send is read, and no other", () => {
  const page = `<HTML><BODY Onload="document.forms[0].submit()">
    <FORM METHOD="POST" ACTION="http://localhost:3000/callback?a&amp;b">
    <INPUT TYPE="HIDDEN" NAME="state" VALUE="a&#x3D;&quot;&amp;lt;" />
    <input type=hidden name=id_token value=h.p.s>
    <NOSCRIPT><INPUT name="continue" TYPE="SUBMIT" VALUE="CONTINUE" /></NOSCRIPT>
    </FORM></BODY></HTML>`;
  const { action, fields } = readFormPost(page) ?? {};
  assert.equal(action, "http://localhost:3000/callback?a&b");
  const all = Object.fromEntries(fields ?? []);
  assert.deepEqual(all, { state: `a="&lt;`, id_token: "h.p.s" });
  for (const [from, to] of [
    [".submit()", ""],
    ["state", "q"],
    ["POST", "GET"],
  ] as const) {
    assert.equal(readFormPost(page.replace(from, to)), undefined, from);
  }
});

test("a form goes to the app or to where its page is from", async () => {
  const browser = new Browser({ baseURL: "https://app.example" });
  const page = new URL("https://idp.example/auth");
  const compose = (action: string) =>
    browser.composeForm(page, action, new URLSearchParams());
  for (const action of [
    "https://app.example.evil.example/callback",
    "https://app.example@evil.example/callback",
    "//evil.example/callback",
    // Without https, anybody on the way could read it.
    "http://app.example/callback",
    "https://app.example:8443/callback",
    "javascript:alert(1)",
  ]) {
    await assert.rejects(compose(action), /so it is not sent/, action);
  }
  for (const action of ["https://app.example/callback", "/next", ""]) {
    assert.ok(await compose(action));
  }
});

test("what another site posts comes with the cookies that browsers send then", async () => {
  const baseURL = "http://localhost:3000";
  const browser = new Browser({ baseURL });
  const cookies = [
    "appSession=1; Path=/; HttpOnly; SameSite=Lax",
    "auth_verification=2; Path=/; HttpOnly; Secure; SameSite=None",
  ];
  await browser.store(...got(baseURL, ...cookies));
  for (const [page, expected] of [
    ["http://127.0.0.1/auth", "auth_verification=2"],
    ["http://localhost/auth", "appSession=1; auth_verification=2"],
  ] as const) {
    const from = new URL(page);
    const post = await browser.compose("navigate", "POST", "/callback", from);
    assert.equal(post.headers.cookie, expected);
  }
});

test("over http, a Secure cookie is not cleared, and that is why", async () => {
  const clearing = "sid=; Path=/; Max-Age=0";
  const browser = new Browser({ baseURL: "https://app.example" });
  const logOut = (origin: string) => got(`${origin}/logout`, clearing);
  await browser.store(...got("https://app.example", "sid=1; Path=/; Secure"));
  await browser.store(...logOut("http://app.example"));
  const [left] = await browser.kept();
  assert.ok(left, "it is still there");
  for (const [origin, why] of [
    ["http://app.example", "over http, and it is Secure"],
    // On this machine, browsers take it over http, too: it was not that.
    ["http://localhost", "in a way that browsers do not take"],
  ] as const) {
    const [request, answer] = logOut(origin);
    const { reasons } = whyUncleared(left, [{ request, answer }], ["sid"]);
    assert.deepEqual(reasons, [why]);
  }
  await browser.store(...logOut("https://app.example"));
  assert.deepEqual(await browser.kept(), []);
});

test("what no browser takes is left out", async () => {
  const browser = new Browser({ baseURL: "http://localhost" });
  for (const header of [
    "ab=1; Domain=.example.com",
    "__Host-user=a; Path=/",
    "user=a; Partitioned",
    `user=${"x".repeat(5000)}`,
  ]) {
    await browser.store(...got("http://localhost", header));
    assert.deepEqual(await browser.kept(), [], header.slice(0, 40));
  }
});
