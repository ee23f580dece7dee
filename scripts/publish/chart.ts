import { type EChartsOption, init } from "echarts";
import escapeHtml from "escape-html";

// What the charts have in common: the colours of the other pictures, on no background. Each has
// one for the dark.
export const TEXT = "#1f2328";
export const FAINT = "#818b98";
export const ALARM = "#cf222e";
export const CALM = "#0969da";

const IN_THE_DARK = {
  [TEXT]: "#e6edf3",
  [FAINT]: "#848d97",
  [ALARM]: "#f85149",
  [CALM]: "#58a6ff",
};

const STYLE = `<style>
@media (prefers-color-scheme: dark) {
${Object.entries(IN_THE_DARK)
  .flatMap(([light, dark]) =>
    ["fill", "stroke"].map(
      (how) => `  [${how}="${light}"] { ${how}: ${dark} }`,
    ),
  )
  .join("\n")}
}
</style>`;

export const FONT = {
  color: TEXT,
  fontFamily: "system-ui, sans-serif",
  fontSize: 15,
};

/**
 * Draws a chart.
 * @param option what ECharts draws
 * @param told what the picture shows: its title, and the same as the picture in words
 * @returns the text of an SVG file, which is the same whenever the chart is
 */
export function drawChart(
  option: EChartsOption,
  { width, height }: { width: number; height: number },
  told: { title: string; description: string },
): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width, height });
  chart.setOption({ animation: false, textStyle: FONT, ...option });
  const drawn = chart.renderToSVGString();
  chart.dispose();
  return `${drawn
    // A picture in an <img> takes no mouse, and names need not count the charts of a process.
    .replaceAll(/ class="[^"]*"| pointer-events="[^"]*"/g, "")
    .replace(/<style >.*?<\/style>\n/s, "")
    .replaceAll(/\bzr\d+-/g, "")
    .replace("<svg ", '<svg role="img" ')
    .replace(
      ">",
      `>\n<title>${told.title}</title>\n<desc>${escapeHtml(told.description)}</desc>\n${STYLE}`,
    )
    .trim()}\n`;
}
