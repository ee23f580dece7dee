import type { Answer, Ledger, Session, Visit } from "./ledger.ts";

/** A rule that has to hold for each answer, whatever was in flight. */
interface Rule {
  name: string;
  /** What it says, in a sentence. */
  meaning: string;
  /** Tells how an answer breaks it, in a sentence, or nothing. */
  broken(
    visit: Visit,
    answer: Answer,
    ledger: Ledger,
  ): string | false | null | undefined;
}

/** Whether a session had ended when a request was received. */
const hadEnded = (session: Session | undefined, { receivedAt }: Visit) =>
  session?.endedAt !== undefined &&
  session.endedAt < receivedAt &&
  !session.doubt;

export const RULES = [
  {
    name: "ended is ended",
    meaning: "no request after a logout counts as its user",
    broken(visit, { told }, ledger) {
      const session = ledger.sessions.get(told?.login ?? "");
      return (
        hadEnded(session, visit) &&
        `${told?.user} is in, whose session has ended`
      );
    },
  },
  {
    name: "nobody else",
    meaning: "a request counts as the user who logged in last there",
    broken(visit, { told, login, keepsCookie }, ledger) {
      const { lastUser, session, begun } = visit;
      // The cookie of a session that had ended may have come after the last login's.
      const isBack = ledger.isForgotten(told);
      const isOther = told?.user && told.user !== lastUser && !isBack;
      if (isOther)
        return `${told.user} is in, and the last login is ${lastUser}'s`;
      // Where nobody knows whether it has ended, the same user may go on with it.
      const mayGoOn = session?.doubt && session.user === begun?.user;
      // Whoever knows the value from before would be in, too.
      const isKnown = login && keepsCookie && begun !== session && !mayGoOn;
      return isKnown && "a login has the session cookie from before";
    },
  },
  {
    name: "nobody is thrown out",
    meaning: "who has not logged out stays in until the session ends",
    broken({ mustBeIn, session }, { told }) {
      const isOut = mustBeIn && session?.user && told && !told.user;
      return isOut && `${session.user} is out`;
    },
  },
  {
    name: "nothing is inherited",
    meaning: "what one user has written, the next one does not see",
    broken(visit, { told }, ledger) {
      const { browser, session } = visit;
      const foreign = told?.basket.find((item) => {
        const writer = ledger.items.get(item);
        // What is answered late may tell what its own user, or session, has had.
        const isHers = writer?.user && session?.user === writer.user;
        const isThen = writer?.session === session && !hadEnded(session, visit);
        if (item === visit.item || isHers || (session && isThen)) return false;
        return writer?.user
          ? writer.user !== told.user
          : writer?.browser !== browser;
      });
      const whose = ledger.items.get(foreign ?? "")?.user ?? "somebody else";
      return foreign && `${told?.user ?? "nobody"} sees ${whose}'s ${foreign}`;
    },
  },
  {
    name: "nothing is lost",
    meaning: "what a request has changed is there at the next one",
    broken(visit, { told }, ledger) {
      // Whoever is out sees nothing of it: that is another rule.
      const isOut = visit.session?.user && !told?.user;
      const [lost] = told && !isOut ? ledger.lost(visit, told) : [];
      return lost && `${lost} is gone`;
    },
  },
  {
    name: "as before",
    meaning: "cookies, attributes and headers are the library's",
    broken: (_visit, { oddities }) =>
      oddities.length > 0 && oddities.join(", "),
  },
] as const satisfies Rule[];

export type RuleName = (typeof RULES)[number]["name"];

/** A rule that is broken, and how. */
export interface Break {
  rule: RuleName;
  how: string;
}

/** Judges an answer. */
export const judge = (visit: Visit, answer: Answer, ledger: Ledger): Break[] =>
  RULES.flatMap(({ name, broken }) => {
    const how = (broken as Rule["broken"])(visit, answer, ledger);
    return how ? { rule: name, how } : [];
  });
