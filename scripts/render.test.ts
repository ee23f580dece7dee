import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import express from "express";
import type { Browser } from "puppeteer-core";
import { findBrowser, HOW_TO_INSTALL, launchBrowser } from "./lib/installed.ts";
import { problemsOf, readSource } from "./lib/rendered.ts";
import {
  blogAddress,
  blogFiles,
  buildBlog,
  findJekyll,
  githubFiles,
  HOW_TO_INSTALL_JEKYLL,
  writeFiles,
} from "./lib/site.ts";
import { copyRepository, ROOT, skipUnless } from "./lib/testing.ts";

const chromium = findBrowser("chromium");
const jekyll = findJekyll();
const needsChromium = skipUnless(
  "chromium",
  chromium !== undefined,
  HOW_TO_INSTALL.chromium,
);
const needsJekyll = skipUnless(
  "jekyll",
  jekyll !== undefined,
  HOW_TO_INSTALL_JEKYLL,
);

/** Who renders: what it is called in problems, what it needs, and what it makes. */
const RENDERERS = {
  blog: {
    skip: needsChromium || needsJekyll,
    readme: false,
    async render(root: string, folder: string) {
      writeFiles(folder, blogFiles(root));
      return buildBlog(String(jekyll), folder);
    },
    address: blogAddress,
  },
  GitHub: {
    skip: needsChromium,
    readme: true,
    async render(root: string, folder: string) {
      writeFiles(folder, githubFiles(root));
      return folder;
    },
    address: (name: string) => `/posts/${name}`,
  },
};

let browser: Browser;

before(async () => {
  if (chromium) browser = await launchBrowser("chromium", chromium);
});

after(() => browser?.close());

/**
 * Renders all posts of a repository, and looks at each.
 * @returns the problems, by the name of the post
 */
async function lookAtAll(
  t: TestContext,
  renderer: keyof typeof RENDERERS,
  root: string,
): Promise<Record<string, string[]>> {
  const { render, address, readme } = RENDERERS[renderer];
  const folder = mkdtempSync(join(tmpdir(), "in-flight-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const pages = await render(root, folder);
  const server = express()
    .use((request, _response, next) => {
      // Jekyll's own server finds README.md.html, too, when it is asked for README.md.
      request.url = request.url.replace(/\.md$/, ".md.html");
      next();
    })
    .use(express.static(pages, { dotfiles: "allow" }))
    .listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;

  const found: Record<string, string[]> = {};
  const look = async (file: string, addressOf: (text: string) => string) => {
    const text = readFileSync(join(root, file), "utf8");
    const url = new URL(addressOf(text), `http://127.0.0.1:${port}`);
    found[file] = await problemsOf(browser, url.href, readSource(text));
  };
  for (const name of readdirSync(join(root, "posts"))) {
    await look(`posts/${name}`, (text) => address(name, text));
  }
  if (readme) await look("README.md", () => "/README.md");
  return found;
}

const PICTURE = "![A race.](../assets/broken.svg)";
const WIDE = ["a wide column", "-", "a cell"]
  .map((cell) => `|${` ${cell} |`.repeat(12)}`)
  .join("\n");

/** A post with one mistake, and the problems that each renderer, or both, have to have with it. */
interface Mistake {
  text: string;
  both?: string[];
  blog?: string[];
  GitHub?: string[];
}

const MISTAKES: Record<string, Mistake> = {
  none: {
    text: `Some \`code\`, [a link](#here).\n\n## Here\n\n${PICTURE}\n\n${WIDE}`,
  },
  "a picture that is missing": {
    text: "![A race.](../assets/gone.svg)",
    both: ["the picture ../assets/gone.svg is broken"],
  },
  "a picture that can't be read": {
    text: "![A race.](../assets/malformed.svg)",
    blog: ["the picture /assets/malformed.svg is broken"],
    GitHub: ["the picture ../assets/malformed.svg is broken"],
  },
  "a picture that is missing in the dark": {
    text:
      '<picture><source media="(prefers-color-scheme: dark)" ' +
      'srcset="../assets/gone.svg 2x"><img alt="A race." ' +
      'src="../assets/broken.svg"></picture>',
    both: ["the picture ../assets/gone.svg is broken"],
  },
  "a picture without an alt text": {
    text: "![](../assets/broken.svg)",
    blog: ["the picture /assets/broken.svg has no alt text"],
    GitHub: ["the picture ../assets/broken.svg has no alt text"],
  },
  "a picture that Liquid takes away": {
    text: `{% comment %}${PICTURE}{% endcomment %}`,
    blog: ["it has 0 pictures, and the source has 1"],
    GitHub: ["it shows “{% comment %}{% endcomment %}”"],
  },
  "a picture of another host": {
    text: "![A race.](http://pictures.test/race.svg)",
    both: [
      "the picture http://pictures.test/race.svg is broken",
      "it asks another host: http://pictures.test/race.svg",
    ],
  },
  "a link to no file": {
    text: "[A link](../snippets/gone.ts).",
    both: ["the link ../snippets/gone.ts is dead: 404"],
  },
  "a link to no heading": {
    text: "[A link](#gone).",
    both: ["the link #gone leads to no heading"],
  },
  "a link to no heading of the other post": {
    text: "[A link](2023-03-11-a-better-idea.md#gone).",
    blog: ["the link /posts/a-better-idea.html#gone leads to no heading"],
    GitHub: ["the link 2023-03-11-a-better-idea.md#gone leads to no heading"],
  },
  // GitHub shows what is in a folder.
  "a link to a folder": {
    text: "[A link](../snippets/).",
    blog: ["the link ../snippets/ is dead: 404"],
  },
  "Liquid in a fence": {
    text: "```js\nconst one = 1;\nconst name = `{{ page.title }}`;\n```",
    blog: [
      "of the code blocks, number 1 has “const name = `Liquid in a fence`;”, " +
        "and in the source “const name = `{{ page.title }}`;”",
    ],
  },
  "Liquid in a piece of code": {
    text: "Say `{{ page.title }}`.",
    blog: [
      "of the pieces of code, number 1 has “Liquid in a piece of code”, " +
        "and in the source “{{ page.title }}”",
    ],
  },
  "Liquid in a sentence": {
    text: "Say {{ page.title }}.",
    GitHub: ["it shows “Say {{ page.title }}.”"],
  },
  "a comment with two ends": {
    text: "<!-- snippet: --> -->\n\nText.",
    blog: ["it shows “–>”"],
    GitHub: ["it shows “-->”", "“-->” is in no paragraph"],
  },
  // It begins a block of HTML for GitHub, and the rest of the line is in that.
  "a comment that begins a line": {
    text: "Sent in\n<!-- seen: a.b -->19<!-- /seen --> of the orders.",
    GitHub: ["“19 of the orders.” is in no paragraph"],
  },
  // For the blog's parser it is part of the paragraph.
  "a table that touches a paragraph": {
    text: "These are they:\n| a | b |\n| - | - |\n| c | d |",
    blog: ["it has 0 tables, and the source has 1"],
  },
  "a table with a class of kramdown's": {
    text: `${WIDE}\n{: .wide }`,
    blog: [
      "of the tables, number 1 has “cells 12,12”, and in the source “cells 12,12,12”",
    ],
    GitHub: ["it shows “{: .wide }”"],
  },
  // GitHub lets no style through.
  "a table that is cut off": {
    text: `<style>table { overflow: hidden; }</style>\n\n${WIDE}`,
    blog: ["N are cut off at 360 pixels, first th “a wide column”"],
    GitHub: ["“table { overflow: hidden; }” is in no paragraph"],
  },
  "a table that does not scroll": {
    text: `<style>table { overflow: visible; }</style>\n\n${WIDE}`,
    blog: ["it is N pixels wide on a screen of 360"],
    GitHub: ["“table { overflow: visible; }” is in no paragraph"],
  },
  "a second title": {
    text: "# Another one",
    both: ["it has 2 titles, and the source has 1"],
  },
};

for (const renderer of ["blog", "GitHub"] as const) {
  const { skip } = RENDERERS[renderer];

  describe(`the posts, as ${renderer} shows them`, { skip }, () => {
    test("are whole, and nothing in them is broken", async (t) => {
      const found = await lookAtAll(t, renderer, ROOT);
      for (const [file, problems] of Object.entries(found)) {
        assert.deepEqual(problems, [], `${file}, as ${renderer} shows it`);
      }
    });

    test("are said to have each mistake", async (t) => {
      const { folder, write } = copyRepository(t);
      write("assets/malformed.svg", "<svg>");
      const name = (mistake: string) =>
        `posts/2023-03-12-${mistake.replace(/\W+/g, "-")}.md`;
      for (const [mistake, { text }] of Object.entries(MISTAKES)) {
        const top = `---\nlayout: post\ntitle: ${mistake}\n---\n`;
        write(name(mistake), `${top}\n${text}\n`);
      }
      write("posts/undated.md", "---\nlayout: post\ntitle: None\n---\n");
      const found = await lookAtAll(t, renderer, folder);
      for (const [mistake, { both = [], ...only }] of Object.entries(
        MISTAKES,
      )) {
        const expected = only[renderer] ?? both;
        // How many pixels a text takes depends on the machine's fonts.
        const problems = found[name(mistake)]?.map((problem) =>
          problem.replace(/\d+ (?=are cut off|pixels wide)/, "N "),
        );
        assert.deepEqual(problems, expected, mistake);
      }
      // Jekyll takes no notice of a post without a date in its name.
      const undated = renderer === "blog" ? ["there is no page: 404"] : [];
      assert.deepEqual(found["posts/undated.md"], undated);
    });
  });
}
