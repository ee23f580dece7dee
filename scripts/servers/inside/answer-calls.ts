/** A call of a function, from the process that has started this one. */
export interface Call {
  id: number;
  name: string;
  given: unknown[];
}

/** What came of a call: a result, or why there is none. */
export interface Reply {
  id: number;
  result?: unknown;
  problem?: string;
}

/** Lets the process that has started this one call some functions, by their names. */
export function answerCalls(
  functions: Record<string, (...given: never[]) => unknown>,
): void {
  process.on("message", async ({ id, name, given }: Call) => {
    const work = functions[name];
    if (!work) return;
    const reply: Reply = { id };
    try {
      reply.result = await work(...(given as never[]));
    } catch (error) {
      reply.problem = (error as Error).message;
    }
    process.send?.(reply);
  });
}
