import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Page } from "puppeteer-core";
import { findBrowser, HOW_TO_INSTALL } from "../browsers/installed-browsers.ts";
import {
  endProgress,
  progressLine,
  runCommand,
  untilSignal,
} from "../cli/command.ts";
import { ROOT } from "../cli/root.ts";
import {
  FIGURES,
  FIGURES_FOLDER,
  type FigureName,
} from "../publish/figures-list.ts";
import { SnippetError, startSnippet, withSnippet } from "../servers/snippet.ts";
import { launchForPictures, type NetworkPanel } from "./devtools.ts";

const CAPTIONS = Object.entries(FIGURES)
  .map(([name, { caption }]) => `  ${name.padEnd(18)}  ${caption}`)
  .join("\n");

const HELP = `Usage: npm run figures -- [options]

Makes the figures of the first post: pictures of Chromium's own developer tools.
Starts broken.ts and fix-ordering.ts, logs in, opens the Network panel, clicks
log out, and photographs what the panel shows then. Nothing is written unless
the panel shows what each figure is to show.

Figures:
${CAPTIONS}

Options:
  --to FOLDER   write the figures to another folder than the post's
  -h, --help    print this

Environment:
  CHROMIUM  where Chromium or Chrome is, if it is not found

Exit code: 0 when all are written, 1 when none is, 2 for invalid arguments.
`;

/** What the pictures of one snippet show: who is logged in at the end, and the list. */
interface Story {
  figure: FigureName;
  title: string;
  /** The rows: name without query, method, status, and how many cookies are set. */
  rows: string[];
}

const STORIES: Record<"broken" | "fix-ordering", Story> = {
  broken: {
    figure: "network-list",
    title: "alice is logged in",
    rows: [
      "update POST 200 1",
      "logout GET 302 2",
      "end GET 200 2",
      "confirm POST 303 2",
      "localhost GET 200 1",
    ],
  },
  "fix-ordering": {
    figure: "fixed-network-list",
    title: "Nobody is logged in",
    rows: [
      "update POST 200 0",
      "logout GET 302 2",
      "end GET 200 2",
      "confirm POST 303 2",
      "localhost GET 200 0",
    ],
  },
};

/** How much later than `/logout` `/update` has to end, as a share of the waterfall's length: 13 pixels. */
const VISIBLY_LATER = 0.05;

/**
 * The snippets' clock stands still, or no two pictures of a cookie would be the same. It stands at
 * the next new year: the pictures are the same for a year, and no cookie has expired for the
 * browser, whose clock goes on. A browser keeps cookies for 400 days at most, so it can't be later.
 */
const NEW_YEAR = Date.UTC(new Date().getUTCFullYear() + 1, 0, 1);

/** When a cookie expires that is set then: after a day, the library's `rollingDuration`. */
const A_DAY_LATER = new Date(NEW_YEAR + 24 * 60 * 60 * 1000).toISOString();

/** What a snippet's process is told: the times that it takes by itself, which the list shows. */
const ENVIRONMENT = {
  UPDATE_MS: "400",
  IDP_MS: "800",
  CLOCK_STANDS_AT: String(NEW_YEAR),
};

/** How wide the columns of the cookie tables are, from the left; what comes after is cut off. */
const WITH_EXPIRY = [112, 122, 76, 46, 180, 54];
const WITHOUT_EXPIRY = [112, 356, 76, 46];

/** A picture that does not show what it is to show. */
class FigureError extends Error {
  constructor(figure: FigureName, message: string) {
    super(`${figure}: ${message}`);
  }
}

type Pictures = Map<FigureName, Uint8Array>;

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

  const cancel = untilSignal();
  const progress = progressLine("Photographing");
  const pictures: Pictures = new Map();
  try {
    progress(0);
    await photograph("broken", chromium, cancel, pictures);
    progress(0.6);
    await photograph("fix-ordering", chromium, cancel, pictures);
  } catch (error) {
    endProgress();
    if (cancel.aborted) return cancel.reason;
    if (error instanceof FigureError || error instanceof SnippetError) {
      console.error(`figures: ${error.message}`);
      return 1;
    }
    throw error;
  }
  endProgress();

  mkdirSync(to, { recursive: true });
  for (const [name, picture] of pictures) {
    writeFileSync(join(to, `${name}.png`), picture);
    console.log(`${name}.png: ${FIGURES[name].caption}`);
  }
  return 0;
}

/**
 * Photographs a snippet's figures.
 * @throws {FigureError} when the panel does not show what they are to show
 * @throws {SnippetError} when anything else fails, with what the snippet has printed
 */
async function photograph(
  name: keyof typeof STORIES,
  chromium: string,
  cancel: AbortSignal,
  pictures: Pictures,
): Promise<void> {
  let wrong: FigureError | undefined;
  await withSnippet(
    startSnippet(join(ROOT, "snippets", `${name}.ts`), cancel, ENVIRONMENT),
    async ({ baseURL }) => {
      const { page, openPanel, close } = await launchForPictures(chromium);
      cancel.addEventListener("abort", close);
      try {
        cancel.throwIfAborted();
        await logIn(page, baseURL);
        const panel = await openPanel();
        await logOut(page, panel);
        await photographList(STORIES[name], page, panel, pictures);
        if (name === "broken") await photographCookies(panel, pictures);
        // The last, since it depends on the machine, too.
        await expectLateUpdate(STORIES[name].figure, panel);
      } catch (error) {
        if (!(error instanceof FigureError)) throw error;
        wrong = error;
      } finally {
        cancel.removeEventListener("abort", close);
        await close();
      }
    },
  );
  if (wrong) throw wrong;
}

/** Logs in as alice, on the provider's page. */
async function logIn(page: Page, baseURL: string): Promise<void> {
  await page.goto(baseURL);
  await page.locator('aria/Log in[role="link"]').click();
  await page.locator('aria/alice[role="button"]').click();
  await page.waitForSelector('aria/Log out[role="button"]');
}

/** Clicks *log out* with an empty list in the panel, and waits until that has all of it. */
async function logOut(page: Page, panel: NetworkPanel): Promise<void> {
  await panel.clear();
  await page.bringToFront();
  await page.locator('aria/Log out[role="button"]').click();
  await panel.showList("localhost");
}

/** Photographs the list, once it is sure that it shows the story. */
async function photographList(
  { figure, title, rows }: Story,
  page: Page,
  panel: NetworkPanel,
  pictures: Pictures,
): Promise<void> {
  const listed = (await panel.rows()).map((row) =>
    [row.name.split("?")[0], row.method, row.status, row["set-cookies"]].join(
      " ",
    ),
  );
  for (const [at, row] of rows.entries()) {
    expect(figure, "a row of the list", listed[at], row);
  }
  expect(figure, "the count of rows", listed.length, rows.length);
  expect(figure, "the page's title", await page.title(), title);
  pictures.set(figure, await panel.photographList());
}

/** Fails unless `/update` ends so much later than `/logout` that the list shows it. */
async function expectLateUpdate(
  figure: FigureName,
  panel: NetworkPanel,
): Promise<void> {
  const bars = await panel.bars();
  const all = [...bars.values()];
  const start = Math.min(...all.map((bar) => bar.start));
  const end = Math.max(...all.map((bar) => bar.end));
  const endOf = (name: string) => bars.get(name)?.end ?? Number.NaN;
  const later = (endOf("update") - endOf("logout")) / (end - start);
  if (!(later > VISIBLY_LATER)) {
    throw new FigureError(figure, "update does not end visibly after logout");
  }
}

/** Photographs the cookies, once it is sure that they tell who is logged in, and why. */
async function photographCookies(
  panel: NetworkPanel,
  pictures: Pictures,
): Promise<void> {
  // An encrypted value, in the compact form of RFC 7516 with no key of its own.
  const encrypted = /^eyJ[\w-]*\.\.[\w-]+\.[\w-]+\.[\w-]+$/;

  await panel.openRequest("localhost", "Cookies");
  const sent = await panel.cookies("request");
  const names = sent.map((cookie) => cookie.name).join(" ");
  const home = "home-cookies";
  expect(home, "the request cookies", names, "appSession skipSilentLogin");
  expect(home, "the value", sent[0]?.value, encrypted);
  expect(home, "the expiry", sent[0]?.expires, A_DAY_LATER);
  pictures.set(home, await panel.photographCookies("request", WITH_EXPIRY));
  await panel.closeRequest();

  // The Cookies tab takes the cookies of a response for session cookies, whenever they expire. So
  // the headers show that this one is cleared, and the table of the next is cut off before.
  await panel.openRequest("logout", "Headers");
  const [skip, cleared, ...more] = await panel.headers("set-cookie");
  const logout = "logout-cookies";
  expect(logout, "a header", skip, /^skipSilentLogin=true;/);
  expect(logout, "a header", cleared, /^appSession=;.* 1970 00:00:00 GMT;/);
  expect(logout, "the count of other cookies", more.length, 0);
  pictures.set(logout, await panel.photographHeaders("set-cookie"));
  await panel.closeRequest();

  await panel.openRequest("update", "Cookies");
  const update = "update-cookies";
  for (const kind of ["request", "response"] as const) {
    const cookies = await panel.cookies(kind);
    expect(update, `the count of ${kind} cookies`, cookies.length, 1);
    expect(update, "the cookie", cookies[0]?.name, "appSession");
    expect(update, "the value", cookies[0]?.value, encrypted);
  }
  const widths = WITHOUT_EXPIRY;
  pictures.set(update, await panel.photographCookies("response", widths));
}

/** Fails with a line that tells what is in the panel in place of what has to be there. */
function expect(
  figure: FigureName,
  what: string,
  seen: string | number | undefined,
  expected: string | number | RegExp,
): void {
  const isRight =
    expected instanceof RegExp
      ? expected.test(String(seen))
      : seen === expected;
  if (isRight) return;
  const shown = String(seen).slice(0, 60);
  throw new FigureError(figure, `${what} is ${shown}, not ${expected}`);
}

await runCommand("figures", main);
