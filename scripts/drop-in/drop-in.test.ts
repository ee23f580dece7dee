import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { auth } from "express-openid-connect";
import { lastingLogout } from "../../snippets/drop-in/lasting-logout.ts";
import { FITTING } from "./fitting.ts";
import { PROMISES } from "./promises.ts";
import { testAll } from "./users.ts";

// Such as of a timer that is due at once, because it is to wait for too long.
process.on("warning", (warning) => {
  throw warning;
});

describe("the drop-in", () => testAll([...PROMISES, ...FITTING]));

test("what can't be right is an error at the start, which says what would be", () => {
  const work = () => {};
  const session = { store: { get: work, set: work, destroy: work } };
  const [config, stored] = [{ secret: "long enough" }, { session }];
  const ended = { has: work, add: work };
  const half = { session: { store: { get: work } } };
  const mistakes: [complaint: RegExp, ...given: unknown[]][] = [
    [/config\.session\.store or.*\{ ended \}/, auth, config],
    [/leave out one of the two/, auth, stored, { ended }],
    [/lastingLogout\(auth, config\)/, auth],
    [/lastingLogout\(auth, config\)/, auth, null],
    [/lastingLogout\(auth, config\)/, undefined, stored],
    [/lastingLogout\(auth, config\)/, config],
    [/give config\.session\.store/, auth, config, { ended, update: work }],
    [/get, set and destroy/, auth, half],
    [/has and add/, auth, config, { ended: { has: work } }],
    [/has and add/, auth, config, { ended: {} }],
    [/update has to be a function/, auth, stored, { update: true }],
    [/no option updat$/, auth, stored, { updat: work }],
    ...[0, -1, Number.NaN, 2 ** 31, "1s"].map(
      (answerMs): [RegExp, ...unknown[]] => [
        /answerMs has to be/,
        auth,
        stored,
        { answerMs },
      ],
    ),
  ];
  for (const [complaint, ...given] of mistakes) {
    const work = () => lastingLogout(...(given as [never, never]));
    assert.throws(work, { name: "TypeError", message: complaint });
  }
});
