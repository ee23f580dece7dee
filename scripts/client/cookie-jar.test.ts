import assert from "node:assert/strict";
import { test } from "node:test";
import { BrowserJar, TooMuch } from "./cookie-jar.ts";

const LOCAL = new URL("http://localhost:3000/");
const GONE = "Expires=Thu, 01 Jan 1970 00:00:00 GMT";

/** The names of the cookies that are left when a browser has taken these, one after the other. */
async function left(headers: string[], url = LOCAL): Promise<string[]> {
  const jar = new BrowserJar();
  for (const header of headers) await jar.take(header, url);
  return (await jar.for(url)).map(({ key }) => key);
}

test("a cookie is cleared by one of its own kind only", async () => {
  const secure = "Path=/; Secure; SameSite=None";
  for (const [set, cleared, isLeft] of [
    ["Path=/", "Path=/", false],
    ["Path=/; Domain=localhost", "Path=/", true],
    ["Path=/; Domain=localhost", "Path=/; Domain=localhost", false],
    ["Path=/", "Path=/app", true],
    [`${secure}; Partitioned`, secure, true],
    [`${secure}; Partitioned`, `${secure}; partitioned`, false],
  ] as const) {
    const names = await left([`user=a; ${set}`, `user=; ${cleared}; ${GONE}`]);
    assert.deepEqual(names, isLeft ? ["user"] : [], `${set} by ${cleared}`);
  }
});

test("what no browser takes is left out", async () => {
  for (const header of [
    "ab=1; Domain=.example.com",
    "__Host-user=a; Path=/",
    "user=a; Partitioned",
    `user=${"x".repeat(5000)}`,
  ]) {
    assert.deepEqual(await left([header]), [], header.slice(0, 40));
  }
});

test("what https has set can't be cleared over http", async () => {
  const jar = new BrowserJar();
  const [https, http] = ["https", "http"].map(
    (scheme) => new URL(`${scheme}://app.example/`),
  ) as [URL, URL];
  await jar.take("user=a; Path=/; Secure", https);
  assert.equal(await jar.take(`user=; Path=/; ${GONE}`, http), false);
  assert.equal((await jar.for(https)).length, 1);
});

test("all that is there for a host is known, of whatever path", async () => {
  const jar = new BrowserJar();
  await jar.take("user=a; Path=/app; HttpOnly", LOCAL);
  const [kept] = await jar.kept(LOCAL);
  assert.equal(kept?.path, "/app");
  const other = new BrowserJar();
  await other.adopt(jar, LOCAL);
  await jar.forget("user", LOCAL);
  assert.deepEqual(await jar.kept(LOCAL), []);
  assert.equal((await other.kept(LOCAL)).length, 1);
  await other.clear(LOCAL);
  assert.deepEqual(await other.kept(LOCAL), []);
});

test("no more are kept than browsers keep", async () => {
  const many = Array.from({ length: 1000 }, (_, index) => `a${index}=1`);
  await assert.rejects(left(many), TooMuch);
});
