import type { Answer } from "../../client/http.ts";
import type { App } from "./app.ts";
import { User } from "./visitor.ts";

/** What says when an app answered, or is compared in another way. */
const LEFT_OUT = ["date", "set-cookie", "location", "connection", "keep-alive"];

/** What can be compared of one answer, and of the browser that has got it. */
interface Seen {
  what: string;
  /** The status, the body, headers, and cookies; each with its name before it. */
  details: string[];
}

/**
 * Asks two apps the same, and tells where their answers differ, or what the browser has after each.
 * The drop-in sets a session's cookie less often, so that one is compared in the browser only.
 */
export async function differences(alone: App, wrapped: App): Promise<string[]> {
  const [before, after] = [await answersOf(alone), await answersOf(wrapped)];
  return before.flatMap(({ what, details }, at) => {
    const others = after[at]?.details ?? [];
    const only = (these: string[], those: string[], where: string) =>
      these
        .filter((detail) => !those.includes(detail))
        .map((detail) => `${what}: only ${where}: ${detail}`);
    return [
      ...only(details, others, "alone"),
      ...only(others, details, "with the drop-in"),
    ];
  });
}

async function answersOf(app: App): Promise<Seen[]> {
  const all: Seen[] = [];
  const user = new User(app);
  const ask = async (...what: Parameters<User["request"]>) => {
    const answer = await user.request(...what);
    const jar = await user.cookies();
    all.push({
      what: what.slice(0, 3).join(" "),
      details: [...detailsOf(app, answer), ...jar.map((text) => `has ${text}`)],
    });
  };
  const json = { "content-type": "application/json" };

  await ask("navigate", "GET", "/");
  await ask("cors", "GET", "/whoami");
  await ask("cors", "POST", "/basket", json, '{"item":"a book"}');
  await ask("navigate", "GET", "/login");
  await user.logIn("alice");
  await ask("navigate", "GET", "/");
  await ask("navigate", "GET", "/", { "accept-encoding": "gzip" });
  await ask("navigate", "HEAD", "/");
  await ask("cors", "GET", "/whoami");
  await ask("cors", "HEAD", "/whoami");
  await ask("cors", "OPTIONS", "/whoami");
  await ask("cors", "GET", "/not-modified");
  await ask("cors", "GET", "/not-modified", { "if-none-match": '"1"' });
  await ask("cors", "GET", "/head-written");
  await ask("cors", "GET", "/head-written?form=array");
  await ask("cors", "GET", "/head-written?item=a+hat");
  await ask("cors", "GET", "/head-written?form=array&item=a+coat");
  await ask("cors", "GET", "/throws");
  await ask("navigate", "GET", "/throws");
  await ask("navigate", "GET", "/nothing");
  await ask("cors", "POST", "/update", json, "{");
  await ask("cors", "POST", "/update", json, "{}");
  await ask("cors", "POST", "/basket", json, '{"item":"a pen"}');
  await ask("cors", "POST", "/refresh", json, '{"token":"a newer token"}');
  await ask("cors", "GET", "/session");
  await ask("navigate", "GET", "/callback");
  await ask("cors", "POST", "/backchannel-logout");
  await ask("navigate", "GET", "/logout");
  await ask("navigate", "GET", "/logout");
  await ask("cors", "POST", "/out", json, "{}");
  await user.plant(app.cookieName);
  await ask("navigate", "GET", "/");
  return all;
}

function detailsOf(app: App, { status, headers, body }: Answer): string[] {
  const { location } = headers;
  const cookies = (headers["set-cookie"] ?? [])
    .filter((cookie) => !cookie.startsWith(app.cookieName))
    // The value and the time are new each time.
    .map((cookie) => cookie.replace(/=[^;]*/, "").replace(/Expires=[^;]*/, ""));
  const others = Object.entries(headers).filter(
    ([name]) =>
      !LEFT_OUT.includes(name) && !(location && name === "content-length"),
  );
  return [
    `status ${status}`,
    // The body of a redirect repeats its location.
    location ? `location ${placeOf(app, location)}` : `body ${body}`,
    ...others.map(([name, value]) => `${name}: ${value}`),
    ...cookies.map((cookie) => `sets ${cookie}`),
  ];
}

/** Where a redirect leads, without what is new each time. */
function placeOf(app: App, location: string): string {
  const { origin, pathname, searchParams } = new URL(location, app.baseURL);
  const where = origin === app.issuer ? "provider" : "app";
  return `${where} ${pathname} ${[...searchParams.keys()].join()}`;
}
