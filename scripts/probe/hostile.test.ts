import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Socket } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { runHere, serve, smallApp } from "./small-app.ts";

// Servers that nobody can trust. Whatever they do, the probe ends soon, with exit code 2 and one
// line, shows nothing that they sent, and goes nowhere else.

/** What no line may have in it. */
const SECRET = "s3cr3t";

/** How long a request may take. The probe gives up soon after the first that takes longer. */
const SECONDS = 1;

type Answer = (
  req: IncomingMessage,
  res: ServerResponse,
  other: string,
) => void;

/** What a server does that speaks HTTP. */
const ANSWERS: Record<string, Answer> = {
  "never answers": () => {},
  "hangs up": (req) => void req.socket.destroy(),
  "hangs up in its headers": (req) =>
    void req.socket.end(`HTTP/1.1 200 OK\r\nx: ${SECRET}`),
  "hangs up in its body": (req) =>
    void req.socket.end(
      `HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n${SECRET}`,
    ),
  "sends a body without an end": (_req, res) => {
    const more = () => {
      while (res.writable && res.write(SECRET.repeat(10_000)));
      res.once("drain", more);
    };
    more();
  },
  "says that its body is a terabyte": (_req, res) =>
    void res.writeHead(200, { "content-length": 1e12 }).write(SECRET),
  "sends a byte now and then": (_req, res) => {
    const timer = setInterval(() => res.write("x"), 50);
    res.once("close", () => clearInterval(timer));
  },
  "sends its headers, and no body": (_req, res) =>
    void res.writeHead(200).flushHeaders(),
  "sends an event stream for a page": (_req, res) =>
    void res
      .writeHead(200, { "content-type": "text/event-stream" })
      .write("data: 1\n\n"),
  "sends a large header": (_req, res) =>
    void res.writeHead(200, { x: SECRET.repeat(10_000) }).end(),
  "sends a thousand headers": (_req, res) => {
    for (let at = 0; at < 1000; at++) res.setHeader(`x-${at}`, SECRET);
    res.end();
  },
  "sets a thousand cookies": (req, res) => {
    const page = Number(req.url?.match(/\d+/) ?? 0);
    const cookies = Array.from(
      { length: 100 },
      (_, at) => `c${page * 100 + at}=${SECRET}`,
    );
    res
      .writeHead(302, { "set-cookie": cookies, location: `/${page + 1}` })
      .end();
  },
  "sets large cookies": (_req, res) => {
    res.setHeader("set-cookie", [
      `a=${SECRET.repeat(600)}`,
      `b=${SECRET.repeat(900)}`,
    ]);
    res.end("<p>hello</p>");
  },
  "sets a cookie with control characters": (req) =>
    void req.socket.end(
      `HTTP/1.1 200 OK\r\nset-cookie: \x1b[31mred=${SECRET}\r\ncontent-length: 2\r\n\r\nhi`,
    ),
  "redirects in a circle": (_req, res) =>
    void res.writeHead(302, { location: `/?token=${SECRET}` }).end(),
  "redirects without an end": (req, res) =>
    void res.writeHead(302, { location: `${req.url}/${SECRET}` }).end(),
  "redirects to another host": (_req, res, other) =>
    void res.writeHead(302, { location: `${other}/?token=${SECRET}` }).end(),
  "redirects to another scheme": (_req, res) =>
    void res.writeHead(302, { location: `file:///etc/${SECRET}` }).end(),
  "redirects to javascript": (_req, res) =>
    void res
      .writeHead(302, { location: `javascript:alert('${SECRET}')` })
      .end(),
  "redirects to no address": (_req, res) =>
    void res.writeHead(302, { location: `http://[${SECRET}` }).end(),
  "redirects to a name and a password": (_req, res, other) => {
    const location = other.replace("//", `//user:${SECRET}@`);
    res.writeHead(302, { location }).end();
  },
  "redirects twice at once": (req, _res) =>
    void req.socket.end(
      `HTTP/1.1 302 Found\r\nlocation: /a\r\nlocation: /${SECRET}\r\ncontent-length: 0\r\n\r\n`,
    ),
  "has a form for another host": (_req, res, other) =>
    void res.end(
      `<form method="post" action="${other}/?token=${SECRET}"><button>alice</button></form>`,
    ),
  "has a form for another host that a script sends": (_req, res, other) =>
    void res.end(
      `<form method="post" action="${other}"><input type="hidden" name="state" value="${SECRET}">
      </form><script>document.forms[0].submit()</script>`,
    ),
  "has a form for no address": (_req, res) =>
    void res.end(
      `<form method="post" action="http://[${SECRET}"><button>alice</button></form>`,
    ),
  "has a form for itself, without an end": (_req, res) =>
    void res.end(
      `<form method="post" action="/"><input type="hidden" name="state" value="${SECRET}">
      </form><script>document.forms[0].submit()</script>`,
    ),
  "has a million tags": (_req, res) => void res.end("<form ".repeat(300_000)),
  "has a page of digits": (_req, res) => void res.end("1".repeat(1_500_000)),
  "has a page that is slow to read": (_req, res) =>
    void res.end(`<script${" ".repeat(1_000_000)}`),
  "answers with 500": (_req, res) => void res.writeHead(500).end(SECRET),
  "answers with 429": (_req, res) =>
    void res.writeHead(429, { "retry-after": `60 ${SECRET}` }).end(),
  "answers with 401 and a question": (_req, res) =>
    void res
      .writeHead(401, { "www-authenticate": `Basic realm="${SECRET}"` })
      .end(),
  "answers with nothing": (_req, res) => void res.writeHead(204).end(),
  "answers with a status of its own": (req) =>
    void req.socket.end("HTTP/1.1 999 Hm\r\ncontent-length: 0\r\n\r\n"),
  "answers with early hints without an end": (req) => {
    const hint = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
    const timer = setInterval(() => req.socket.write(hint), 20);
    req.socket.once("close", () => clearInterval(timer));
  },
  "answers before it is asked again": (req) =>
    void req.socket.write(
      "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".repeat(50),
    ),
  "wants another protocol": (req) =>
    void req.socket.end(
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    ),
  "has two lengths": (req) =>
    void req.socket.end(
      `HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 5\r\n\r\n${SECRET}`,
    ),
  "has a chunk of no size": (req) =>
    void req.socket.end(
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${SECRET}\r\n`,
    ),
  "says that it is compressed, and is not": (_req, res) =>
    void res.writeHead(200, { "content-encoding": "gzip" }).end(SECRET),
};

/** What a server does that does not. */
const TALKS: Record<string, (socket: Socket) => void> = {
  "speaks TLS": (socket) =>
    void socket.end(Buffer.from([0x15, 3, 1, 0, 2, 2, 70])),
  "speaks SMTP": (socket) => void socket.write(`220 ${SECRET} ESMTP\r\n`),
  "sends what is no text": (socket) =>
    void socket.write(Buffer.alloc(1000, 255)),
  "sends line breaks": (socket) => void socket.write("\r\n".repeat(100_000)),
};

describe("a server", { concurrency: 8 }, () => {
  for (const [name, answer] of Object.entries(ANSWERS)) {
    test(`that ${name}`, async (t) => {
      const other = await serve(t, (_, res) => res.end(SECRET));
      const { url } = await serve(t, (req, res) => answer(req, res, other.url));
      await isRefused(url);
      assert.deepEqual(other.seen, []);
    });

    // One that is as it should be, up to the logout.
    test(`whose logout ${name}`, async (t) => {
      const other = await serve(t, (_, res) => res.end(SECRET));
      const app = smallApp({
        above: (req, res, next) =>
          req.path === "/logout" || /^\/(\d+|\?|s3)/.test(req.url)
            ? answer(req, res, other.url)
            : next(),
      });
      const { url } = await serve(t, app);
      await isBounded(url);
      assert.deepEqual(other.seen, []);
    });
  }

  for (const [name, talk] of Object.entries(TALKS)) {
    test(`that ${name}`, async (t) => {
      await isRefused(await listen(t, talk));
    });
  }
});

async function listen(t: TestContext, talk: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    socket.once("data", () => talk(socket));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = server.address() as { port: number };
  return `http://127.0.0.1:${port}`;
}

const WORDS = ["--post", "/update", "--as", "alice", "--timeout", `${SECONDS}`];

/** Runs the probe, which has to end soon, and to show nothing. */
async function isBounded(url: string) {
  const begin = Date.now();
  const { code, stdout, stderr } = await runHere(url, WORDS);
  assert.ok(Date.now() - begin < 12 * SECONDS * 1000 + 5000, "it ends soon");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there
  assert.doesNotMatch(stdout + stderr, /s3cr3t|[\x00-\x09\x0b-\x1f]/);
  assert.ok([1, 2].includes(code), `${code}`);
  return { code, stdout, stderr };
}

async function isRefused(url: string) {
  const { code, stderr } = await isBounded(url);
  assert.equal(code, 2);
  assert.match(stderr, /^probe: [^\n]+\n$/);
  assert.doesNotMatch(stderr, /can't go on/);
}
