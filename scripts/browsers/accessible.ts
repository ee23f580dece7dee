import axe from "axe-core";
import type { Page } from "puppeteer-core";

/** The windows that a page is looked at in. It has to fit the narrow one (WCAG 2.2, 1.4.10). */
const WIDTHS = { dark: 320, light: 1000 };

/**
 * Looks at the page that a browser shows, with all rules of axe-core, in two windows.
 * @param canBeDark whether the browser lets us choose the dark; puppeteer can't in Firefox
 * @returns what a screen reader, or whoever has a small window, would have trouble with, a line each
 */
export async function inspect(
  page: Page,
  canBeDark: boolean,
): Promise<string[]> {
  const problems: string[] = [];
  await page.evaluate(axe.source);
  for (const [value, width] of Object.entries(WIDTHS)) {
    const scheme = { name: "prefers-color-scheme", value };
    if (canBeDark) await page.emulateMediaFeatures([scheme]);
    await page.setViewport({ width, height: 800 });
    const { violations } = (await page.evaluate("axe.run()")) as axe.AxeResults;
    const needed = Number(await page.evaluate("document.body.scrollWidth"));
    const where = `"${await page.title()}", ${width} pixels wide`;
    for (const { id, help, nodes } of violations)
      for (const { html } of nodes)
        problems.push(`${where}: ${help} (${id}): ${html}`);
    if (needed > width) problems.push(`${where}: it needs ${needed} pixels`);
  }
  return problems;
}
