import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { TestContext } from "node:test";
import { startProvider } from "../../snippets/support/provider.ts";

/**
 * Serves the app of Auth0's quickstart with our provider until the test ends. Its login goes through
 * a page that posts a form, as is the library's default.
 */
export async function serveQuickstart(t: TestContext): Promise<string> {
  const server = createServer().listen(0, "localhost");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const baseURL = `http://localhost:${port}`;
  const { provider, close } = await startProvider({
    baseURL,
    idpMs: 0,
    claimBytes: 0,
    backChannelLogout: false,
  });
  t.after(() => {
    close();
    server.close();
    server.closeAllConnections();
  });
  const { issuerBaseURL, clientID, secret } = provider;
  const config = {
    authRequired: false,
    idpLogout: true,
    secret,
    baseURL,
    clientID,
    issuerBaseURL,
  };
  const makeApp = createRequire(import.meta.url)("./quickstart.cjs");
  server.on("request", makeApp(config));
  return baseURL;
}
