import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { Browser, ForeignForm } from "./browser.ts";
import { readFormPost } from "./form-post.ts";
import type { Answer, Outgoing } from "./http.ts";

/** Makes a response that a browser has got, and what it had asked for. */
const got = (
  address: string,
  body: string,
  cookies: string[] = [],
): [Outgoing, Answer] => [
  { method: "GET", url: new URL(address), headers: {} },
  { status: 200, headers: { "set-cookie": cookies }, body },
];

/** Makes a page that sends a form by script. */
const formPost = (action: string) =>
  `<form method="post" action="${action}"><input type="hidden" name="state" value="1"></form>
  <script>document.forms[0].submit()</script>`;

test("the form of a provider is read as templates write it", () => {
  const pages = {
    Auth0: `<html><head><title>Submit This Form</title></head>
      <body onload="javascript:document.forms[0].submit()">
      <form method="post" action="http://localhost:3000/callback">
      <input type="hidden" name="state" value="a&#x3D;&#x3D;"/>
      <input type="hidden" name="id_token" value="h.p.s"/></form></body></html>`,
    Keycloak: `<HTML><BODY Onload="document.forms[0].submit()">
      <FORM METHOD="POST" ACTION="http://localhost:3000/callback">
      <INPUT TYPE="HIDDEN" NAME="state" VALUE="a==" />
      <INPUT TYPE="HIDDEN" NAME="id_token" VALUE="h.p.s" />
      <NOSCRIPT><INPUT name="continue" TYPE="SUBMIT" VALUE="CONTINUE" /></NOSCRIPT>
      </FORM></BODY></HTML>`,
    minified: `<form method=post action=http://localhost:3000/callback><input type=hidden
      name=state value="a=="><input type=hidden name=id_token value=h.p.s></form>
      <script>document.forms[0].submit()</script>`,
  };
  for (const [provider, html] of Object.entries(pages)) {
    const form = readFormPost(html);
    assert.equal(form?.action, "http://localhost:3000/callback", provider);
    assert.deepEqual(
      [...form.fields],
      [
        ["state", "a=="],
        ["id_token", "h.p.s"],
      ],
      provider,
    );
  }
  const escaped = formPost("/a?b&amp;c").replace("1", "&quot;&#39;&amp;lt;");
  assert.equal(readFormPost(escaped)?.action, "/a?b&c");
  assert.equal(readFormPost(escaped)?.fields.get("state"), `"'&lt;`);
});

test("a form that waits for a click is left alone", () => {
  const html = formPost("/callback");
  for (const other of [
    html.replace(".submit()", ""),
    html.replace("state", "q"),
    html.replace("post", "get"),
    "<h1>Nobody is logged in</h1>",
  ]) {
    assert.equal(readFormPost(other), undefined);
  }
});

test("a form goes to the app or to where its page is from", async () => {
  const app = { baseURL: "https://app.example", now: Date.now };
  const sent: string[] = [];
  const browser = new Browser({
    ...app,
    beforeSending({ url }) {
      sent.push(url.href);
      throw new Error("far enough");
    },
  });
  const follow = (action: string) =>
    browser.follow(...got("https://idp.example/auth", formPost(action)));
  for (const action of [
    "https://app.example.evil.example/callback",
    "https://app.example@evil.example/callback",
    "//evil.example/callback",
    // Without https, anybody on the way could read it.
    "http://app.example/callback",
    "https://app.example:8443/callback",
    "javascript:alert(1)",
  ]) {
    await assert.rejects(follow(action), ForeignForm, action);
  }
  assert.deepEqual(sent, []);
  for (const action of ["https://app.example/callback", "/next", ""]) {
    await assert.rejects(follow(action), /far enough/);
  }
  assert.deepEqual(sent, [
    "https://app.example/callback",
    "https://idp.example/next",
    "https://idp.example/auth",
  ]);
});

test("what another site posts comes with the cookies that browsers send then", async (t) => {
  const asked: (string | undefined)[] = [];
  const server = createServer((req, res) => {
    asked.push(`${req.method} ${req.url} ${req.headers.cookie ?? ""}`);
    if (req.method === "POST") res.writeHead(303, { location: "/home" });
    res.end();
  }).listen(0, "localhost");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const baseURL = `http://localhost:${port}`;
  const cookies = [
    "appSession=1; Path=/; HttpOnly; SameSite=Lax",
    "auth_verification=2; Path=/; HttpOnly; Secure; SameSite=None",
    "_auth_verification=3; Path=/; HttpOnly",
  ];
  for (const [page, sent] of [
    ["http://127.0.0.1/auth", "auth_verification=2; _auth_verification=3"],
    [
      "http://localhost/auth",
      "appSession=1; auth_verification=2; _auth_verification=3",
    ],
  ] as const) {
    asked.length = 0;
    const browser = new Browser({ baseURL, now: Date.now });
    await browser.store(...got(baseURL, "", cookies));
    await browser.follow(...got(page, formPost(`${baseURL}/callback`)));
    assert.deepEqual(asked, [
      `POST /callback ${sent}`,
      "GET /home appSession=1; auth_verification=2; _auth_verification=3",
    ]);
  }
});

test("over http from another machine, the cookies remain that browsers take", async () => {
  const browser = new Browser({ baseURL: "http://app.example", now: Date.now });
  await browser.store(
    ...got("http://app.example/login", "", [
      "auth_verification=2; Path=/; HttpOnly; Secure; SameSite=None",
      "_auth_verification=3; Path=/; HttpOnly",
      "other=4; Path=/; Domain=other.example",
    ]),
  );
  const { headers } = await browser.compose("navigate", "GET", "/");
  assert.equal(headers.cookie, "_auth_verification=3");
});

test("what is hidden in a page is in no message", async () => {
  const browser = new Browser({ baseURL: "http://app.example", now: Date.now });
  const html = `<form><input type="hidden" name="a" value="secret">no button</form>`;
  const [request, answer] = got("http://app.example/", html);
  const failed = { ...answer, status: 500 };
  for (const failing of [
    browser.follow(request, failed),
    browser.confirmLogout(html, request.url),
  ]) {
    await assert.rejects(failing, ({ message }) => {
      assert.match(message, /no button/);
      assert.doesNotMatch(message, /secret/);
      return true;
    });
  }
});
