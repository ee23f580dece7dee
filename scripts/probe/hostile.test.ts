import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, test } from "node:test";
import { type Make, withSession } from "./apps.ts";
import { runHere, serve, skip } from "./run-here.ts";

// Servers that nobody can trust. Whatever they do, the probe ends soon, with exit code 2 and one
// line, shows nothing that they sent, and goes nowhere else.

/** What no line may have in it. */
const SECRET = "s3cr3t";

/** What a server does; `other` is another one, which has to be left alone. */
type Answer = (
  req: IncomingMessage,
  res: ServerResponse,
  other: string,
) => unknown;

/** Answers with these bytes, and hangs up. */
const raw =
  (bytes: string | Buffer): Answer =>
  ({ socket }) =>
    socket.end(bytes);

/** Goes on saying something. */
const again =
  (say: (res: ServerResponse) => unknown): Answer =>
  (_, res) => {
    const timer = setInterval(() => say(res), 20);
    res.once("close", () => clearInterval(timer));
  };

const to =
  (makeLocation: (other: string) => string): Answer =>
  (_req, res, other) =>
    res.writeHead(302, { location: makeLocation(other) }).end();

const html =
  (makePage: (other: string) => string): Answer =>
  (_req, res, other) =>
    res.writeHead(200, { "content-type": "text/html" }).end(makePage(other));

/** A form that somebody may send, with something hidden in it. */
const form = (action: string, after = ""): string =>
  `<form method="post" action="${action}">
  <input type="hidden" name="a" value="${SECRET}"><button>alice</button></form>${after}`;

const SENDS = "<script>document.forms[0].submit()</script>";

const ANSWERS: Record<string, Answer> = {
  "never answers": () => {},
  "hangs up": ({ socket }) => socket.destroy(),
  "hangs up in its body": raw(
    `HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n${SECRET}`,
  ),
  "sends a body without an end": again((res) =>
    res.write(SECRET.repeat(10_000)),
  ),
  "sends a byte now and then": again((res) => res.write("x")),
  "answers with early hints without an end": again(({ socket }) =>
    socket?.write("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"),
  ),
  "sends an event stream for a page": (_, res) =>
    res
      .writeHead(200, { "content-type": "text/event-stream" })
      .write("data: 1\n\n"),
  "sends a large header": (_, res) =>
    res.writeHead(200, { x: SECRET.repeat(100_000) }).end(),
  "sets a thousand cookies": (req, res) => {
    const page = Number(req.url?.match(/\d+/) ?? 0);
    const numbers = Array.from({ length: 100 }, (_, at) => page * 100 + at);
    const cookies = numbers.map((number) => `c${number}=${SECRET}`);
    const location = `/${page + 1}`;
    res.writeHead(302, { "set-cookie": cookies, location }).end();
  },
  "sets a cookie with control characters": raw(
    `HTTP/1.1 200 OK\r\nset-cookie: \x1b[31mred=${SECRET}; Path=/\x1b[2J\r\ncontent-length: 2\r\n\r\nhi`,
  ),
  "redirects in a circle": to(() => `/?token=${SECRET}`),
  "redirects to another host": to((other) => `${other}/?token=${SECRET}`),
  "redirects to another scheme": to(() => `file:///etc/${SECRET}`),
  "redirects to no address": to(() => `http://[${SECRET}`),
  "redirects to a name and a password": to((other) =>
    other.replace("//", `//user:${SECRET}@`),
  ),
  "has a form for another host": html((other) =>
    form(`${other}/?token=${SECRET}`),
  ),
  "has a form for another host that a script sends": html((other) =>
    form(other, SENDS),
  ),
  "has a form for no address": html(() => form(`http://[${SECRET}`)),
  "has a form for itself, without an end": html(() => form("/", SENDS)),
  "has a picture and a frame of another host": html(
    (other) => `<img src="${other}/a"><iframe src="${other}/b"></iframe>`,
  ),
  "has a script without an end": html(() => "<script>for (;;);</script>"),
  "asks without an end": html(
    () => "<script>for (;;) alert('s3cr3t')</script>",
  ),
  "has a hundred thousand tags": html(() => "<form ".repeat(100_000)),
  "has a page of digits": html(() => "1".repeat(1_500_000)),
  "answers with 500": (_, res) => res.writeHead(500).end(SECRET),
  "answers with 429": (_, res) =>
    res.writeHead(429, { "retry-after": `60 ${SECRET}` }).end(),
  "wants another protocol": raw(
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
  ),
  "says that it is compressed, and is not": (_, res) =>
    res.writeHead(200, { "content-encoding": "gzip" }).end(SECRET),
  "speaks TLS": raw(Buffer.from([0x15, 3, 1, 0, 2, 2, 70])),
};

describe("a server", { concurrency: 8, skip }, () => {
  for (const [name, answer] of Object.entries(ANSWERS)) {
    test(`that ${name}`, async () => {
      const { code, stderr } = await probe((other) => (req, res) => {
        answer(req, res, other);
      });
      assert.equal(code, 2);
      assert.match(stderr, /^probe: [^\n]+\n$/);
    });

    // One that is as it should be, up to the logout.
    test(`whose logout ${name}`, async () => {
      const { code } = await probe((other) =>
        withSession({
          writesBack: true,
          above: (req, res, next) =>
            req.path === "/logout" || /^\/(\d+|\?|s3)/.test(req.url)
              ? answer(req, res, other)
              : next(),
        })(""),
      );
      assert.ok([1, 2].includes(code), `${code}`);
    });
  }
});

/** Runs the probe, which has to end soon, to show nothing, and to leave another host alone. */
async function probe(makeFor: (other: string) => ReturnType<Make>) {
  const other = await serve(() => (_, res) => res.end(SECRET), "127.0.0.1");
  const { url } = await serve(() => makeFor(other.url), "127.0.0.1");
  const words = ["--post", "/update", "--as", "alice", "--timeout", "1"];
  const found = await runHere(url, words);
  const told = found.stdout + found.stderr;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there
  assert.doesNotMatch(told, /s3cr3t|[\x00-\x09\x0b-\x1f]/);
  assert.equal(other.seen.length, 0);
  return found;
}
