/** A mistake in the command line. */
export class UsageError extends Error {}

/**
 * Runs a command, and ends the process with its exit code: 2, with a line on standard error, when
 * the command line makes no sense.
 * @param name the command's name, as in `npm run NAME`
 * @throws {Error} whatever else the command throws, since that is a mistake of ours
 */
export async function runCommand(
  name: string,
  main: () => number | Promise<number>,
): Promise<void> {
  // Whoever reads the output may stop early, as head does. That is no mistake.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit();
  });
  try {
    process.exitCode = await main();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const misused =
      error instanceof UsageError || code?.startsWith("ERR_PARSE_ARGS");
    if (!misused) throw error;
    console.error(`${name}: ${message}\nTry: npm run ${name} -- --help`);
    process.exitCode = 2;
  }
}
