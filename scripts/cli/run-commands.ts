import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "./root.ts";

// Runs the command lines that it gets as JSON, such as [["verify", "--help"]], one after the other
// in this process, for tests: to start a process takes longer than to print a line. Prints what
// came of each, as JSON.

/** What came of a command line. */
export interface Ran {
  code: typeof process.exitCode;
  stdout: string;
  stderr: string;
}

const lines: string[][] = JSON.parse(process.argv[2] ?? "[]");
const ran: Ran[] = [];
const { stdout, stderr } = process;
const write = stdout.write.bind(stdout);
for (const [at, [command = "", ...words]] of lines.entries()) {
  const result: Ran = { code: 0, stdout: "", stderr: "" };
  const keep = (stream: "stdout" | "stderr") => (text: string) => {
    result[stream] += text;
    return true;
  };
  stdout.write = keep("stdout") as typeof stdout.write;
  stderr.write = keep("stderr") as typeof stderr.write;
  const file = join(ROOT, "scripts", `${command}.ts`);
  process.argv = [process.execPath, file, ...words];
  process.exitCode = 0;
  // Each address is another module, so a command can run twice.
  await import(`${pathToFileURL(file)}?${at}`);
  result.code = process.exitCode;
  ran.push(result);
}
process.exitCode = 0;
write(JSON.stringify(ran));
