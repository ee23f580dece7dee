import axe from "axe-core";
import type { Page } from "puppeteer-core";

/** How a page is looked at. The narrow window is the smallest that it has to fit (WCAG 2.2, 1.4.10). */
const LOOKS = [
  { scheme: "dark", width: 320 },
  { scheme: "light", width: 1000 },
];

/**
 * Looks at the page that a browser shows, in a narrow window in the dark and in a wide one in the
 * light.
 * @param canBeDark whether the browser lets us choose; puppeteer can't in Firefox
 * @returns what a screen reader, or whoever has a small window, would have trouble with, a line each
 */
export async function inspect(
  page: Page,
  canBeDark: boolean,
): Promise<string[]> {
  const problems: string[] = [];
  await page.evaluate(axe.source);
  for (const { scheme, width } of LOOKS) {
    if (canBeDark) {
      const feature = { name: "prefers-color-scheme", value: scheme };
      await page.emulateMediaFeatures([feature]);
    }
    await page.setViewport({ width, height: 800 });
    const found = await violations(page);
    const needed = await page.evaluate("document.body.scrollWidth");
    if (Number(needed) > width) found.push(`it needs ${needed} pixels`);
    const where = `"${await page.title()}", ${width} pixels wide`;
    problems.push(...found.map((problem) => `${where}: ${problem}`));
  }
  return problems;
}

/** Asks axe-core, with all its rules, for what is wrong with a page. */
async function violations(page: Page): Promise<string[]> {
  const { violations } = (await page.evaluate("axe.run()")) as axe.AxeResults;
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html }) => `${help} (${id}): ${html}`),
  );
}
