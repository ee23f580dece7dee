import { RULE_NAMES } from "../base/meanings.ts";
import type { RuleName } from "../base/results.ts";
import type { AnswerFacts, Entry, Ledger, LedgerSession } from "./ledger.ts";

type Judge = (
  entry: Entry,
  answer: AnswerFacts,
  ledger: Ledger,
) => string | false | null | undefined;

/** Whether a session had ended when a request was received. */
const hadEnded = (session: LedgerSession | undefined, { receivedAt }: Entry) =>
  session?.endedAt !== undefined &&
  session.endedAt < receivedAt &&
  !session.doubt;

/** Tells how an answer breaks each rule, in a sentence, or nothing. */
const JUDGES: Record<RuleName, Judge> = {
  "ended is ended"(entry, { told }, ledger) {
    const session = ledger.sessions.get(told?.login ?? "");
    return (
      hadEnded(session, entry) && `${told?.user} is in, whose session has ended`
    );
  },
  "nobody else"(entry, { told, login, keepsCookie }, ledger) {
    const { lastUser, session, begun } = entry;
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
  "nobody is thrown out"({ mustBeIn, session }, { told }) {
    const isOut = mustBeIn && session?.user && told && !told.user;
    return isOut && `${session.user} is out`;
  },
  "nothing is inherited"(entry, { told }, ledger) {
    const { browser, session } = entry;
    const foreign = told?.basket.find((item) => {
      const writer = ledger.items.get(item);
      // What is answered late may tell what its own user, or session, has had.
      const isHers = writer?.user && session?.user === writer.user;
      const isThen = writer?.session === session && !hadEnded(session, entry);
      if (item === entry.item || isHers || (session && isThen)) return false;
      return writer?.user
        ? writer.user !== told.user
        : writer?.browser !== browser;
    });
    const whose = ledger.items.get(foreign ?? "")?.user ?? "somebody else";
    return foreign && `${told?.user ?? "nobody"} sees ${whose}'s ${foreign}`;
  },
  "nothing is lost"(entry, { told }, ledger) {
    // Whoever is out sees nothing of it: that is another rule.
    const isOut = entry.session?.user && !told?.user;
    const [lost] = told && !isOut ? ledger.lost(entry, told) : [];
    return lost && `${lost} is gone`;
  },
  "as before": (_entry, { oddities }) =>
    oddities.length > 0 && oddities.join(", "),
};

/** A rule that is broken, and how. */
export interface Break {
  rule: RuleName;
  how: string;
}

/** Judges an answer. */
export const judge = (
  entry: Entry,
  answer: AnswerFacts,
  ledger: Ledger,
): Break[] =>
  RULE_NAMES.flatMap((rule) => {
    const how = JUDGES[rule](entry, answer, ledger);
    return how ? { rule, how } : [];
  });
