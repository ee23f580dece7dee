import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "puppeteer-core";
import { ROOT } from "../cli/root.ts";
import {
  type FigureName,
  figureFile,
  THEMES,
} from "../publish/figures-list.ts";
import {
  type Snippet,
  SnippetError,
  startTogether,
  withTogether,
} from "../servers/snippet.ts";
import { launchWithDevtools } from "./devtools.ts";
import { NetworkPanel, type Picture } from "./network-panel.ts";

/** What the pictures of one snippet show: who is logged in at the end, and the list. */
export interface Story {
  /** The snippet's path. */
  file: string;
  /** The picture of the list. */
  figure: FigureName;
  title: string;
  /** The rows: name without query, method, status, and how many cookies are set. */
  rows: string[];
  /** Photographs more than the list. */
  photographMore?: (panel: NetworkPanel, pictures: Pictures) => Promise<void>;
}

/** The stories of the first post. */
export const STORIES: Story[] = [
  {
    file: join(ROOT, "snippets", "broken.ts"),
    figure: "network-list",
    title: "alice is logged in",
    rows: [
      "update POST 200 1",
      "logout GET 302 2",
      "end GET 200 2",
      "confirm POST 303 2",
      "localhost GET 200 1",
    ],
    photographMore: photographCookies,
  },
  {
    file: join(ROOT, "snippets", "fix-ordering.ts"),
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
];

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

/** What the snippets are told: the times that they take by themselves, which the list shows. */
const ENVIRONMENT = {
  UPDATE_MS: "400",
  IDP_MS: "800",
  CLOCK_STANDS_AT: String(NEW_YEAR),
};

/** How wide the columns of the cookie tables are, from the left; what comes after is cut off. */
const WITH_EXPIRY = [112, 122, 76, 46, 180, 54];
const WITHOUT_EXPIRY = [112, 356, 76, 46];

/** A picture that does not show what it is to show. */
class FigureError extends SnippetError {
  constructor(figure: FigureName, message: string) {
    super(`${figure}: ${message}`);
  }
}

type Pictures = Map<FigureName, Picture>;

/** Writes the figures of stories into a folder, once all are photographed. */
type WriteFigures = (stories: Story[], to: string) => Promise<FigureName[]>;

/**
 * Starts the browser and the stories' snippets, which takes longer than to photograph them.
 * @param chromium where the browser is, as `findBrowser` says
 * @param cancel aborts to close all of them
 * @param work is given a function that photographs some of the stories and writes their figures; the
 * function throws a {@link SnippetError}, and writes nothing, when the panel does not show the stories
 * @returns what came of the work
 * @throws {BrowserError} when the browser does not start
 * @throws {SnippetError} when anything else fails, with what the snippets have printed
 */
export async function withFigures<Result>(
  chromium: string,
  cancel: AbortSignal,
  work: (write: WriteFigures) => Promise<Result>,
): Promise<Result> {
  const { page, tools, close } = await launchWithDevtools(chromium);
  cancel.addEventListener("abort", close);
  try {
    cancel.throwIfAborted();
    const panel = new NetworkPanel(tools);
    const files = STORIES.map(({ file }) => file);
    const starting = startTogether(files, cancel, ENVIRONMENT);
    return await withTogether(starting, async (snippets) => {
      let shown: string | undefined;
      return work(async (stories, to) => {
        const pictures: Pictures = new Map();
        for (const story of stories) {
          // What the panel shows already need not happen again.
          if (story.file !== shown) {
            const snippet = snippets[files.indexOf(story.file)] as Snippet;
            await logIn(page, snippet.baseURL);
            await logOut(page, panel);
            shown = story.file;
          }
          await photograph(story, page, panel, pictures);
        }
        mkdirSync(to, { recursive: true });
        for (const [name, picture] of pictures) {
          for (const theme of THEMES) {
            writeFileSync(join(to, figureFile(name, theme)), picture[theme]);
          }
        }
        return [...pictures.keys()];
      });
    });
  } finally {
    cancel.removeEventListener("abort", close);
    await close();
  }
}

/** Logs in as alice, on the provider's page, with a browser that has no cookies. */
async function logIn(page: Page, baseURL: string): Promise<void> {
  await page.bringToFront();
  const session = await page.createCDPSession();
  await session.send("Network.clearBrowserCookies");
  await session.detach();
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

/**
 * Photographs the figures of a story, once it is sure that the panel shows it.
 * @throws {FigureError} when it does not
 */
async function photograph(
  { figure, title, rows, photographMore }: Story,
  page: Page,
  panel: NetworkPanel,
  pictures: Pictures,
): Promise<void> {
  const columns = ["name", "method", "status", "set-cookies"] as const;
  const listed = (await panel.rows(columns)).map((row) =>
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
  await photographMore?.(panel, pictures);
  // The last, since it depends on the machine, too.
  await expectLateUpdate(figure, panel);
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
  await panel.closeRequest();
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
