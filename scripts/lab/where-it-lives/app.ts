import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import type {
  Express,
  NextFunction,
  Request,
  RequestHandler,
  Response,
} from "express";
import { startProvider } from "../../../snippets/support/provider.ts";
import "../../servers/inside/announce-reading.ts";
import type { Combination } from "./combinations.ts";
import type { LastingLogout } from "./forms.ts";
import { loadPackages } from "./packages.ts";
import { Ended, type Fallible, openStore } from "./stores.ts";

const require = createRequire(import.meta.url);

/** An app that accepts requests. */
export interface App {
  /** As its users see it, through the proxy if it has one. */
  baseURL: string;
  /** Where it is. */
  address: string;
  /** Where it is, too: as a second process would, it shares with the first what is stored. */
  secondAddress: string;
  /** Where users log out: at the first, by default. */
  logoutAddress: string;
  /** Where its provider is. */
  issuer: string;
  /** The name of the session's cookie. */
  cookieName: string;
  /** The store, or the list of what has ended, if it can be made to fail. */
  fallible: Fallible | undefined;
  /**
   * Whether the provider can tell the app of logouts. By default it can't: that would end sessions
   * which the drop-in has to end.
   */
  hasBackChannel: boolean;
  /** The streams that are open. */
  streams: Set<Response>;
  /** The errors that its error handler has got. */
  errors: Error[];
  stop(): Promise<void>;
}

type Session = Record<string, unknown> & { basket?: string[] };

/** Where nobody listens. */
const NOWHERE = "http://127.0.0.1:1";

/**
 * How long what can be made silent may take, in milliseconds. It is in this process, and answers in
 * the next turn of the event loop. Others can be as slow as the machine.
 */
const ANSWER_MS = { silent: 250, others: 10_000 };

/**
 * Starts an app twice, and an OpenID provider for it, in this process.
 * @param lastingLogout the drop-in; without it, the app has the library alone
 */
export async function startApp(
  combination: Combination,
  lastingLogout: LastingLogout | undefined,
  redisURL: string | undefined,
): Promise<App> {
  const { store: kind, session, proxied, compression } = combination;
  const packages = loadPackages(combination.express, combination.library);
  const { auth } = packages.library;
  const express = packages.express;

  const [server, second] = [await listen(), await listen()];
  const { address } = server;
  const baseURL = proxied ? address.replace("http:", "https:") : address;
  const local = await startProvider({
    baseURL,
    backChannelAddress: () => (running.hasBackChannel ? address : NOWHERE),
    idpMs: 0,
    claimBytes: combination.claimBytes ?? 0,
    backChannelLogout: !combination.plain,
  });

  const opened =
    kind === "cookies" ? undefined : await openStore(kind, auth, redisURL);
  const ended = new Ended(combination.endedLater ?? false);
  const { clientSecret, ...provider } = local.provider;
  const config = {
    ...provider,
    baseURL,
    authRequired: combination.authRequired ?? false,
    idpLogout: true,
    ...(combination.attemptSilentLogin && { attemptSilentLogin: true }),
    ...(combination.flow === "code" && {
      clientSecret,
      authorizationParams: { response_type: "code" },
    }),
    ...((session || opened) && {
      session: { ...session, ...(opened && { store: opened.store }) },
    }),
    ...(!combination.plain && {
      backchannelLogout: opened ? true : await backChannelStore(auth),
      afterCallback: greet,
    }),
  };
  const options = opened
    ? { ...(combination.atomic && { update: opened.update }) }
    : { ended };

  const fallible = opened ? opened.fallible : ended;
  const answerMs = fallible ? ANSWER_MS.silent : ANSWER_MS.others;
  const cookieName = session?.name ?? "appSession";
  const streams = new Set<Response>();
  const errors: Error[] = [];
  const compress: RequestHandler = require("compression")({ threshold: 0 });
  for (const { server: one } of [server, second]) {
    const app = express();
    // Errors are expected, and not worth a line each.
    app.set("env", "test");
    if (proxied) app.set("trust proxy", 1);
    if (compression === "above") app.use(compress);
    app.use(
      lastingLogout
        ? lastingLogout(auth, config, { ...options, answerMs })
        : auth(config as never),
    );
    if (compression === "below") app.use(compress);
    addRoutes(app, express.json(), cookieName, streams);
    app.use(errorHandler(combination, errors));
    one.on("request", app);
  }
  const running: App = {
    baseURL,
    address,
    secondAddress: second.address,
    logoutAddress: address,
    hasBackChannel: false,
    issuer: provider.issuerBaseURL,
    cookieName,
    fallible,
    streams,
    errors,
    async stop() {
      for (const { server: one } of [server, second]) {
        one.close();
        one.closeAllConnections();
      }
      local.close();
      await opened?.close?.();
    },
  };
  return running;
}

/** Listens on a free port. */
async function listen(): Promise<{ server: Server; address: string }> {
  const server = createServer().listen(0, "localhost");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { server, address: `http://localhost:${port}` };
}

/** Cookie sessions need a store for back-channel logout, too. */
const backChannelStore = async (auth: Parameters<typeof openStore>[1]) => ({
  store: (await openStore("memorystore", auth)).store,
});

/** What the app adds to a session when somebody has logged in. */
const greet = (_req: Request, _res: Response, session: Session) => ({
  ...session,
  greeting: "welcome",
});

function addRoutes(
  app: Express,
  json: RequestHandler,
  name: string,
  streams: Set<Response>,
): void {
  const sessionOf = (req: Request) =>
    (req as unknown as Record<string, Session>)[name] as Session;
  const userOf = (req: Request) => req.oidc.user?.sub ?? null;

  app.get("/", (req, res) => {
    res.type("html").send(`<p>${userOf(req)}</p>`);
  });
  app.get("/whoami", (req, res) => {
    res.json({ user: userOf(req) });
  });
  app.get("/session", (req, res) => {
    const { basket = [], greeting, access_token } = sessionOf(req);
    res.json({ basket, greeting, access_token });
  });
  app.post("/update", json, (req, res) => {
    res.json({ recordedBy: userOf(req) });
  });
  app.post("/basket", json, (req, res) => {
    const session = sessionOf(req);
    session.basket = [...(session.basket ?? []), req.body.item];
    res.json({ basket: session.basket });
  });
  // What refreshing a token does to a session: all tokens of it are new ones.
  app.post("/refresh", json, (req, res) => {
    const session = sessionOf(req);
    session.access_token = req.body.token;
    if (session.id_token) {
      const signature = randomBytes(64).toString("base64url");
      const parts = String(session.id_token).split(".");
      session.id_token = [parts[0], parts[1], signature].join(".");
    }
    res.json({});
  });
  app.post("/out", json, (_req, res) => {
    res.oidc.logout();
  });
  app.get("/stream", (_req, res) => {
    res.writeHead(200, { "content-type": "text/event-stream" });
    res.write("data: hello\n\n");
    // Where it compresses, it may wait for more.
    (res as { flush?: () => void }).flush?.();
    streams.add(res);
    res.once("close", () => streams.delete(res));
  });
  app.get("/head-written", (req, res) => {
    const length = "4";
    if (req.query.item) sessionOf(req).basket = [String(req.query.item)];
    if (req.query.form === "array") {
      const pairs = ["x-own", "yes", "set-cookie", "theme=dark; Path=/"];
      res.writeHead(200, ["content-length", length, ...pairs] as never);
    } else {
      const own = { "x-own": "yes", "set-cookie": "theme=dark; Path=/" };
      res.writeHead(200, "Fine", { "content-length": length, ...own });
    }
    res.end("done");
  });
  app.get("/throws", () => {
    // Express would show the stack, which differs.
    throw Object.assign(new Error("on purpose"), { stack: "" });
  });
  app.get("/not-modified", (_req, res) => {
    res.set("etag", '"1"').send("the same");
  });
}

/** Answers with the error, in one of the ways that apps do. */
function errorHandler({ errors }: Combination, seen: Error[]) {
  return (
    error: Error & { status?: number; headers?: Record<string, string> },
    _req: Request,
    res: Response,
    next: NextFunction,
  ) => {
    seen.push(error);
    if (errors === "express" || res.headersSent) return next(error);
    const status = errors === "500" ? 500 : (error.status ?? 500);
    res.status(status).set(error.headers ?? {});
    res.json({ error: error.message });
  };
}
