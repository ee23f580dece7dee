import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { marked } from "marked";
import type { Browser, ElementHandle, Page } from "puppeteer-core";
import { readResult } from "../base/results.ts";
import { ROOT } from "../base/root.ts";
import { skipUnless } from "../base/testing.ts";
import { inspect } from "../browsers/accessible.ts";
import {
  BROWSER_NAMES,
  findBrowser,
  HOW_TO_INSTALL,
  launchBrowser,
} from "../browsers/installed-browsers.ts";
import { STATES } from "./race-orders.ts";

const PAGE = pathToFileURL(join(ROOT, "assets", "race.html")).href;
const POST =
  "posts/2023-03-10-express-openid-connect-and-in-flight-requests.md";
const PHONE = { width: 390, height: 844 };

/** Runs in the page, and reads what of the element a reader sees and hears. */
const READ = `{
  const { shadowRoot } = document.querySelector("logout-race");
  const text = (one) => one?.textContent.replace(/\\s+/g, " ").trim() ?? "";
  const all = (selector) => [...shadowRoot.querySelectorAll(selector)];
  const isSmall = (one) => {
    const { width, height } = one.getBoundingClientRect();
    return width < 44 || height < 44;
  };
  const isOverfull = (one) => one.scrollHeight > one.clientHeight;
  ({
    order: all("ol li").map((item) => text(item)[1]).join(""),
    told: text(shadowRoot.querySelector(".told")),
    state: all(".state li").map(text),
    count: text(shadowRoot.querySelector(".count")),
    focus: text(shadowRoot.activeElement),
    small: all("button, select, summary, .grip").filter(isSmall).map(text),
    overfull: all("ol li > :first-child").filter(isOverfull).map(text),
  })
}`;
type Shown = Record<"order" | "told" | "count" | "focus", string> &
  Record<"state" | "small" | "overfull", string[]>;

const read = (page: Page) => page.evaluate(READ) as Promise<Shown>;

async function part(page: Page, selector: string): Promise<ElementHandle> {
  const found = await page.$(`logout-race >>> ${selector}`);
  assert.ok(found, selector);
  return found;
}

const click = async (page: Page, selector: string) =>
  (await part(page, selector)).click();

/** Says in words what is recorded in letters. */
const stateOf = (look = "") =>
  Object.entries(STATES).map(([letter, words]) => words(look.includes(letter)));

async function middleOf(page: Page, selector: string) {
  const box = await (await part(page, selector)).boundingBox();
  assert.ok(box);
  return [box.x + box.width / 2, box.y + box.height / 2] as const;
}

for (const name of BROWSER_NAMES) {
  const path = findBrowser(name);
  const skip = skipUnless(name, Boolean(path), HOW_TO_INSTALL[name]);
  describe(`the race in ${name}`, { skip }, () => {
    let browser: Browser;
    let page: Page;
    const isAccessible = async () => {
      assert.deepEqual(await inspect(page, name === "chromium"), []);
      await page.setViewport(PHONE);
    };

    before(async () => {
      browser = await launchBrowser(name, path as string, {
        // In Firefox, nobody else can ask for the dark.
        extraPrefsFirefox: {
          "layout.css.prefers-color-scheme.content-override": 0,
        },
      });
      page = await browser.newPage();
      await page.setViewport(PHONE);
      await page.goto(PAGE);
    });
    after(() => browser?.close());

    test("goes step by step, and is for everybody", async () => {
      const { told, order } = await read(page);
      assert.equal(order, "uullluu");
      assert.match(told, /^✗ This logout did not hold\./);
      await isAccessible();
      const { broken } = readResult(ROOT, "race");
      for (let now = 0; now <= 7; now++) {
        await click(page, "#next");
        const { told, state } = await read(page);
        assert.deepEqual(state, stateOf(broken?.[order.slice(0, now)]));
        const step = now === 0 ? /^Nothing / : RegExp(`^Step ${now} of 7\\. `);
        if (now < 7) assert.match(told, step);
        // What has not happened yet looks different, and has to be read as well.
        if (now === 4) await isAccessible();
      }
      await click(page, "#back");
      assert.match((await read(page)).told, /^Step 6 of 7\./);
      await click(page, "#wrong");
      assert.match((await read(page)).count, /^19 of the 35 .* number 1 of/);
      await click(page, "#another");
      assert.match((await read(page)).count, /number 2 of them/);
    });

    test("is used by keys alone, or by dragging", async () => {
      await page.goto(PAGE);
      for (let time = 0; time < 5; time++) await page.keyboard.press("Tab");
      await page.keyboard.press("ArrowUp");
      const moved = await read(page);
      // Its focus goes with it.
      assert.match(moved.focus, /^\/update stored cookie set/);
      assert.equal(moved.order, "uulluul");
      assert.match(moved.told, /^✓ This logout held\..*to place 6 of 7\.$/);
      await page.keyboard.press("Tab");
      // There is nothing before it after the second time.
      for (let time = 0; time < 3; time++) await page.keyboard.press("Enter");
      assert.equal((await read(page)).order, "uuuulll");

      await page.goto(PAGE);
      const from = await middleOf(page, "ol li:last-child .grip");
      const [, top] = await middleOf(page, "ol li:first-child");
      await page.mouse.move(...from);
      await page.mouse.down();
      await page.mouse.move(from[0], top, { steps: 8 });
      await page.mouse.up();
      // Nothing follows the pointer any more.
      await page.mouse.move(...from);
      assert.equal((await read(page)).order, "uuuulll");
    });

    test("says of each server what was recorded, and has room for it", async () => {
      await page.goto(PAGE);
      const select = await part(page, "select");
      for (const [server, looks] of Object.entries(readResult(ROOT, "race"))) {
        await select.select(server);
        const { order, told, state, count } = await read(page);
        const look = looks[order];
        const begin = look === undefined ? /^This order cannot/ : /^[✗✓]/;
        assert.match(told, begin, server);
        assert.equal(told.startsWith("✗"), Boolean(look?.includes("a")));
        if (look !== undefined) assert.deepEqual(state, stateOf(look), server);
        const losing = Object.entries(looks).filter(
          ([key, look]) => key.length === 7 && look.includes("a"),
        );
        const many = RegExp(`^(Of .*happen.*)?${losing.length || "None"} `);
        assert.match(count, many, server);
      }
      for (const width of [1012, 740, 390]) {
        await page.setViewport({ ...PHONE, width });
        const { small, overfull } = await read(page);
        assert.deepEqual([small, overfull], [[], []], `${width} pixels`);
      }
    });

    test("is in the post, and a picture where its script does not run", async (t) => {
      let hasScript = false;
      const server = createServer(({ url = "" }, response) => {
        const [, path, type] = url.match(/^\/(assets\/[\w./-]+\.(\w+))$/) ?? [];
        const types = { js: "text/javascript", svg: "image/svg+xml" };
        const mime = types[type as "js"] ?? "text/html";
        const status = type === "js" && !hasScript ? 404 : 200;
        response.writeHead(status, { "content-type": mime });
        response.end(path ? readFileSync(join(ROOT, path)) : post());
      }).listen(0, "127.0.0.1");
      t.after(() => server.close().closeAllConnections());
      await once(server, "listening");
      const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const asked: string[] = [];
      page.on("request", (request) => asked.push(request.url()));
      await page.goto(`${origin}/posts/post.html`);
      const picture = await page.$("logout-race img");
      assert.ok(Number((await picture?.boundingBox())?.height) > 300);

      hasScript = true;
      await page.reload();
      const isThere =
        'customElements.whenDefined("logout-race").then(() => {})';
      await page.evaluate(isThere);
      assert.match((await read(page)).told, /did not hold/);
      // Nobody else is asked for anything.
      const isOurs = (url: string) =>
        /^data:/.test(url) || url.startsWith(origin);
      assert.ok(asked.includes(`${origin}/assets/race.js`));
      assert.ok(asked.every(isOurs), asked.join("\n"));
    });
  });
}

/** The first post, as a blog has it. */
function post(): string {
  const text = readFileSync(join(ROOT, POST), "utf8");
  const html = marked.parse(text.replace(/^---\n.*?\n---\n/s, ""));
  return `<!doctype html><html lang="en"><title>Post</title>${html}`;
}
