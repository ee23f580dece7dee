import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
} from "node:http";
import { Readable, Writable } from "node:stream";
import type { TestContext } from "node:test";
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from "express";
import { runProbe } from "./run-probe.ts";

/** A request that a small app got. */
export type Seen = Pick<IncomingMessage, "method" | "url" | "headers">;

/** Serves an app on loopback until the test ends, and remembers what it is asked. */
export const serve = (t: TestContext, app: RequestListener) =>
  serveMade(t, "127.0.0.1", () => app);

/**
 * The same, for an app that has to know its own address.
 * @param host where it is
 * @param make makes it, from its address
 */
export async function serveMade(
  t: TestContext,
  host: string,
  make: (address: string) => RequestListener | Promise<RequestListener>,
): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer().listen(0, host);
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as { port: number };
  const url = `http://${host}:${port}`;
  const app = await make(url);
  server.on("request", (req, res) => {
    seen.push({ method: req.method, url: req.url, headers: req.headers });
    app(req, res);
  });
  return { url, seen };
}

export interface AppOptions {
  /** Stands above everything, and gets each request first. */
  above?: RequestHandler;
  /** Whether it reads bodies before it loads sessions, as many apps do. */
  isBodyFirst?: boolean;
  /** Whether a request writes its session back, whatever became of that meanwhile. */
  writesBack?: boolean;
  /** What `/update` does, for whom. */
  update?: (user: string | undefined, res: Response) => void;
  /** Where a logout leads. */
  afterLogout?: string;
}

export type Update = NonNullable<AppOptions["update"]>;

/** Makes a small app with sessions in memory, and one thing about it that a test is about. */
export function smallApp({
  above = (_req, _res, next) => next(),
  isBodyFirst = false,
  writesBack = true,
  update = (user, res) => res.json({ recordedBy: user ?? null }),
  afterLogout = "/",
}: AppOptions): Express {
  const app = express();
  app.use(above);
  const sessions = new Map<string, string>();
  const sidOf = (req: Request) => req.headers.cookie?.match(/sid=(\w+)/)?.[1];
  const loadSession: RequestHandler = (req, res, next) => {
    const sid = sidOf(req);
    const user = sid && sessions.get(sid);
    res.locals.user = user;
    res.once("finish", () => {
      const isRoute = req.path !== "/logout" && writesBack;
      if (sid && user && isRoute) sessions.set(sid, user);
    });
    next();
  };
  app.use(isBodyFirst ? [express.json(), loadSession] : loadSession);
  app.get("/", (_, res) => {
    res.set("Cache-Control", "no-store");
    res.send(`<p>${res.locals.user ?? "nobody"} is here</p>`);
  });
  app.get("/login", (_, res) => {
    const form = (user: string) =>
      `<form method="post" action="/login/${user}"><button>${user}</button></form>`;
    res.send(form("alice") + form("bob"));
  });
  app.post("/login/:user", (req, res) => {
    const sid = randomBytes(8).toString("hex");
    sessions.set(sid, req.params.user as string);
    res.cookie("theme", "dark").cookie("sid", sid).redirect("/");
  });
  app.all("/logout", (req, res) => {
    sessions.delete(sidOf(req) ?? "");
    res.clearCookie("sid").redirect(afterLogout);
  });
  app.all("/update", express.json(), (_, res) => {
    update(res.locals.user, res);
  });
  app.use(((error, _req, res, _next) => {
    res.status(error.status ?? 500).send("no");
  }) as ErrorRequestHandler);
  return app;
}

/** Points the probe at an app that runs, in this process. */
export async function runHere(url: string, words: string[], input = "") {
  const texts = { stdout: "", stderr: "" };
  const collect = (name: keyof typeof texts) =>
    new Writable({
      write(text, _, done) {
        texts[name] += text;
        done();
      },
    });
  const streams = {
    stdin: Readable.from([input]),
    stdout: collect("stdout"),
    stderr: collect("stderr"),
  };
  const never = new AbortController().signal;
  const code = await runProbe([url, ...words], streams, never);
  assert.doesNotMatch(texts.stderr, /\n {4}at /, "no stack trace");
  for (const line of texts.stdout.split("\n")) {
    assert.ok(line.length <= 80 || words.includes("--json"), line);
  }
  return { code, ...texts };
}
