import {
  Browser,
  ForeignForm,
  ForeignHost,
  type Visited,
} from "../client/browser.ts";
import { BrowserJar, TooMuch } from "../client/cookie-jar.ts";
import { isSilence } from "./refusal.ts";
import { ProbeError } from "./target.ts";

/** How long all that the probe asks of an app may take, in milliseconds. */
const PATIENCE_MS = 60_000;

/** Makes a browser that nobody has logged in to. */
export const stranger = (app: Visited): Browser =>
  new Browser(app, PATIENCE_MS);

/**
 * Logs a user in with the form of the local provider, or with one like it.
 * @param address the app's login route
 * @throws {ProbeError} when there is no such form
 */
export async function logInAs(
  app: Visited,
  user: string,
  address: string,
): Promise<Browser> {
  const browser = stranger(app);
  await browser.logIn(user, address).catch((error) => {
    const isTold = [ForeignForm, ForeignHost, TooMuch, ProbeError].some(
      (kind) => error instanceof kind,
    );
    if (error.code || isTold || isSilence(error)) throw error;
    const [refused] =
      error.message.match(/^\w+ \S+ was answered with \d+/) ?? [];
    if (refused) {
      throw new ProbeError(
        `the login fails, ${refused}: leave out --as, and log in by hand`,
      );
    }
    throw new ProbeError(
      `GET ${address} leads to no form with a button “${user}”: ` +
        "leave out --as, and log in by hand",
    );
  });
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
  return new Browser(app, PATIENCE_MS, jar);
}
