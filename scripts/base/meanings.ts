// What the names in the results mean, as the tables of commands and posts tell it.

/** The six rules, and what each of them says. */
export const RULES = {
  "ended is ended": "no request after a logout counts as its user",
  "nobody else": "a request counts as the user who logged in last there",
  "nobody is thrown out":
    "who has not logged out stays in until the session ends",
  "nothing is inherited":
    "what one user has written, the next one does not see",
  "nothing is lost": "what a request has changed is there at the next one",
  "as before": "cookies, attributes and headers are the library's",
};
export const RULE_NAMES = Object.keys(RULES) as (keyof typeof RULES)[];

/**
 * What no server can prevent. Each cookie is right when the server sends it, and on its way back
 * while somebody logs in, whose cookie it replaces then. They are out, and nobody else is in.
 */
export const EXCUSES = {
  "logout cookie": "a logout's cookie arrives after the next user's login",
  "changed cookie": "a changed session's cookie arrives after that login",
  "renewed cookie": "an extended session's cookie arrives after that login",
  "begun cookie": "the cookie of a basket without a login arrives after it",
  "expired cookie": "a page load that took a day clears an extended cookie",
  "undone change": "an extended session's cookie undoes a change",
  "two logins": "two logins at once: the first session lives on",
  "two writes": "two changes of one session at once: the last one counts",
};

/** What a Redis costs that is gone for a while, or comes back empty: nobody knows what has ended. */
export const DOUBTS = {
  "failed request": "a logout or a login failed, and may have ended a session",
  "emptied store": "the sessions are lost, and their users are out",
  "emptied list": "what had ended is lost, and old cookies are good again",
};

/** What somebody does in a real browser, and how a table tells it. */
export const SCENARIO_MEANINGS = {
  click: "she clicks the page's button",
  fetchFirst: "the button's fetch comes before location.assign",
  keepalive: "the page's fetch has keepalive: true",
  beacon: "the page uses sendBeacon in place of fetch",
  otherTab: "another tab loads a page while alice logs out",
};

/** What an app of the deployment keeps its sessions in. The last one is two steps. */
export const DEPLOYMENT_CASES = {
  cookies: "cookies",
  cookiesToStore: "cookies, then a store",
  memorystore: "memorystore",
  connectRedis: "connect-redis",
  connectRedisUpdate: "and its update",
  updateLater: "the drop-in, then its update",
};

/** What is asked of each, in the order of time. "Old" is the app without the drop-in. */
export const DEPLOYMENT_QUESTIONS = {
  sideBySide: "side by side: logged in before",
  newLogin: "side by side: logs in at the new one",
  newThenOld: "side by side: logout at the new one, late answer of the old",
  oldThenNew: "side by side: logout at the old one, late answer of the new",
  before: "the new one alone: logged in before",
  newThenNew: "the new one alone: a logout",
  endedBefore: "the new one alone: a copied cookie, logged out before",
  back: "rollback: logged in before, pages since",
  backNoPage: "rollback: logged in before, no page since",
  backFromNew: "rollback: logged in at the new one",
  endedWithNew: "rollback: a copied cookie, logged out at the new one",
};

/** What can be said of a session, and whether that is good. */
export const DEPLOYMENT_ANSWERS = {
  in: "✓ logged in",
  out: "✗ logged out",
  lasts: "✓ logged out",
  later: "✗ logged out at the new one only",
  lost: "✗ logged in again",
  dead: "✓ refused",
  works: "✗ works",
};
