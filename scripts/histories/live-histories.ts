import { travel } from "../bed/clock.ts";
import type { Ledger } from "./ledger.ts";

const HOUR_MS = 60 * 60 * 1000;

/** Histories that are played at once, with the same servers. */
export class LiveHistories {
  readonly all = new Set<{ ledger: Ledger; loginsInFlight: number }>();
  /** Requests may be answered with 503. */
  readonly mayFail: boolean;
  /** No time can pass now. */
  isFaulty = false;
  readonly #turns = new Set<Promise<unknown>>();
  #passing: Promise<boolean> | undefined;

  constructor(mayFail = false) {
    this.mayFail = mayFail;
  }

  /** Does something while no time passes. */
  async turn(work: () => Promise<unknown>): Promise<void> {
    while (this.#passing) await this.#passing;
    const turn: Promise<unknown> = work().finally(() =>
      this.#turns.delete(turn),
    );
    this.#turns.add(turn);
    await turn;
  }

  /**
   * Lets time pass while nothing else happens, if it can.
   * @returns whether it has passed
   */
  async pass(hours: number): Promise<boolean> {
    if (this.#passing || !this.#canPass()) return false;
    this.#passing = Promise.allSettled(this.#turns).then(async () => {
      if (!this.#canPass()) return false;
      await travel(hours * HOUR_MS);
      for (const { ledger } of this.all) ledger.pass(hours);
      return true;
    });
    try {
      return await this.#passing;
    } finally {
      this.#passing = undefined;
    }
  }

  /** The code of a login does not live long. */
  #canPass = (): boolean =>
    !this.isFaulty &&
    [...this.all].every(({ loginsInFlight }) => loginsInFlight === 0);
}
