import { readAsset } from "../cli/assets.ts";

/** Where deployment.test.ts keeps what it saw, in assets/. */
export const DEPLOYMENT_FILE = "deployment.json";

/** What an app keeps its sessions in before the deployment, and after it. The last one is two steps. */
export const CASES = {
  cookies: "cookies",
  cookiesToStore: "cookies, then a store",
  memorystore: "memorystore",
  connectRedis: "connect-redis",
  connectRedisUpdate: "and its update",
  updateLater: "the drop-in, then its update",
};

export type CaseName = keyof typeof CASES;

/** What can be said of a session, and whether that is good. */
const ANSWERS = {
  in: "✓ logged in",
  out: "✗ logged out",
  lasts: "✓ logged out",
  later: "✗ logged out at the new one only",
  lost: "✗ logged in again",
  dead: "✓ refused",
  works: "✗ works",
};

export type Answer = keyof typeof ANSWERS;

/**
 * What is asked of each case, in the order of time. "Old" is the app without the drop-in, "new" the
 * app with it.
 */
export const QUESTIONS = {
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

export type QuestionName = keyof typeof QUESTIONS;

/** What was seen of one case. */
export type Seen = Record<QuestionName, Answer> & {
  /** What is there after a rollback that the old app did not make. */
  leftBehind: string[];
};

export type Deployment = Record<CaseName, Seen>;

/** Reads what the last run that wrote has seen. */
export const readDeployment = (root: string): Deployment =>
  readAsset(root, DEPLOYMENT_FILE);

/** What was seen of some cases, for a table: a row for each question, and the headings above. */
export function deploymentRows(
  deployment: Deployment,
  cases: CaseName[],
): string[][] {
  const questions = Object.entries(QUESTIONS) as [QuestionName, string][];
  return [
    ["alice’s session, and her logouts", ...cases.map((one) => CASES[one])],
    ...questions.map(([name, words]) => [
      words,
      ...cases.map((one) => ANSWERS[deployment[one][name]]),
    ]),
    [
      "rollback: what stays behind",
      ...cases.map((one) => deployment[one].leftBehind.join(", ") || "none"),
    ],
  ];
}
