import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { marked } from "marked";
import type { Browser, ElementHandle, Page } from "puppeteer-core";
import { ROOT } from "../cli/root.ts";
import { skipUnless } from "../cli/testing.ts";
import { readRace } from "../verify/record-race.ts";
import { inspect } from "./accessible.ts";
import {
  BROWSER_NAMES,
  findBrowser,
  HOW_TO_INSTALL,
  launchBrowser,
} from "./installed-browsers.ts";

const ASSETS = join(ROOT, "assets");
const PAGE = pathToFileURL(join(ASSETS, "race.html")).href;
const RACE = readRace(ROOT);

/** What of the element a reader sees and hears. */
interface Shown {
  /** The order, a letter for each step. */
  order: string;
  told: string;
  state: string[];
  count: string;
  /** What has the focus. */
  focus: string;
}

/** Runs in the page, and reads the element. */
const READ = `{
  const { shadowRoot } = document.querySelector("logout-race");
  const text = (one) => one?.textContent.replace(/\\s+/g, " ").trim() ?? "";
  const all = (selector) => [...shadowRoot.querySelectorAll(selector)];
  ({
    order: all("ol li").map((item) => text(item)[1]).join(""),
    told: text(shadowRoot.querySelector(".told")),
    state: all(".state li").map(text),
    count: text(shadowRoot.querySelector(".count")),
    focus: text(shadowRoot.activeElement),
  })
}`;

/** Runs in the page, and finds the rows whose words are higher than they are. */
const OVERFULL = `
  [...document.querySelector("logout-race").shadowRoot
    .querySelectorAll("ol li > :first-child")]
    .filter(({ scrollHeight, clientHeight }) => scrollHeight > clientHeight)
    .map(({ textContent }) => textContent)`;

const read = (page: Page) => page.evaluate(READ) as Promise<Shown>;

/** Finds a part of the element. */
async function part(page: Page, selector: string): Promise<ElementHandle> {
  const found = await page.$(`logout-race >>> ${selector}`);
  assert.ok(found, selector);
  return found;
}

const click = async (page: Page, selector: string) =>
  (await part(page, selector)).click();

async function press(page: Page, key: "Tab" | "Enter" | "ArrowUp", times = 1) {
  for (let time = 0; time < times; time++) await page.keyboard.press(key);
}

/** Says in words what is recorded in letters. */
const stateOf = (look = ""): string[] => [
  `The cookie jar has ${look.includes("j") ? "the" : "no"} session cookie.`,
  `In the browser, ${look.includes("a") ? "alice" : "nobody"} is logged in.`,
  `The server ${look.includes("c") ? "takes" : "refuses"} a copy of the cookie.`,
];

for (const name of BROWSER_NAMES) {
  const path = findBrowser(name);
  const skip = skipUnless(name, Boolean(path), HOW_TO_INSTALL[name]);
  describe(`the race in ${name}`, { skip }, () => {
    let browser: Browser;
    let page: Page;
    const asked: string[] = [];

    before(async () => {
      browser = await launchBrowser(name, path as string, {
        // In Firefox, nobody else can ask for the dark.
        extraPrefsFirefox: {
          "layout.css.prefers-color-scheme.content-override": 0,
        },
      });
      page = await browser.newPage();
      page.on("request", (request) => asked.push(request.url()));
      await page.setViewport({ width: 390, height: 844 });
      await page.goto(PAGE);
    });
    after(() => browser?.close());

    test("begins with an order that goes wrong, and is for everybody", async () => {
      const { told, order } = await read(page);
      assert.equal(order, "uullluu");
      assert.match(
        told,
        /^✗ This logout did not hold\. .* she is logged in\.$/,
      );
      assert.deepEqual(await inspect(page, name === "chromium"), []);
      await page.setViewport({ width: 390, height: 844 });
    });

    test("goes step by step, and shows what was recorded", async () => {
      const looks = RACE.broken ?? {};
      for (let now = 0; now <= 7; now++) {
        await click(page, "#next");
        const { told, order, state } = await read(page);
        assert.deepEqual(state, stateOf(looks[order.slice(0, now)]));
        if (now === 0) assert.match(told, /^Nothing has happened yet\./);
        else if (now < 7)
          assert.match(told, RegExp(`^Step ${now} of 7\\. The `));
        // What has not happened yet looks different, and has to be read as well.
        if (now === 4) {
          assert.deepEqual(await inspect(page, name === "chromium"), []);
          await page.setViewport({ width: 390, height: 844 });
        }
      }
      await click(page, "#back");
      assert.match((await read(page)).told, /^Step 6 of 7\./);
    });

    test("shows the next one that goes wrong", async () => {
      await click(page, "#wrong");
      const first = await read(page);
      assert.match(first.count, /^19 of the 35 orders .* number 1 of them/);
      await click(page, "#another");
      const second = await read(page);
      assert.match(second.count, /number 2 of them/);
      assert.notEqual(second.order, first.order);
      assert.match(second.told, /did not hold/);
      assert.deepEqual(second.state, stateOf(RACE.broken?.[second.order]));
    });

    test("is used by keys alone", async () => {
      await page.goto(PAGE);
      await press(page, "Tab", 2);
      assert.equal((await read(page)).focus, "/update sent with the cookie");
      await press(page, "Tab", 3);
      await press(page, "ArrowUp");
      const moved = await read(page);
      // Its focus goes with it.
      assert.match(moved.focus, /^\/update stored cookie set/);
      assert.equal(moved.order, "uulluul");
      assert.match(moved.told, /^✓ This logout held\..*to place 6 of 7\.$/);
      await press(page, "Tab");
      assert.match((await read(page)).focus, /Earlier$/);
      await press(page, "Enter", 2);
      assert.equal((await read(page)).order, "uuuulll");
      // There is nothing before it any more.
      await press(page, "Enter");
      assert.equal((await read(page)).order, "uuuulll");
    });

    test("is used by dragging", async () => {
      await page.goto(PAGE);
      const grip = await part(page, "ol li:last-child .grip");
      const target = await part(page, "ol li:first-child");
      const [from, to] = [await middle(grip), await middle(target)];
      await page.mouse.move(from.x, from.y);
      await page.mouse.down();
      await page.mouse.move(from.x, to.y, { steps: 8 });
      await page.mouse.up();
      assert.equal((await read(page)).order, "uuuulll");
      // Nothing follows the pointer any more.
      await page.mouse.move(from.x, from.y);
      assert.equal((await read(page)).order, "uuuulll");
    });

    test("says of each server what was recorded, and what cannot happen", async () => {
      await page.goto(PAGE);
      const select = await part(page, "select");
      for (const [server, looks] of Object.entries(RACE)) {
        await select.select(server);
        const { order, state, told, count } = await read(page);
        const look = looks[order];
        const [lost] = [...count.matchAll(/^\d+|None/g)].map(String);
        const losing = Object.entries(looks).filter(
          ([key, look]) => key.length === 7 && look.includes("a"),
        );
        if (look === undefined) {
          assert.match(told, /^This order cannot happen\. .* waits /);
          assert.match(count, /^Of the 35 orders, 1 can happen .* None leaves/);
          continue;
        }
        assert.deepEqual(state, stateOf(look), server);
        assert.match(told, look.includes("a") ? /^✗/ : /^✓/, server);
        assert.equal(lost, String(losing.length || "None"), server);
      }
    });

    test("has room for its words, on a phone, a blog and a desk", async () => {
      await page.goto(PAGE);
      for (const width of [390, 740, 1012]) {
        await page.setViewport({ width, height: 844 });
        assert.deepEqual(await page.evaluate(OVERFULL), [], `${width} pixels`);
      }
      await page.setViewport({ width: 390, height: 844 });
    });

    test("has what fingers can hit", async () => {
      const small = (await page.evaluate(`
        [...document.querySelector("logout-race").shadowRoot
          .querySelectorAll("button, select, summary, .grip")]
          .filter((one) => {
            const { width, height } = one.getBoundingClientRect();
            return width < 44 || height < 44;
          })
          .map(({ outerHTML }) => outerHTML)`)) as string[];
      assert.deepEqual(small, []);
    });

    test("asks nobody for anything", () => {
      assert.ok(asked.length > 0);
      const foreign = asked.filter((url) => !/^(file|data):/.test(url));
      assert.deepEqual(foreign, []);
    });

    test("is in the post, and a picture where its script does not run", async (t) => {
      let hasScript = false;
      const server = createServer((request, response) => {
        const path = request.url ?? "";
        const type = path.endsWith(".js") ? "text/javascript" : "image/svg+xml";
        const isAsset = /^\/assets\/[\w./-]+$/.test(path);
        if (path.endsWith(".js") && !hasScript) response.statusCode = 404;
        response.setHeader("content-type", isAsset ? type : "text/html");
        response.end(isAsset ? readFileSync(join(ROOT, path)) : post());
      }).listen(0, "127.0.0.1");
      t.after(() => server.close().closeAllConnections());
      await new Promise((resolve) => server.once("listening", resolve));
      const { port } = server.address() as { port: number };
      const origin = `http://127.0.0.1:${port}`;
      const address = `${origin}/posts/post.html`;
      asked.length = 0;
      await page.goto(address);
      const picture = await page.$("logout-race img");
      const box = await picture?.boundingBox();
      assert.ok(box && box.width > 300 && box.height > 300);

      hasScript = true;
      await page.goto(address);
      await page.evaluate(
        'customElements.whenDefined("logout-race").then(() => {})',
      );
      assert.match((await read(page)).told, /did not hold/);
      const isForeign = (url: string) =>
        !url.startsWith(origin) && !url.startsWith("data:");
      assert.ok(asked.includes(`${origin}/assets/race.js`));
      assert.deepEqual(asked.filter(isForeign), []);
    });
  });
}

/** The first post, as a blog has it. */
function post(): string {
  const file =
    "posts/2023-03-10-express-openid-connect-and-in-flight-requests.md";
  const text = readFileSync(join(ROOT, file), "utf8");
  const html = marked.parse(text.replace(/^---\n.*?\n---\n/s, ""));
  return `<!doctype html><html lang="en"><title>Post</title>${html}`;
}

async function middle(one: ElementHandle) {
  const box = await one.boundingBox();
  assert.ok(box);
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

test("the element is small, with all that it has to know", () => {
  const bytes = gzipSync(readFileSync(join(ASSETS, "race.js"))).length;
  assert.ok(bytes < 30_000, `it has ${bytes} bytes, compressed`);
});
