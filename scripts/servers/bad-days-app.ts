// A small app with the drop-in, whose sessions, or what has ended of them, are in a Redis. It has a
// process of its own, so that a rejection that nobody handles, or an exit, is seen. `MODE` is store,
// update or cookies; `REDIS_URL` is where Redis is; `EXPRESS` names the package that is Express, for the library too.

import { once } from "node:events";
import { createServer } from "node:http";
import Module, { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { RedisStore } from "connect-redis";
import type { ErrorRequestHandler } from "express";
import { createClient } from "redis";
import { lastingLogout } from "../../snippets/drop-in/lasting-logout.ts";
import { startProvider } from "../../snippets/support/provider.ts";
import { whoami } from "../../snippets/support/user.ts";
import "./inside/announce-reading.ts";

const { MODE = "", REDIS_URL = "", EXPRESS = "express" } = process.env;

const loader = Module as unknown as {
  _resolveFilename(request: string, ...rest: unknown[]): string;
};
const realResolve = loader._resolveFilename;
loader._resolveFilename = function (request, ...rest) {
  const name = request === "express" ? EXPRESS : request;
  return realResolve.call(this, name, ...rest);
};
const require = createRequire(import.meta.url);
const express: typeof import("express") = require("express");
const {
  auth,
}: typeof import("express-openid-connect") = require("express-openid-connect");

const client = createClient({
  url: REDIS_URL,
  socket: { reconnectStrategy: () => 50 },
});
client.on("error", () => {});
client.on("ready", () => console.log("Redis is there"));
await client.connect();

const server = createServer().listen(0, "localhost");
await once(server, "listening");
const { port } = server.address() as AddressInfo;
const baseURL = `http://localhost:${port}`;
const { provider, close } = await startProvider({
  baseURL,
  idpMs: 0,
  claimBytes: 0,
  backChannelLogout: false,
});

const life = (ms: number) =>
  ({ expiration: { type: "PX", value: Math.ceil(ms) } }) as const;
const ended = {
  has: async (id: string) => (await client.exists(`ended:${id}`)) === 1,
  add: (id: string, lifeMs: number) =>
    client.set(`ended:${id}`, "", life(lifeMs)),
};
const update = (id: string, session: object, lifeMs: number) =>
  client.set(`sess:${id}`, JSON.stringify(session), {
    ...life(lifeMs),
    condition: "XX",
  });

const app = express();
app.use(
  lastingLogout(
    auth,
    {
      ...provider,
      baseURL,
      authRequired: false,
      idpLogout: true,
      authorizationParams: { response_type: "code" },
      ...(MODE !== "cookies" && {
        session: { store: new RedisStore({ client }) as never },
      }),
    },
    MODE === "cookies" ? { ended } : MODE === "update" ? { update } : {},
  ),
);

app.get("/whoami", whoami);
app.get("/", (_req, res) => {
  res.send("the page");
});
app.post("/update", express.json(), whoami);
app.post(
  "/change",
  express.json(),
  (req, _res, next) => {
    const { appSession } = req as unknown as { appSession: { count?: number } };
    appSession.count = (appSession.count ?? 0) + 1;
    next();
  },
  whoami,
);
app.post("/leave", express.json(), (_req, res) => res.oidc.logout());

// Some apps answer all errors in one way.
app.use(((error, req, res, next) => {
  if (req.get("always-500")) res.status(500).send("Sorry.");
  else next(error);
}) satisfies ErrorRequestHandler);

server.on("request", app);
process.once("SIGTERM", () => {
  close();
  client.destroy();
  server.close();
  server.closeAllConnections();
});
console.log(baseURL);
