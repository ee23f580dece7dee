// Before all that keeps a `Date` of its own.
import "./clock.ts";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type {
  ErrorRequestHandler,
  Express,
  RequestHandler,
  Router,
} from "express";
import type { ConfigParams } from "express-openid-connect";
import {
  type LastingLogoutOptions,
  lastingLogout,
} from "../../snippets/drop-in/lasting-logout.ts";
import { startProvider } from "../../snippets/support/provider.ts";
import { userOf } from "../../snippets/support/user.ts";
import "./announce-reading.ts";
import type { App } from "./browser.ts";
import { loadPackages } from "./packages.ts";
import { Memory, type Style } from "./store.ts";

// Small apps that are made from options, in this process, all with one local provider.

/** The three ways to use the drop-in. */
export const KINDS = ["store", "store and update", "cookies"] as const;
export type Kind = (typeof KINDS)[number];

type Wrap = typeof lastingLogout;

/** What an app is to be like; all of it has a default. */
export interface AppOptions {
  kind?: Kind;
  /** What `auth` gets besides the provider and the store. */
  config?: Partial<ConfigParams>;
  /** What the drop-in gets besides `ended` or `update`. */
  options?: LastingLogoutOptions;
  express?: 4 | 5;
  /** A version of the library that the laboratory has; by default, the installed one. */
  library?: string | undefined;
  /** What is in the place of the drop-in. */
  wrap?: Wrap;
  style?: Style;
  /** What another app, as another process of the same one, remembers, too. */
  memory?: Memory;
  /** Where in the app it is put. */
  path?: string;
  /** What comes before it, and what after. */
  above?: (app: Express, express: typeof import("express")) => unknown;
  routes?: (app: Express) => unknown;
  /** By default, errors are answered with their status, and what they say. */
  onError?: ErrorRequestHandler;
  /** The size of a claim that makes ID tokens large, in bytes. */
  claimBytes?: number;
}

/** An app that accepts requests. */
export interface MadeApp extends App {
  kind: Kind;
  /** The address of its provider. */
  issuer: string;
  memory: Memory;
  /** What the app's error handler got. */
  errors: (Error & { status?: number; statusCode?: number })[];
}

/** `auth(config)`, as without the drop-in. */
export const plain: Wrap = (auth, config) => auth(config);

/** The last app that has a back channel. The provider calls it, and else nobody. */
let called = "http://127.0.0.1:1";
const providers = new Map<number, ReturnType<typeof startProvider>>();

/** Starts the provider of all apps whose ID tokens are as large as that. */
function localProvider(claimBytes = 0) {
  const found = providers.get(claimBytes);
  if (found) return found;
  const made = startProvider({
    ...{ baseURL: "http://localhost", idpMs: 0, claimBytes },
    ...{ backChannelLogout: true, backChannelAddress: () => called },
  });
  providers.set(claimBytes, made);
  return made;
}

/** Starts an app, on a free port. It ends with the process. */
export async function startApp(chosen: AppOptions = {}): Promise<MadeApp> {
  const { kind = "store", style = "callback", path = "/" } = chosen;
  const { config = {}, wrap = lastingLogout, memory = new Memory() } = chosen;
  const { library, express } = loadPackages(
    chosen.express ?? 5,
    chosen.library,
  );
  const { provider } = await localProvider(chosen.claimBytes);
  const app = express();
  // Express would print errors.
  app.set("env", "test");
  const server = createServer(app).listen(0, "localhost");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const baseURL = `http://localhost:${port}`;
  if (config.backchannelLogout) called = baseURL;

  const store = kind === "cookies" ? {} : { store: memory.asStore(style) };
  const remembering = {
    store: {},
    "store and update": { update: memory.update },
    cookies: { ended: memory.ended },
  }[kind];
  const errors: MadeApp["errors"] = [];
  chosen.above?.(app, express);
  const router = wrap(
    library.auth,
    {
      ...provider,
      baseURL: new URL(path, baseURL).href.replace(/\/$/, ""),
      authRequired: false,
      idpLogout: true,
      authorizationParams: { response_type: "code" },
      ...config,
      session: { ...store, ...config.session },
    } as ConfigParams,
    // This process may be late itself.
    { ...remembering, answerMs: 20_000, ...chosen.options },
  );
  app.use(path, router);
  chosen.routes?.(app);
  const name = config.session?.name ?? "appSession";
  addRoutes(app, router as Router, express.json(), path, name);
  const { onError = tell } = chosen;
  const keep: ErrorRequestHandler = (error, req, res, next) => {
    errors.push(error);
    if (res.headersSent) next(error);
    else onError(error, req, res, next);
  };
  app.use(keep);
  const issuer = provider.issuerBaseURL;
  return { kind, baseURL, issuer, memory, errors };
}

const tell: ErrorRequestHandler = (error, _req, res, _next) => {
  res.status(error.status ?? 500).json({ error: error.message });
};

/** The routes of a shop: what is in the session belongs to whoever put it there. */
function addRoutes(
  app: Express,
  router: Router,
  json: RequestHandler,
  path: string,
  name: string,
): void {
  const sessionOf = (req: object) =>
    (req as { [name: string]: Record<string, unknown> })[name] ?? {};
  app.get(path, (req, res) => {
    res.send(`<p>${userOf(req) ?? "Nobody"} is logged in</p>`);
  });
  app.get("/whoami", (req, res) => {
    res.json({ user: userOf(req) });
  });
  app.post("/update", json, (req, res) => {
    res.json({ recordedBy: userOf(req) });
  });
  // What is sent becomes part of the session: a basket, or tokens that have been refreshed.
  app.post("/change", json, (req, res) => {
    Object.assign(sessionOf(req), req.body);
    res.json({ recordedBy: userOf(req) });
  });
  // What comes back from the library is a router, with routes of the app's own on it.
  router.get("/session", (req, res) => {
    const { basket = null, greeting, token } = sessionOf(req);
    res.json({ basket, greeting, token });
  });
  app.post("/forget", json, (req, res) => {
    delete sessionOf(req).id_token;
    res.json({});
  });
  app.post("/out", json, (_req, res) => res.oidc.logout());
}
