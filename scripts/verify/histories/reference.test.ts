import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Told } from "../../servers/inside/more-routes.ts";
import type { Deed, Stage } from "./history.ts";
import { type Answer, Ledger, type Visit } from "./ledger.ts";
import { judge } from "./reference.ts";

/** A history that is told and not played: what a server has answered is made up. */
class Story {
  readonly ledger = new Ledger();
  /** Whether the browser has a session cookie to send. */
  hasCookie = true;
  readonly #visits = new Map<string, [Visit, Answer]>();

  /** Tells of a request, up to a stage, and returns the rules that its answer breaks. */
  tell(
    name: string,
    deed: Deed,
    to: Stage,
    told: Partial<Told> | undefined = undefined,
    more: Partial<Answer> = {},
  ): string[] {
    const answer: Answer = {
      cookie: { effect: "untouched", bytes: 0 },
      keepsCookie: false,
      oddities: [],
      ...(told && {
        told: {
          login: told.user ?? null,
          user: null,
          basket: [],
          token: null,
          isDone: true,
          ...told,
        },
      }),
      ...more,
    };
    const known = this.#visits.get(name)?.[0];
    const visit =
      known ?? this.ledger.sent({ browser: 1, deed }, name, this.hasCookie);
    const before = this.#visits.get(name)?.[1];
    this.#visits.set(name, [
      visit,
      to === "stored" && before ? before : answer,
    ]);
    if (to === "sent") return [];
    if (!visit.receivedAt) this.ledger.received(visit);
    if (to === "received") return [];
    if (!before || !("judged" in before)) {
      this.ledger.answered(visit, answer);
      this.#visits.set(name, [visit, Object.assign(answer, { judged: true })]);
    }
    const breaks = judge(visit, answer, this.ledger).map(({ rule }) => rule);
    const [, last] = this.#visits.get(name) as [Visit, Answer];
    if (to === "stored") this.ledger.stored(visit, last);
    return breaks;
  }

  logIn = (user: "alice" | "bob", to: Stage = "stored") =>
    this.tell(`${user} in`, `${user} logs in`, to, undefined, {
      login: user,
      cookie: { effect: "set", bytes: 1 },
    });

  logOut = (to: Stage = "stored") =>
    this.tell("logout", "logout", to, undefined, {
      cookie: { effect: "cleared", bytes: 0 },
    });

  look = (told: Partial<Told>) =>
    this.tell(`look ${Math.random()}`, "GET /look", "stored", told);
}

const SET: Partial<Answer> = { cookie: { effect: "set", bytes: 1 } };
/** Alice has logged in. */
function begin(): Story {
  const story = new Story();
  story.logIn("alice");
  return story;
}

describe("the reference", () => {
  test("finds nothing in a plain history", () => {
    const story = begin();
    assert.deepEqual(story.look({ user: "alice" }), []);
    story.logOut();
    assert.deepEqual(story.look({}), []);
    story.logIn("bob");
    assert.deepEqual(story.look({ user: "bob" }), []);
    assert.deepEqual(story.ledger.excused, []);
  });

  test("ended is ended: a request that is received after the logout", () => {
    for (const [when, breaks] of [
      ["sent", ["ended is ended"]],
      ["received", []],
    ] as const) {
      const story = begin();
      story.tell("late", "GET /look", when);
      story.logOut("answered");
      const told = { user: "alice" };
      assert.deepEqual(
        story.tell("late", "GET /look", "answered", told),
        breaks,
      );
    }
  });

  test("ended is ended: also after bob has logged in over alice", () => {
    const story = begin();
    story.tell("late", "GET /look", "sent");
    story.logIn("bob");
    const told = { user: "alice" };
    const breaks = story.tell("late", "GET /look", "answered", told);
    assert.deepEqual(breaks, ["ended is ended"]);
  });

  test("nobody else: a browser in which bob was the last to log in", () => {
    const story = begin();
    story.logIn("bob");
    const breaks = story.look({ user: "alice" });
    assert.deepEqual(breaks, ["ended is ended", "nobody else"]);
  });

  test("nobody else: a login that keeps the cookie from before", () => {
    const story = new Story();
    const more = { login: "alice", keepsCookie: true, ...SET };
    assert.deepEqual(
      story.tell("in", "alice logs in", "stored", undefined, more),
      ["nobody else"],
    );
  });

  test("nobody is thrown out, but when the session has expired", () => {
    const story = begin();
    assert.deepEqual(story.look({}), ["nobody is thrown out"]);
    const later = begin();
    later.ledger.pass(26);
    assert.deepEqual(later.look({}), []);
  });

  test("nobody is thrown out by a page that has come when the session had expired", () => {
    const story = begin();
    story.tell("page", "page /look", "sent");
    story.ledger.pass(26);
    const cookie = { effect: "cleared", bytes: 0 } as const;
    assert.deepEqual(
      story.tell("page", "page /look", "stored", {}, { cookie }),
      [],
    );
    assert.deepEqual(story.look({}), []);
  });

  test("what no server can prevent is counted, and not held against it", () => {
    const story = begin();
    story.logOut("answered");
    story.logIn("bob");
    story.logOut("stored");
    assert.deepEqual(story.look({}), []);
    assert.deepEqual(story.ledger.excused, ["logout cookie"]);
  });

  test("but a second logout has nothing to clear", () => {
    const story = begin();
    story.tell("again", "logout", "sent");
    story.logOut();
    story.logIn("bob");
    const more = { cookie: { effect: "cleared", bytes: 0 } } as const;
    story.tell("again", "logout", "stored", undefined, more);
    assert.deepEqual(story.look({}), ["nobody is thrown out"]);
    assert.deepEqual(story.ledger.excused, []);
  });

  test("nothing is inherited: what alice has put into the basket", () => {
    const story = begin();
    const basket = ["hers"];
    const told = { user: "alice", basket };
    story.tell("hers", "POST /basket", "stored", told, SET);
    story.logOut();
    assert.deepEqual(story.look({ basket }), ["nothing is inherited"]);
    story.logIn("bob");
    assert.deepEqual(story.look({ user: "bob", basket }), [
      "nothing is inherited",
    ]);
  });

  test("nothing is inherited: what a late request of alice's begins", () => {
    const story = begin();
    story.tell("late", "POST /basket", "sent");
    story.logOut();
    const basket = ["late"];
    const breaks = story.tell(
      "late",
      "POST /basket",
      "stored",
      { basket },
      SET,
    );
    assert.deepEqual(breaks, []);
    assert.deepEqual(story.look({ basket }), ["nothing is inherited"]);
    story.logIn("bob");
    assert.deepEqual(story.look({ user: "bob", basket }), [
      "nothing is inherited",
    ]);
  });

  test("nothing is inherited, but one's own from before the login", () => {
    const story = new Story();
    const basket = ["own"];
    story.tell("own", "POST /basket", "stored", { basket }, SET);
    story.logIn("bob");
    assert.deepEqual(story.look({ user: "bob", basket }), []);
    assert.deepEqual(story.look({ user: "bob" }), ["nothing is lost"]);
    story.logOut();
    assert.deepEqual(story.look({ basket }), ["nothing is inherited"]);
  });

  test("nothing is lost, but for two changes at once", () => {
    const story = begin();
    const told = { user: "alice", basket: ["one"] };
    story.tell("one", "POST /basket", "stored", told, SET);
    assert.deepEqual(story.look({ user: "alice" }), ["nothing is lost"]);
    const twice = begin();
    twice.tell("two", "POST /basket", "received");
    twice.tell("one", "POST /basket", "stored", told, SET);
    const other = { user: "alice", basket: ["two"] };
    twice.tell("two", "POST /basket", "stored", other, SET);
    assert.deepEqual(twice.look(other), []);
    assert.deepEqual(twice.ledger.excused, ["two writes"]);
  });

  test("as before: other cookies and headers", () => {
    const story = begin();
    const more = { oddities: ["a header is missing"] };
    const told = { user: "alice" };
    assert.deepEqual(story.tell("odd", "GET /look", "stored", told, more), [
      "as before",
    ]);
  });

  test("a logout that failed may have ended the session, and one that did not has", () => {
    const story = begin();
    story.tell("failed", "logout", "stored", undefined, { hasFailed: true });
    assert.deepEqual(story.look({ user: "alice" }), []);
    assert.deepEqual(story.ledger.doubted, []);
    assert.deepEqual(story.look({}), []);
    assert.deepEqual(story.ledger.doubted, ["failed request"]);
    story.logOut();
    assert.deepEqual(story.look({ user: "alice" }), ["ended is ended"]);
  });

  test("whoever logs in again after a logout that failed may go on, or begin anew", () => {
    for (const told of [{ user: "alice" }, {}]) {
      const story = begin();
      story.tell("failed", "logout", "stored", undefined, { hasFailed: true });
      story.tell("late", "logout", "sent");
      const login = { login: "again", cookie: SET.cookie };
      story.tell("in", "alice logs in", "stored", undefined, login as object);
      story.tell("late", "logout", "stored");
      assert.deepEqual(story.look({ login: "again", ...told }), []);
    }
  });

  test("after a logout that failed, the same user may have the cookie from before, and nobody else", () => {
    const kept = { login: "again", keepsCookie: true, cookie: SET.cookie };
    for (const [user, breaks] of [
      ["alice", []],
      ["bob", ["nobody else"]],
    ] as const) {
      const story = begin();
      story.tell("failed", "logout", "stored", undefined, { hasFailed: true });
      const deed = `${user} logs in` as const;
      const seen = story.tell("in", deed, "stored", undefined, kept as object);
      assert.deepEqual(seen, breaks);
    }
    const story = begin();
    story.logOut();
    assert.deepEqual(
      story.tell("in", "alice logs in", "stored", undefined, kept as object),
      ["nobody else"],
    );
  });

  test("the next logout after one that failed has something to clear", () => {
    const story = begin();
    story.tell("failed", "logout", "stored", undefined, { hasFailed: true });
    story.logOut("answered");
    story.logIn("bob");
    story.logOut("stored");
    assert.deepEqual(story.look({}), []);
    assert.deepEqual(story.ledger.excused, ["logout cookie"]);
  });

  test("a logout that comes without the cookie ends what nobody can know", () => {
    const story = begin();
    story.tell("late", "page /basket", "received");
    // Somebody else's late response has cleared it.
    story.hasCookie = false;
    story.logOut();
    story.tell("late", "page /basket", "stored", { user: "alice" }, SET);
    story.hasCookie = true;
    assert.deepEqual(story.look({ user: "alice" }), []);
    assert.deepEqual(story.look({}), []);
  });

  test("a page load that took a day may clear the cookie that was extended meanwhile", () => {
    const story = begin();
    story.tell("late", "page /look", "sent");
    story.ledger.pass(13);
    story.tell("look", "GET /look", "stored", { user: "alice" }, SET);
    story.ledger.pass(13);
    const cleared = { cookie: { effect: "cleared", bytes: 0 } } as const;
    assert.deepEqual(
      story.tell("late", "page /look", "stored", {}, cleared),
      [],
    );
    assert.deepEqual(story.look({}), []);
    assert.deepEqual(story.ledger.excused, ["expired cookie"]);
  });

  test("a request that failed ends nothing", () => {
    const story = begin();
    story.tell("failed", "POST /basket", "stored", undefined, {
      hasFailed: true,
    });
    assert.deepEqual(story.look({}), ["nobody is thrown out"]);
  });

  test("a store that has lost everything throws everybody out, and that is counted", () => {
    const story = begin();
    story.ledger.lose("emptied store");
    assert.deepEqual(story.look({}), []);
    assert.deepEqual(story.ledger.doubted, ["emptied store"]);
    story.logIn("bob");
    assert.deepEqual(story.look({}), ["nobody is thrown out"]);
  });

  test("a list that has lost everything lets in who has logged out before, and nobody later", () => {
    const story = begin();
    story.tell("late", "GET /look", "sent");
    story.logOut();
    story.ledger.lose("emptied list");
    const told = { user: "alice" };
    assert.deepEqual(story.tell("late", "GET /look", "answered", told), []);
    assert.deepEqual(story.ledger.doubted, ["emptied list"]);
    const changed = begin();
    changed.tell("late", "POST /basket", "answered", { user: "alice" }, SET);
    changed.logIn("bob");
    changed.tell("late", "POST /basket", "stored");
    changed.tell("with hers", "GET /look", "sent");
    changed.ledger.lose("emptied list");
    assert.deepEqual(
      changed.tell("with hers", "GET /look", "answered", told),
      [],
    );
    assert.deepEqual(changed.ledger.doubted, ["emptied list"]);
    const later = begin();
    later.ledger.lose("emptied list");
    later.tell("late", "GET /look", "sent");
    later.logOut();
    const breaks = later.tell("late", "GET /look", "answered", told);
    assert.deepEqual(breaks, ["ended is ended"]);
  });
});
