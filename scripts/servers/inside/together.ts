import { pathToFileURL } from "node:url";

// Runs the snippets that its command line names, one after the other, in this process.

// Each of them waits for Ctrl-C.
process.setMaxListeners(0);
for (const file of process.argv.slice(2)) {
  // A snippet prints its name.
  process.argv[1] = file;
  await import(pathToFileURL(file).href);
}
console.log("all of them listen");
