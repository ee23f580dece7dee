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
  const request = async (...what: Parameters<User["request"]>) => {
    const answer = await user.request(...what);
    const jar = await user.cookies();
    all.push({
      what: what.slice(0, 3).join(" "),
      details: [...detailsOf(app, answer), ...jar.map((text) => `has ${text}`)],
    });
  };
  const json = { "content-type": "application/json" };

  await request("navigate", "GET", "/");
  await request("cors", "GET", "/whoami");
  await request("cors", "POST", "/basket", json, '{"item":"a book"}');
  await request("navigate", "GET", "/login");
  await user.logIn("alice");
  await request("navigate", "GET", "/");
  await request("navigate", "GET", "/", { "accept-encoding": "gzip" });
  await request("navigate", "HEAD", "/");
  await request("cors", "GET", "/whoami");
  await request("cors", "HEAD", "/whoami");
  await request("cors", "OPTIONS", "/whoami");
  await request("cors", "GET", "/not-modified");
  await request("cors", "GET", "/not-modified", { "if-none-match": '"1"' });
  await request("cors", "GET", "/head-written");
  await request("cors", "GET", "/head-written?form=array");
  await request("cors", "GET", "/head-written?item=a+hat");
  await request("cors", "GET", "/head-written?form=array&item=a+coat");
  await request("cors", "GET", "/throws");
  await request("navigate", "GET", "/throws");
  await request("navigate", "GET", "/nothing");
  await request("cors", "POST", "/update", json, "{");
  await request("cors", "POST", "/update", json, "{}");
  await request("cors", "POST", "/basket", json, '{"item":"a pen"}');
  await request("cors", "POST", "/refresh", json, '{"token":"a newer token"}');
  await request("cors", "GET", "/session");
  await request("navigate", "GET", "/callback");
  await request("cors", "POST", "/backchannel-logout");
  await request("navigate", "GET", "/logout");
  await request("navigate", "GET", "/logout");
  await request("cors", "POST", "/out", json, "{}");
  await user.plant(app.cookieName);
  await request("navigate", "GET", "/");
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
