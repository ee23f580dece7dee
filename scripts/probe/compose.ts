import type { Browser } from "../client/browser.ts";
import type { Outgoing } from "../client/http.ts";
import type { Target } from "./target.ts";
import { readTokens } from "./tokens.ts";

/**
 * Makes a request to the route, as a page of the app does.
 * @param isStranger whether nobody is logged in: then a token may be missing
 */
export async function composeRoute(
  browser: Browser,
  target: Target,
  isStranger = false,
): Promise<Outgoing> {
  const { route, body, headers } = target;
  const withTokens = await readTokens(
    browser,
    target,
    [body, headers],
    isStranger,
  );
  const request = await browser.compose("cors", route.method, route.path);
  return asScript(request, target, withTokens(body), withTokens(headers));
}

/** Makes the request of a logout: as a link or a form does, or else as a script does. */
export async function composeLogout(
  browser: Browser,
  target: Target,
): Promise<Outgoing> {
  const { app, logout, headers, logoutBody, logoutHeaders, isFetched } = target;
  const withTokens = await readTokens(browser, target, [
    logoutBody,
    logoutHeaders,
    headers,
  ]);
  const all = {
    // What a route wants of all that write, such as a token, a logout may want, too.
    ...(logout.method !== "GET" && withTokens(headers)),
    ...withTokens(logoutHeaders ?? {}),
  };
  const mode = isFetched ? "cors" : "navigate";
  const request = await browser.compose(mode, logout.method, logout.path);
  if (isFetched) return asScript(request, target, withTokens(logoutBody), all);
  if (logout.method === "GET") return withHeaders(request, all);
  const { origin } = new URL(app.baseURL);
  return withHeaders(withBody(request, withTokens(logoutBody)), {
    origin,
    ...all,
  });
}

const asScript = (
  request: Outgoing,
  { app }: Target,
  body: string | undefined,
  headers: Record<string, string>,
): Outgoing =>
  withHeaders(withBody(request, body), {
    accept: "*/*",
    "sec-fetch-site": "same-origin",
    "sec-fetch-dest": "empty",
    ...(request.method !== "GET" && { origin: new URL(app.baseURL).origin }),
    ...headers,
  });

const withHeaders = (
  request: Outgoing,
  headers: Record<string, string>,
): Outgoing => ({ ...request, headers: { ...request.headers, ...headers } });

function withBody(request: Outgoing, body: string | undefined): Outgoing {
  if (body === undefined) return request;
  const isJson = /^\s*[[{"]/.test(body);
  const type = isJson
    ? "application/json"
    : "application/x-www-form-urlencoded";
  return withHeaders(
    { ...request, body },
    {
      "content-type": type,
      "content-length": String(Buffer.byteLength(body)),
    },
  );
}
