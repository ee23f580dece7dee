// The time of this process, provider and apps and browsers together, which a test can move forward.

let aheadMs = 0;
const RealDate = Date;

globalThis.Date = class extends RealDate {
  constructor(...given: []) {
    if (given.length > 0) super(...given);
    else super(RealDate.now() + aheadMs);
  }

  static override now(): number {
    return RealDate.now() + aheadMs;
  }
} as DateConstructor;

/** Lets some hours pass. */
export function passHours(hours: number): void {
  aheadMs += hours * 60 * 60 * 1000;
}
