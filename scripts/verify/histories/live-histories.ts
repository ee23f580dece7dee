import type { Ledger } from "./ledger.ts";

/** A history that is being played. */
export interface Live {
  ledger: Ledger;
  loginsInFlight: number;
}

/** Histories that are played at once, with the same servers. */
export class LiveHistories {
  readonly all = new Set<Live>();
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
  async turn<Result>(work: () => Promise<Result>): Promise<Result> {
    while (this.#passing) await this.#passing;
    const turn = work();
    this.#turns.add(turn);
    try {
      return await turn;
    } finally {
      this.#turns.delete(turn);
    }
  }

  /**
   * Lets time pass while nothing else happens, if it can.
   * @param travel moves the clocks
   * @returns whether it has passed
   */
  async pass(hours: number, travel: () => Promise<void>): Promise<boolean> {
    if (this.#passing || !this.#canPass()) return false;
    this.#passing = Promise.allSettled(this.#turns).then(async () => {
      if (!this.#canPass()) return false;
      await travel();
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
