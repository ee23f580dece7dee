import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { send } from "./http.ts";

/** Serves something until the test ends, and sends it a request with a body. */
async function sendTo(t: TestContext, app: RequestListener, forMs = 10_000) {
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as { port: number };
  const url = new URL(`http://127.0.0.1:${port}/update`);
  const request = { method: "POST", url, headers: {}, body: "hello" } as const;
  return send(request, Date.now() + forMs);
}

test("a body is held back until a route has said that it reads it", async (t) => {
  const inFlight = await sendTo(t, async (req, res) => {
    res.writeProcessing();
    res.end(await text(req));
  });
  await inFlight.received;
  assert.equal(inFlight.isEarly(), false);
  const { status, body } = await inFlight.finish();
  assert.deepEqual([status, body], [200, "hello"]);
});

test("a server that does not say so has not received it", async (t) => {
  const read: RequestListener = (req, res) => {
    // It is cut off before its end.
    text(req).then(
      (body) => res.end(body),
      () => {},
    );
  };
  const inFlight = await sendTo(t, read, 300);
  await inFlight.sent;
  const said =
    "it does not answer POST /update, nor say that it reads the body";
  await assert.rejects(inFlight.received, { message: said });
  await assert.rejects(inFlight.finish(), { message: said });
});

test("an answer without a look at the body is early", async (t) => {
  const inFlight = await sendTo(t, (_req, res) => res.end("no"));
  await inFlight.received;
  assert.equal(inFlight.isEarly(), true);
  assert.equal((await inFlight.finish()).body, "no");
});

test("who asks again for an answer does not wait any more", async (t) => {
  const timers = () =>
    process.getActiveResourcesInfo().filter((name) => name === "Timeout");
  const inFlight = await sendTo(t, (_req, res) => res.end("no"));
  await inFlight.finish();
  const before = timers().length;
  const again = inFlight.finish();
  assert.equal(timers().length, before);
  assert.equal((await again).body, "no");
});
