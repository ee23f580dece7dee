import type { BoundingBox, ElementHandle, Page } from "puppeteer-core";

// Reads the tables of the developer tools, and measures them.

/** A row of any table. */
export const ROW = "tr.data-grid-data-grid-node";

/** Reads the rows of a table, of which each column has a class by its name. */
export const readRows = <Column extends string>(
  table: ElementHandle,
  columns: readonly Column[],
): Promise<Record<Column, string>[]> =>
  table.$$eval(
    `>>> ${ROW}`,
    (rows, columns) =>
      rows.map((row) =>
        Object.fromEntries(
          columns.map((column) => [
            column,
            // biome-ignore lint/performance/useDomNodeTextContent: Hidden text is in no picture.
            row.querySelector(`.${column}-column`).innerText.trim(),
          ]),
        ),
      ),
    columns,
  ) as Promise<Record<Column, string>[]>;

/** Reads the text of elements, in the page. */
export const textOf = (elements: { textContent: string }[]): string =>
  elements.map((element) => element.textContent.trim()).join("");

/**
 * Finds out whether the cells of a column show more of an encrypted value than its header, which
 * ends at the first dot (RFC 7516, section 3.1) and is no secret.
 */
export const showsSecret = (table: ElementHandle): Promise<boolean> =>
  table.$$eval(`>>> ${ROW} .value-column`, (cells) =>
    cells.some((cell) => {
      const text = [...cell.childNodes].find(
        (node) => node.nodeType === node.TEXT_NODE && node.data.includes("."),
      );
      if (!text) return false;
      const range = cell.ownerDocument.createRange();
      range.setStart(text, 0);
      range.setEnd(text, text.data.indexOf("."));
      const { right } = range.getBoundingClientRect();
      return right < cell.getBoundingClientRect().right;
    }),
  );

/**
 * Drags the borders of a table's columns to where they have to be, from left to right.
 * @param widths the columns' widths, in CSS pixels
 */
export async function setWidths(
  { mouse }: Page,
  table: ElementHandle,
  widths: number[],
): Promise<void> {
  const { x, y } = await boxOf(table);
  const handles = await table.$$(">>> .data-grid-resizer");
  let border = x;
  for (const [at, width] of widths.entries()) {
    border += width;
    await mouse.move(await centerOf(handles[at]), y + 5);
    await mouse.down();
    await mouse.move(border, y + 5);
    await mouse.up();
  }
  await mouse.move(0, 0);
  const headings = await table.$$(">>> thead th");
  for (const [at, width] of widths.entries()) {
    const made = await boxOf(headings[at]);
    if (Math.abs(made.width - width) > 1) {
      throw new Error("a column can't be as wide as it is to be");
    }
  }
}

/** Tells where an element is, in CSS pixels. */
export async function boxOf(
  element: ElementHandle | undefined,
): Promise<BoundingBox> {
  const box = await element?.boundingBox();
  if (!box) throw new Error("the panel does not show what is looked for");
  return box;
}

/** Tells where the middle of an element is, from the left. */
async function centerOf(element: ElementHandle | undefined): Promise<number> {
  const { x, width } = await boxOf(element);
  return x + width / 2;
}

/** Tells where the last of some elements ends, in CSS pixels. */
export async function bottomOf(elements: ElementHandle[]): Promise<number> {
  const { y, height } = await boxOf(elements.at(-1));
  return y + height;
}
