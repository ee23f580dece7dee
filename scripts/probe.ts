import { runCommand, untilSignal } from "./base/command.ts";
import { runProbe } from "./probe/run-probe.ts";

await runCommand("probe", async () => {
  const cancel = untilSignal();
  const code = await runProbe(process.argv.slice(2), process, cancel);
  // A request that is held would keep the process alive.
  process.exit(code);
});
