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

type Functions = Record<string, (...given: never[]) => unknown>;

const all: Functions = {};

/** Lets the process that has started this one call some more functions, by their names. */
export const answerCalls = (functions: Functions): void => {
  Object.assign(all, functions);
};

process.on("message", async ({ id, name, given }: Call) => {
  const reply: Reply = { id };
  try {
    const work = all[name];
    if (!work) throw new Error(`nothing that is loaded into it has ${name}()`);
    reply.result = await work(...(given as never[]));
  } catch (error) {
    reply.problem = (error as Error).message;
  }
  process.send?.(reply);
});
