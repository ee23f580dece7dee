import type { Message, Task } from "./workers.ts";

// Does tasks for the process that has started this one: see workers.ts.

const [, , module = ""] = process.argv;
const { work } = await import(module);
const send = (message: Message) => process.send?.(message, () => {});

process.on("message", async (task: Task) => {
  const progress = (share: number) => send({ progress: share });
  try {
    send({ result: await work(task, progress) });
  } catch (error) {
    send({ problem: (error as Error).message });
  }
});
// As when it is killed: what keeps a browser or a Redis ends that, and clears up.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
