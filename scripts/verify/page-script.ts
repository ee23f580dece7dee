import { setImmediate } from "node:timers/promises";
import { type Context, createContext, runInContext } from "node:vm";

/**
 * Runs the script of a snippet's page, clicks *log out*, and looks whether the page waits.
 * @param html the page, as somebody sees it who is logged in
 * @param route where a request is in flight: `/update`, which the button sends by itself, or
 * another one, which the page has sent before
 * @returns whether the page goes to `/logout` only once that request has been answered
 * @throws {Error} when it never goes there, does not send what the button has to send, or fails
 */
export async function pageWaitsFor(
  html: string,
  route: string,
): Promise<boolean> {
  const script = html.match(/<script[^>]*>(.*?)<\/script>/s)?.[1];
  if (!script) throw new Error("its page has no script");
  const page = createContext({});
  const PagePromise: PromiseConstructor = runInContext("Promise", page);
  const rejections: unknown[] = [];
  pages.set(PagePromise, rejections);
  const clicking = clickIn(page, PagePromise, script, route).catch((error) => {
    // What its own script rejects says more than what it has not done.
    throw rejections.length > 0 ? failure(rejections[0]) : error;
  });
  const waits = await clicking.finally(() => pages.delete(PagePromise));
  if (rejections.length > 0) throw failure(rejections[0]);
  return waits;
}

const failure = (reason: unknown) =>
  new Error(`its page's script fails: ${reason}`);

/** What the scripts of pages have rejected, with nobody to hear of it, by the Promise of each page. */
const pages = new Map<PromiseConstructor, unknown[]>();

process.on("unhandledRejection", (reason, promise) => {
  const owner = [...pages.keys()].find((Its) => promise instanceof Its);
  if (!owner) throw reason;
  pages.get(owner)?.push(reason);
});

async function clickIn(
  page: Context,
  PagePromise: PromiseConstructor,
  script: string,
  route: string,
): Promise<boolean> {
  const answers = new Map<string, () => void>();
  const visited: string[] = [];
  let click: (() => void) | undefined;
  Object.assign(page, {
    window: page,
    document: {
      querySelector: () => ({
        addEventListener: (_type: string, listener: () => void) => {
          click = listener;
        },
      }),
    },
    fetch: (path: string) =>
      new PagePromise<void>((resolve) => answers.set(path, resolve)),
    location: { assign: (path: string) => visited.push(path) },
  });
  runInContext(script, page);
  if (route !== "/update") page.fetch(route);
  click?.();
  await setImmediate();
  if (!answers.has("/update")) {
    throw new Error("its log out button does not send /update");
  }
  for (const [path, answer] of answers) if (path !== route) answer();
  await setImmediate();
  const waits = visited.length === 0;
  answers.get(route)?.();
  await setImmediate();
  if (visited[0] !== "/logout") {
    throw new Error("its log out button does not go to /logout");
  }
  return waits;
}
