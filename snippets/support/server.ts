import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { basename } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { ErrorRequestHandler, Express, RequestHandler } from "express";
import { unavailablePage } from "./page.ts";
import { startProvider } from "./provider.ts";
import { type Provider, readSettings, SettingsError } from "./settings.ts";
import { userOf } from "./user.ts";

interface Prepared {
  /** The app's own address. */
  baseURL: string;
  provider: Provider;
  /** What both slow routes do: they work for `UPDATE_MS`, then say who called. */
  record: RequestHandler;
  /** Lets the app answer, and prints its address and what to click. */
  serve: (app: Express) => void;
}

/**
 * Does what a snippet needs before it can make its app: reads the settings, takes the port, and
 * starts the local OpenID provider unless the environment names another one. Ends the process
 * with one line and exit code 1 when something in that is the user's to mend, and with exit
 * code 0, everything closed, on Ctrl-C or SIGTERM.
 * @param options.backChannelLogout whether the local provider tells the app when a user logs out
 */
export async function prepare({
  backChannelLogout = false,
} = {}): Promise<Prepared> {
  try {
    const settings = readSettings(process.env);
    const server = createServer();
    const answerWith = makeRequestsWait(server);
    const port = await takePort(server, settings.port);
    const baseURL = `http://localhost:${port}`;
    const local = settings.provider
      ? undefined
      : await startProvider({ ...settings, baseURL, backChannelLogout });
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => {
        local?.close();
        server.close(() => process.exit(0));
        server.closeAllConnections();
      });
    }
    return {
      baseURL,
      provider: settings.provider ?? (local as { provider: Provider }).provider,
      async record(req, res) {
        await setTimeout(settings.updateMs);
        res.json({ recordedBy: userOf(req) });
      },
      serve(app) {
        app.use(errorPage);
        answerWith(app);
        console.log(`${basename(process.argv[1] ?? "")}: ${baseURL}`);
        console.log(
          "Log in, click “Log out”, see who is logged in. Ctrl-C stops.",
        );
      },
    };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}

/** Listens on loopback only: these servers have no passwords. */
async function takePort(server: Server, port: number): Promise<number> {
  server.listen(port, "localhost");
  try {
    await once(server, "listening");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new SettingsError(
      code === "EADDRINUSE"
        ? `port ${port} is taken: stop what uses it, or set PORT to another`
        : `port ${port} can't be used (${code}): set PORT to another`,
    );
  }
  return (server.address() as AddressInfo).port;
}

/**
 * Makes the requests to a server wait until its app is there: it listens before that, since the app
 * has to know its port.
 * @returns what to call with the app
 */
function makeRequestsWait(server: Server): (app: Express) => void {
  let answerWith: (app: Express) => void = () => {};
  const app = new Promise<Express>((resolve) => {
    answerWith = resolve;
  });
  server.on("request", async (req, res) => (await app)(req, res));
  return answerWith;
}

/** Answers with the error in a word. A stack trace would be of no use to who sent the request. */
const errorPage: ErrorRequestHandler = (error, req, res, next) => {
  if (res.headersSent) return next(error);
  const status = error.status ?? 500;
  if (status >= 500) {
    const cause = error.cause?.code ?? error.cause?.message;
    console.error(
      `! ${req.method} ${req.path}: ${error.message}${cause ? ` (${cause})` : ""}`,
    );
  }
  // The answer that this one replaces may have led somewhere.
  res.removeHeader("Location");
  res.status(status).set(error.headers ?? {});
  // Who clicks a link gets a page, and a script gets what scripts read.
  if (status === 503 && req.accepts(["json", "html"]) === "html") {
    const { html, policy } = unavailablePage(req.path);
    res.set("Content-Security-Policy", policy).send(html);
  } else res.json({ error: error.message });
};
