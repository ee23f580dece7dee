import assert from "node:assert/strict";
import { test } from "node:test";
import { BrowserJar } from "../client/cookie-jar.ts";
import { whyUncleared } from "./clearing.ts";

test("over http, a Secure cookie is not cleared, and that is why", async () => {
  const jar = new BrowserJar();
  const [https, http] = [
    "https://app.example/logout",
    "http://app.example/logout",
  ];
  await jar.take("sid=1; Path=/; Secure", new URL(https));
  const clearing = "sid=; Path=/; Max-Age=0";
  await jar.take(clearing, new URL(http));
  const [left] = await jar.kept(new URL(https));
  assert.ok(left, "it is still there");
  const why = (address: string) =>
    whyUncleared(
      left,
      [
        {
          request: { method: "GET", url: new URL(address), headers: {} },
          answer: {
            status: 302,
            headers: { "set-cookie": [clearing] },
            body: "",
          },
          at: 0,
        },
      ],
      ["sid"],
    );
  assert.deepEqual(why(http).reasons, ["over http, and it is Secure"]);
  // On this machine, browsers take it over http, too: it was not that.
  assert.deepEqual(why("http://localhost/logout").reasons, [
    "in a way that browsers do not take",
  ]);
  await jar.take(clearing, new URL(https));
  assert.deepEqual(await jar.kept(new URL(https)), []);
});
