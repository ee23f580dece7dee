import assert from "node:assert/strict";
import type { Kind } from "../bed/app.ts";
import { whoHas } from "../bed/browser.ts";
import { effectOf } from "../bed/held-request.ts";
import type { Answer } from "../bed/http.ts";
import type { Command } from "../bed/store.ts";
import { User } from "./users.ts";

/** What a store, or `ended`, can refuse. */
export const ALL: Command[] = ["get", "set", "destroy", "update", "has", "add"];

/** What each request needs. A page extends its session, which is a change. */
const NEEDS: Record<Kind, Record<"read" | "change" | "end", Command[]>> = {
  store: {
    read: ["get"],
    change: ["get", "set"],
    // Without an update, a logout has to leave a mark.
    end: ["get", "set", "destroy"],
  },
  "store and update": {
    read: ["get"],
    change: ["get", "update"],
    end: ["get", "destroy"],
  },
  cookies: { read: ["has"], change: ["has"], end: ["has", "add"] },
};

/**
 * Brings those together who are there before a bad day.
 * @param status what the app answers when it can't
 * @returns what they do on that day, and what they find after it
 */
export async function comeBefore(
  kind: Kind,
  app: { baseURL: string },
  status: 500 | 503,
) {
  const pages = { "always-500": status === 500 ? "yes" : "" };
  const cors = { ...pages, "sec-fetch-mode": "cors" };
  const people = [];
  for (const _ of Array(4)) people.push(await User.loggedIn(app));
  const [stays, leaves, leavesLate, gone] = people as [User, User, User, User];
  const copies = new Map<User, string>();
  for (const one of people) copies.set(one, await one.cookies());
  const copyWorks = (one: User) => whoHas(app, String(copies.get(one)));
  const hold = async (one: User, path: string) => {
    const request = await one.inFlight("sent", path);
    Object.assign(request.outgoing.headers, pages);
    const inFlight = one.send(request.outgoing);
    await inFlight.received;
    return inFlight;
  };
  await stays.fill("kept");
  const change = await hold(stays, "/change");
  const out = await hold(leavesLate, "/out");
  const late = await hold(gone, "/change");
  assert.equal((await gone.get("/logout")).status, 302);
  const newcomer = new User(app);

  async function comeDuring(refuses: Command[]): Promise<void> {
    const does = (needs: Command[]) =>
      !needs.some((one) => refuses.includes(one));
    const { read, change: changes, end } = NEEDS[kind];
    const check = async (
      what: string,
      needs: Command[],
      asking: Promise<Answer>,
    ) => {
      const answer = await asking;
      const told = `${what}: ${answer.status} ${answer.body}`;
      if (does(needs)) return assert.ok(answer.status < 400, told);
      assert.equal(answer.status, status, told);
      assert.match(String(answer.headers["retry-after"]), /^\d+$/, told);
      assert.equal(answer.headers.location, undefined, told);
      assert.equal(effectOf(answer).effect, "untouched", told);
      // Who may still be logged in is told so.
      if (needs === end && does(read))
        assert.match(answer.body, /log out again/);
    };
    // It was read before.
    const isRead = kind === "store and update";
    await Promise.all([
      check("change", isRead ? ["update"] : changes, change.finish()),
      check("late logout", end, out.finish()),
      // This one may fail or not. It has to bring nobody back.
      late.finish(),
      check("logout", end, leaves.get("/logout", pages)),
      check("whoami", read, stays.get("/whoami", cors)),
      check("page", changes, stays.get("/", pages)),
      check("stranger", [], new User(app).get("/whoami", cors)),
      newcomer.logIn("bob").then(
        () => assert.ok(does(changes)),
        (error) => assert.match(`${error}`, /answered with 50[03]/),
      ),
    ]);
  }

  /** @param isEmptied whether all that it had is forgotten */
  async function comeAfter(refuses: Command[], isEmptied = false) {
    const isKept = !isEmptied || kind === "cookies";
    for (const user of [await stays.whoami(), await copyWorks(stays)])
      assert.equal(user, isKept ? "alice" : null);
    if (isKept) assert.match(await stays.basket(), /kept|late/);
    // What had ended is as if it had not, when it was written down nowhere else.
    const isForgotten = isEmptied && kind === "cookies";
    assert.equal(await copyWorks(gone), isForgotten ? "alice" : null);
    const isIn = !refuses.includes("set") || kind === "cookies";
    assert.equal(await newcomer.whoami(), isIn ? "bob" : null);
    for (const one of [leaves, leavesLate]) {
      const left = await one.whoami();
      if (!refuses.length) assert.equal(left, null);
      assert.equal(await copyWorks(one), left);
      assert.equal((await one.get("/logout")).status, 302);
      assert.equal(await one.whoami(), null);
      assert.equal(await copyWorks(one), null);
    }
  }
  return { comeDuring, comeAfter };
}
