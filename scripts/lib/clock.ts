// Loaded into a snippet's process before the snippet. The verifier can move its clock forward, to
// see what a session does after a day, and the process ends with the verifier, however that ends.

let ahead = 0;
const RealDate = Date;

globalThis.Date = class extends RealDate {
  constructor(...given: []) {
    if (given.length > 0) super(...given);
    else super(RealDate.now() + ahead);
  }

  static override now(): number {
    return RealDate.now() + ahead;
  }
} as DateConstructor;

const realNow = performance.now.bind(performance);
performance.now = () => realNow() + ahead;

process.on("message", (milliseconds: number) => {
  ahead += milliseconds;
  process.send?.(ahead);
});
process.on("disconnect", () => process.exit());
// Only the snippet's servers keep the process alive.
process.channel?.unref();
