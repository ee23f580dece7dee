import { setImmediate } from "node:timers/promises";
import { createContext, runInContext } from "node:vm";

/**
 * Runs the script of a snippet's page, clicks *log out*, and looks whether the page waits.
 * @param html the page, as somebody sees it who is logged in
 * @param route where a request is in flight: `/update`, which the button sends by itself, or
 * another one, which the page has sent before
 * @returns whether the page goes to `/logout` only once that request has been answered
 * @throws {Error} when it never goes there, or does not send what the button has to send
 */
export async function pageWaitsFor(
  html: string,
  route: string,
): Promise<boolean> {
  const script = html.match(/<script[^>]*>(.*?)<\/script>/s)?.[1];
  if (!script) throw new Error("its page has no script");
  const answers = new Map<string, () => void>();
  const visited: string[] = [];
  let click: (() => void) | undefined;
  const page = createContext({
    document: {
      querySelector: () => ({
        addEventListener: (_type: string, listener: () => void) => {
          click = listener;
        },
      }),
    },
    fetch: (path: string) =>
      new Promise<void>((resolve) => answers.set(path, resolve)),
    location: { assign: (path: string) => visited.push(path) },
  });
  page.window = page;
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
