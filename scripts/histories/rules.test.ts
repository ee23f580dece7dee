import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Flight, STAGES } from "./history.ts";
import { type AnswerFacts, type Entry, Ledger } from "./ledger.ts";
import { findOddities } from "./play-history.ts";
import { judge } from "./rules.ts";

/**
 * Histories that are told and not played: what a server has answered is made up. A request has a
 * number, and goes as far as a step says, by default to the end. What is answered stands after the
 * colon; which rules that breaks, and what is counted as nobody's fault, after the arrow.
 */
const STORIES = `
# a plain history breaks nothing
1 alice logs in; 2 GET /look: as alice; 3 logout; 4 GET /look: as nobody
5 bob logs in; 6 GET /look: as bob
# ended is ended: a request that is received after the logout
1 alice logs in; 2 GET /look sent; 3 logout answered
2 answered: as alice → ended is ended
# ended is ended, but not for a request that was received before
1 alice logs in; 2 GET /look received; 3 logout answered
2 answered: as alice
# ended is ended, also after bob has logged in over alice
1 alice logs in; 2 GET /look sent; 3 bob logs in
2 answered: as alice → ended is ended
# nobody else: a browser in which bob was the last to log in
1 alice logs in; 2 bob logs in
3 GET /look: as alice → ended is ended, nobody else
# nobody else: a login that keeps the cookie from before
1 alice logs in: keeps cookie → nobody else
# nobody is thrown out
1 alice logs in; 2 GET /look: as nobody → nobody is thrown out
# nobody is thrown out, but when the session has expired
1 alice logs in; 26 hours pass; 2 GET /look: as nobody
# nobody is thrown out by a page that has come when the session had expired
1 alice logs in; 2 page /look sent; 26 hours pass
2 stored: as nobody, cleared; 3 GET /look: as nobody
# what no server can prevent is counted, and not held against it
1 alice logs in; 2 logout answered; 3 bob logs in
2 stored → logout cookie; 4 GET /look: as nobody
# so is an extended session's cookie that comes late
1 alice logs in; 2 page /look answered: as alice, set; 3 bob logs in
2 stored → renewed cookie; 4 GET /look: as nobody
# so is the cookie of a basket without a login
1 page /basket answered: as nobody with 1, set; 2 alice logs in
1 stored → begun cookie; 3 GET /look: as nobody with 1
# so is a change that an extended session's cookie undoes
1 alice logs in; 2 page /look answered: as alice, set
3 POST /basket: as alice with 3, set; 2 stored
4 GET /look: as alice → undone change
# so are two logins at once, of which the first lives on
1 alice logs in answered; 2 bob logs in; 3 page /look answered: as bob, set
1 stored; 3 stored → two logins; 4 GET /look: as bob
# but a second logout has nothing to clear
1 alice logs in; 2 logout sent; 3 logout; 4 bob logs in; 2 stored
5 GET /look: as nobody → nobody is thrown out
# nothing is inherited: what alice has put into the basket
1 alice logs in; 2 POST /basket: as alice with 2, set; 3 logout
4 GET /look: as nobody with 2 → nothing is inherited; 5 bob logs in
6 GET /look: as bob with 2 → nothing is inherited
# nothing is inherited: what a late request of alice's begins
1 alice logs in; 2 POST /basket sent; 3 logout
2 stored: as nobody with 2, set
4 GET /look: as nobody with 2 → nothing is inherited; 5 bob logs in
6 GET /look: as bob with 2 → nothing is inherited
# nothing is inherited, but one's own from before the login
1 POST /basket: as nobody with 1, set; 2 bob logs in
3 GET /look: as bob with 1; 4 GET /look: as bob → nothing is lost
5 logout; 6 GET /look: as nobody with 1 → nothing is inherited
# nothing is inherited by what was under way before the login
1 POST /basket: as nobody with 1, set; 2 GET /look received
3 POST /basket sent; 4 bob logs in; 2 answered: as nobody with 1
3 answered: as nobody with 3
# nothing is lost
1 alice logs in; 2 POST /basket: as alice with 2, set
3 GET /look: as alice with 2; 4 GET /look: as alice → nothing is lost
# nothing is lost, but for two changes at once
1 alice logs in; 2 POST /basket received
3 POST /basket: as alice with 3, set; 2 stored: as alice with 2, set
4 GET /look: as alice with 2 → two writes
# as before: other cookies and headers
1 alice logs in; 2 GET /look: as alice, odd → as before
# a logout that failed may have ended the session, and one that did not has
1 alice logs in; 2 logout: failed; 3 GET /look: as alice
4 GET /look: as nobody → failed request; 5 logout
6 GET /look: as alice → ended is ended
# whoever logs in again after a logout that failed may go on
1 alice logs in; 2 logout: failed; 3 logout sent; 4 alice logs in
3 stored; 5 GET /look: as alice
# whoever logs in again after a logout that failed may begin anew
1 alice logs in; 2 logout: failed; 3 logout sent; 4 alice logs in
3 stored; 5 GET /look: as nobody
# after a logout that failed, the same user may keep the cookie
1 alice logs in; 2 logout: failed; 3 alice logs in: keeps cookie
# after a logout that failed, nobody else may keep the cookie
1 alice logs in; 2 logout: failed
3 bob logs in: keeps cookie → nobody else
# after a logout, nobody may keep the cookie
1 alice logs in; 2 logout; 3 alice logs in: keeps cookie → nobody else
# the next logout after one that failed has something to clear
1 alice logs in; 2 logout: failed; 3 logout answered; 4 bob logs in
3 stored → logout cookie; 5 GET /look: as nobody
# a logout that comes without the cookie ends what nobody can know
1 alice logs in; 2 page /basket received; 3 logout: without cookie
2 stored: as alice, set; 4 GET /look: as alice; 5 GET /look: as nobody
# a page load that took a day may clear the cookie that was extended
1 alice logs in; 2 page /look sent; 13 hours pass
3 GET /look: as alice, set; 13 hours pass
2 stored: as nobody, cleared → expired cookie; 4 GET /look: as nobody
# a request that failed ends nothing
1 alice logs in; 2 POST /basket: failed
3 GET /look: as nobody → nobody is thrown out
# a store that has lost everything throws out whoever was in, and nobody later
1 alice logs in; emptied store; 2 GET /look: as nobody → emptied store
3 bob logs in; 4 GET /look: as nobody → nobody is thrown out
# a list that has lost everything lets in who has logged out before
1 alice logs in; 2 GET /look sent; 3 logout; emptied list
2 answered: as alice → emptied list
# a list that has lost everything lets in who was logged in over before
1 alice logs in; 2 POST /basket answered: as alice, set; 3 bob logs in
2 stored → changed cookie; 4 GET /look sent; emptied list
4 answered: as alice → emptied list
# a list that has lost everything lets in nobody who logs out later
1 alice logs in; emptied list; 2 GET /look sent; 3 logout
2 answered: as alice → ended is ended
`;

/** Tells a story to a ledger, and returns its steps with what each has come to. */
function tell(steps: string[]): string[] {
  const ledger = new Ledger();
  const logins = new Map<string, string>();
  const requests = new Map<string, { entry: Entry; answer?: AnswerFacts }>();

  const tellStep = (what: string): string[] => {
    const [, hours] = what.match(/^(\d+) hours pass$/) ?? [];
    if (hours) ledger.pass(Number(hours));
    if (what.startsWith("emptied")) ledger.lose(what as "emptied store");
    const [, nr, deed, to = "stored", seen = ""] =
      what.match(
        /^(\d+) (.*?) ?(sent|received|answered|stored)?(?:: (.*))?$/,
      ) ?? [];
    if (hours || !nr) return [];
    const flight = { browser: 1, deed } as Flight;
    const request = requests.get(nr) ?? {
      entry: ledger.sent(flight, nr, seen !== "without cookie"),
    };
    requests.set(nr, request);
    const { entry } = request;
    const last = STAGES.indexOf(to as "stored");
    if (last > 0 && !entry.receivedAt) ledger.received(entry);
    let breaks: string[] = [];
    if (last > 1 && !request.answer) {
      request.answer = answerOf(entry, nr, seen);
      ledger.answered(entry, request.answer);
      breaks = judge(entry, request.answer, ledger).map(({ rule }) => rule);
    }
    if (last > 2) ledger.stored(entry, request.answer as AnswerFacts);
    return breaks;
  };

  const answerOf = ({ deed }: Entry, nr: string, seen: string): AnswerFacts => {
    const [, who, item] = seen.match(/as (\w+)(?: with (\d+))?/) ?? [];
    const user = who && who !== "nobody" ? who : null;
    const login = (user && logins.get(user)) ?? null;
    const basket = item ? [item] : [];
    const [, newUser] = deed.match(/(\w+) logs in/) ?? [];
    if (newUser) logins.set(newUser, nr);
    const isSet = newUser || seen.includes("set");
    const isCleared = deed === "logout" || seen.includes("cleared");
    const effect = isSet ? "set" : isCleared ? "cleared" : "untouched";
    return {
      ...(who && { told: { login, user, basket, token: null, isDone: true } }),
      ...(newUser && { login: nr }),
      ...(seen === "failed" && { hasFailed: true }),
      cookie: { effect, bytes: 0 },
      keepsCookie: seen === "keeps cookie",
      oddities: seen.includes("odd") ? ["a header is missing"] : [],
    };
  };

  const { excused, doubted } = ledger;
  return steps.map((step) => {
    const [what = ""] = step.split(" → ");
    const all = [...tellStep(what), ...excused.splice(0), ...doubted.splice(0)];
    return all.length > 0 ? `${what} → ${all.join(", ")}` : what;
  });
}

describe("the rules", () => {
  for (const story of STORIES.split(/^# /m).slice(1)) {
    const [name = "", ...lines] = story.trim().split("\n");
    const steps = lines.join("; ").split("; ");
    test(name, () => assert.deepEqual(tell(steps), steps));
  }
});

test("what is not as before is found", () => {
  const cookie = "appSession=1; Path=/; HttpOnly; SameSite=Lax";
  const ours = [cookie, "last-route=/look"];
  const failed = "a failed request touches appSession";
  for (const [deed, status, cookies, hasFailed, ...found] of [
    ["GET /look", 200, ours, false],
    ["logout", 302, ["appSession=; Path=/"], false],
    ["logout", 200, [], false, "the status is 200"],
    ["GET /look", 200, [cookie], false, "another cookie is missing"],
    ["GET /look", 503, [], true],
    ["GET /look", 503, ours, true, failed],
    ...[
      `${cookie}; Secure`,
      "appSession=1; Path=/",
      "appSession=; Path=/a",
    ].map(
      (odd) =>
        [
          "logout",
          302,
          [odd],
          false,
          "appSession has other attributes",
        ] as const,
    ),
  ] as const) {
    const headers = { "set-cookie": [...cookies], "x-last-route": "/look" };
    const answer = { status, headers, body: "" };
    assert.deepEqual(findOddities(deed, answer, hasFailed), found);
  }
});
