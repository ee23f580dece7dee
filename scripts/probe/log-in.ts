import { BrowserJar } from "./cookie-jar.ts";
import { attributesOf, elementsIn } from "./html.ts";
import { Browser, hostOf, type Visited } from "./played-browser.ts";
import { ProbeError } from "./refusal.ts";
import type { Outgoing } from "./requests.ts";
import { type Exchange, followTrail, nameOf } from "./trail.ts";

const BY_HAND = "leave out --as, and log in by hand";

/**
 * Logs a user in with the form of the local provider, or with one like it.
 * @param address the app's login route
 * @throws {ProbeError} when there is no such form, or the login fails
 */
export async function logInAs(
  app: Visited,
  user: string,
  address: string,
): Promise<Browser> {
  const browser = new Browser(app);
  const go = async (request: Outgoing): Promise<Exchange> => {
    const trail = await followTrail(browser, request, { app, goesOn: true });
    const end = trail.steps.at(-1) as Exchange;
    if (trail.leftAt) {
      throw new ProbeError(
        `${nameOf(end.request)} leads on to ${hostOf(trail.leftAt)}, which nobody has named: ` +
          `say --provider with it if that is right, or is ${app.baseURL} not what the app has for its baseURL?`,
      );
    }
    if (end.answer.status === 200) return end;
    const { status } = end.answer;
    throw new ProbeError(
      `the login fails, ${nameOf(end.request)} was answered with ${status}: ${BY_HAND}`,
    );
  };
  const { request, answer } = await go(
    await browser.compose("navigate", "GET", address),
  );
  const form = elementsIn(answer.body, "form").find((one) =>
    one.includes(`<button>${user}</button>`),
  );
  if (!form) {
    throw new ProbeError(
      `GET ${address} leads to no form with a button “${user}”: ${BY_HAND}`,
    );
  }
  const { action = "" } = attributesOf(form);
  const fields = new URLSearchParams();
  await go(await browser.composeForm(request.url, action, fields));
  return browser;
}

/**
 * Takes a `Cookie` header, as a browser's network panel shows it. It has names and values only.
 * @param lines the header, with or without its name, and before it any `Set-Cookie` of a login
 */
export async function withCookies(
  app: Visited,
  lines: string[],
): Promise<Browser> {
  const jar = new BrowserJar();
  const url = new URL(app.baseURL);
  const isSet = (line: string) => /^set-cookie:/i.test(line);
  const header = lines.find((line) => !isSet(line)) ?? "";
  const values = new Map<string, string>();
  const cookies = header.replace(/^cookie:\s*/i, "").split(/;\s*/);
  for (const cookie of cookies.filter((text) => text.includes("="))) {
    if (!(await jar.guess(cookie, url))) {
      throw new ProbeError("one of the cookies is none that a browser sends");
    }
    const at = cookie.indexOf("=");
    values.set(cookie.slice(0, at), cookie.slice(at + 1));
  }
  for (const line of lines.filter(isSet)) {
    const [, name = "", value, rest] =
      line.match(/^set-cookie:\s*([^=;]+)=([^;]*)(.*)$/i) ?? [];
    // The value may have changed since the login.
    await jar.take(`${name}=${values.get(name) ?? value}${rest ?? ""}`, url);
  }
  if ((await jar.kept(url)).length === 0) {
    throw new ProbeError(
      "that was no Cookie header: it looks like name=value; name=value",
    );
  }
  return new Browser(app, jar);
}
