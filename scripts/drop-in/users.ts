import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type AppOptions,
  type Kind,
  type MadeApp,
  startApp,
} from "../bed/app.ts";
import { Browser, whoHas } from "../bed/browser.ts";
import { HeldRequest } from "../bed/held-request.ts";

/** Starts an app of one kind, on one version of all. */
export type Start = (options?: AppOptions) => Promise<MadeApp>;

/** Things that have to be true of an app with the drop-in, by their names. */
export type Scenarios = { [name: string]: (start: Start) => Promise<void> };

/** Scenarios of one subject, and the kinds of apps in which they are tried. */
export type Section = [subject: string, readonly Kind[], Scenarios];

/** Tests scenarios in apps of their kinds. */
export function testAll(
  sections: Section[],
  options: AppOptions = {},
  names = /./,
): void {
  for (const [subject, kinds, scenarios] of sections) {
    for (const kind of kinds.filter((one) => one === (options.kind ?? one))) {
      for (const [name, scenario] of Object.entries(scenarios)) {
        if (!names.test(name)) continue;
        test(`${kind}, ${subject}: ${name}`, () =>
          scenario((chosen) => startApp({ ...options, kind, ...chosen })));
      }
    }
  }
}

/** A browser, and who knows what the small apps have. */
export class User extends Browser {
  /** Makes one who is logged in. */
  static async loggedIn(
    app: ConstructorParameters<typeof Browser>[0],
    name = "alice",
  ): Promise<User> {
    const user = new User(app);
    await user.logIn(name);
    return user;
  }

  /** Loads a page; with other headers, something else. */
  async get(
    path: string,
    headers: Record<string, string> = {},
    method = "GET",
  ) {
    const request = await this.compose("navigate", method, path);
    Object.assign(request.headers, headers);
    return this.exchange(request);
  }

  /** Makes a request as a script does. */
  async post(path: string, body: object = {}) {
    return this.exchange(await this.compose("cors", "POST", path, body));
  }

  fill = (basket: string) => this.post("/change", { basket });

  async session() {
    const cors = { "sec-fetch-mode": "cors" };
    return JSON.parse((await this.get("/session", cors)).body);
  }

  basket = async () => (await this.session()).basket;

  /** The cookies that go to the app now. */
  async cookies(): Promise<string> {
    const { headers } = await this.compose("cors", "GET", "/whoami");
    return String(headers.cookie);
  }

  /** Makes a request of a script, and lets it get as far as that. */
  async inFlight(
    stage: "sent" | "received" | "answered",
    path = "/change",
    body: object = { basket: "late" },
  ): Promise<HeldRequest> {
    const request = new HeldRequest(this, "cors", "POST", path, body);
    await request.sent();
    if (stage !== "sent") await request[stage]();
    return request;
  }
}

/** Lets a request get to its end, and tells what its response does to the session's cookie. */
export async function arrive(request: HeldRequest): Promise<string> {
  if (!request.answer) await request.answered();
  return (await request.stored()).cookie.effect;
}

/** Starts an app, in which alice has logged in, and copies her cookie. */
export async function withAlice(start: Start, options?: AppOptions) {
  const app = await start(options);
  const alice = await User.loggedIn(app);
  return { app, alice, copy: await alice.cookies() };
}

/** Fails unless alice can log in, be told from bob, and log out for good. */
export async function assertWorks(app: MadeApp): Promise<void> {
  const browser = await User.loggedIn(app);
  assert.equal(await browser.whoami(), "alice");
  await browser.fill("hers");
  await browser.open("/");
  assert.equal(await browser.basket(), "hers");
  const copy = await browser.cookies();
  const request = await browser.inFlight("sent");
  await browser.logOut();
  assert.equal(await browser.whoami(), null);
  await browser.logIn("bob");
  await arrive(request);
  assert.equal(await browser.whoami(), "bob");
  assert.equal(await browser.basket(), null);
  assert.equal(await whoHas(app, copy), null);
}
