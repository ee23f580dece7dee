import { join } from "node:path";
import { parseArgs } from "node:util";
import { findBrowser, HOW_TO_INSTALL } from "../browsers/installed-browsers.ts";
import { runCommand } from "../cli/command.ts";
import { ROOT } from "../cli/root.ts";
import { FIGURES, FIGURES_FOLDER } from "../publish/figures-list.ts";
import { measure } from "./measure.ts";
import { STORIES, withFigures } from "./take-figures.ts";

const CAPTIONS = Object.entries(FIGURES)
  .map(([name, { caption }]) => `  ${name.padEnd(18)}  ${caption}`)
  .join("\n");

const HELP = `Usage: npm run figures -- [options]

Makes the figures of the first post: pictures of Chromium's own developer tools,
each in the light and in the dark theme. Starts broken.ts and fix-ordering.ts,
logs in, clicks log out, and photographs what the Network panel shows then.
Nothing is written unless the panel shows what each figure is to show.

Figures:
${CAPTIONS}

Options:
  --to FOLDER   write the figures to another folder than the post's
  -h, --help    print this

Environment:
  CHROMIUM  where Chromium or Chrome is, if it is not found

Exit code: 0 when all are written, 1 when none is, 2 for invalid arguments.
`;

/** Runs the command, and returns its exit code. */
async function main(): Promise<number> {
  const { values: options } = parseArgs({
    options: {
      to: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const to = options.to ?? join(ROOT, FIGURES_FOLDER);
  const chromium = findBrowser("chromium");
  if (!chromium) {
    console.error(`figures: chromium is missing: ${HOW_TO_INSTALL.chromium}`);
    return 1;
  }
  return measure(
    (cancel) => withFigures(chromium, cancel, (write) => write(STORIES, to)),
    (written) => {
      for (const name of written)
        console.log(`${name}: ${FIGURES[name].caption}`);
      return 0;
    },
  );
}

await runCommand("figures", main);
