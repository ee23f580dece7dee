import type { EChartsOption } from "echarts";
import type { Observed } from "../verify/observed.ts";
import {
  BASE,
  type Compared,
  compare,
  NO_AUTH,
  type Sample,
} from "./bench-data.ts";
import { ALARM, CALM, drawChart, FAINT, FONT, TEXT } from "./chart.ts";

/** What a snippet protects: what is asked of what was seen of it, and a heading. */
const PROTECTIONS: {
  name: string;
  heading: string;
  of: (seen: Observed[string]) => boolean;
}[] = [
  {
    name: "browser",
    heading: "browser",
    of: ({ observation }) => observation.browser === 0,
  },
  {
    name: "other routes",
    heading: "other\nroutes",
    of: ({ observation }) => observation.draft === 0,
  },
  {
    name: "copied cookie",
    heading: "copied\ncookie",
    of: ({ observation }) => observation.server === 0,
  },
  {
    name: "next user",
    heading: "next\nuser",
    of: ({ observation: { nextUser, lateRequest } }) =>
      nextUser === "bob" && lateRequest === "bob",
  },
];

/** A row of the chart: a server, by its name, and what it protects. */
export interface BenchRow {
  server: string;
  /** By the names of the protections; undefined for the server without `auth()`. */
  protects: Record<string, boolean> | undefined;
  /** In a process, and on Redis where it was measured there. */
  compared: Compared[];
}

/** Sorts what was measured by what it protects, the most of it last. */
export function benchChartRows(
  samples: Sample[],
  observed: Observed,
): BenchRow[] {
  const rows = new Map<string, BenchRow>();
  for (const one of compare(samples)) {
    const { server } = one;
    const compared = [...(rows.get(server)?.compared ?? []), one];
    rows.set(server, { server, protects: protects(server), compared });
  }
  const count = ({ server, protects }: BenchRow) => {
    if (server === NO_AUTH) return -2;
    if (server === BASE) return -1;
    return Object.values(protects ?? {}).filter(Boolean).length;
  };
  return [...rows.values()].sort((one, other) => count(one) - count(other));

  function protects(server: string): BenchRow["protects"] {
    const seen = observed[server];
    if (!seen) return undefined;
    // Who was caught with two processes protects nothing of theirs.
    const isCaught = Boolean(seen.twoProcesses?.lateWrite?.user);
    return Object.fromEntries(
      PROTECTIONS.map(({ name, of }) => [name, !isCaught && of(seen)]),
    );
  }
}

/** The legend. */
const NAMES = {
  safe: "protected",
  lost: "not protected",
  process: "in one process",
  Redis: "on Redis",
};

const CROSS = "path://M0 0L10 10M10 0L0 10";

const WIDTH = 716;
const TOP = 62;
const ROW = 28;
const BELOW = 60;
const MARKS = { left: 168, width: 288 };
const PLOT = { left: 470, width: 230 };

/** How far a dot is from the middle of its row, where there are two, as a part of that. */
const APART = 0.2;

/**
 * Draws what each server protects beside the processor's time that it takes.
 * @returns the text of an SVG file
 */
export function benchChart(samples: Sample[], observed: Observed): string {
  const rows = benchChartRows(samples, observed);
  const depth = rows.length * ROW;
  const height = TOP + depth + BELOW;
  const dots = rows.flatMap(({ compared }, at) =>
    compared.map(({ store, ratios }) => ({
      store,
      x: ratios.cpuMicroseconds,
      y: at + (compared.length > 1 ? (store === "Redis" ? APART : -APART) : 0),
    })),
  );
  const most = Math.ceil(Math.max(...dots.map(({ x }) => x)));
  const marks = rows.flatMap(({ protects }, y) =>
    PROTECTIONS.flatMap(({ name }, x) =>
      protects ? { x, y, isSafe: protects[name] === true } : [],
    ),
  );
  const across = {
    type: "value" as const,
    inverse: true,
    min: -0.5,
    max: rows.length - 0.5,
    show: false,
  };
  const dotsIn = (store: Compared["store"]) =>
    dots.filter((dot) => dot.store === store);
  const series = { xAxisIndex: 1, yAxisIndex: 1, clip: false };
  const option: EChartsOption = {
    title: {
      text: "processor's time,\ncompared with broken",
      left: PLOT.left,
      top: 4,
      padding: 0,
      textStyle: { ...FONT, fontWeight: "bold", lineHeight: 20 },
    },
    legend: {
      data: Object.values(NAMES),
      left: 0,
      bottom: 4,
      padding: 0,
      itemGap: 20,
      itemWidth: 12,
      itemHeight: 12,
      selectedMode: false,
      textStyle: FONT,
    },
    grid: [
      { ...MARKS, top: TOP, height: depth },
      { ...PLOT, top: TOP, height: depth },
    ],
    xAxis: [
      {
        type: "category",
        position: "top",
        data: PROTECTIONS.map(({ heading }) => heading),
        axisLine: { show: false },
        axisTick: { show: false },
        axisLabel: {
          ...FONT,
          fontWeight: "bold",
          lineHeight: 20,
          interval: 0,
          margin: 14,
        },
      },
      {
        gridIndex: 1,
        type: "value",
        min: 0,
        max: most,
        interval: 1,
        axisLine: { show: true, onZero: false, lineStyle: { color: FAINT } },
        axisLabel: { ...FONT, formatter: "{value} ×" },
        splitLine: { lineStyle: { color: FAINT, opacity: 0.4 } },
      },
    ],
    yAxis: [
      {
        type: "category",
        inverse: true,
        data: rows.map(({ server }) => server),
        axisLine: { show: false },
        axisTick: { show: false },
        axisLabel: { ...FONT, align: "left", margin: MARKS.left },
      },
      { gridIndex: 1, ...across },
    ],
    series: [
      {
        name: NAMES.safe,
        type: "scatter",
        symbol: "circle",
        symbolSize: 13,
        itemStyle: { color: CALM, opacity: 1 },
        data: marks.filter(({ isSafe }) => isSafe).map(({ x, y }) => [x, y]),
      },
      {
        name: NAMES.lost,
        type: "scatter",
        symbol: CROSS,
        symbolSize: 9,
        itemStyle: {
          color: ALARM,
          borderColor: ALARM,
          borderWidth: 2,
          opacity: 1,
        },
        data: marks.filter(({ isSafe }) => !isSafe).map(({ x, y }) => [x, y]),
      },
      {
        ...series,
        name: NAMES.process,
        type: "scatter",
        symbol: "rect",
        symbolSize: [4, 14],
        itemStyle: { color: TEXT, opacity: 1 },
        data: dotsIn("process").map(({ x, y }) => [x, y]),
        markLine: {
          symbol: "none",
          label: { show: false },
          lineStyle: { color: FAINT, type: "dashed", width: 2 },
          data: [{ xAxis: 1 }],
        },
      },
      {
        ...series,
        name: NAMES.Redis,
        type: "scatter",
        symbol: "diamond",
        symbolSize: 13,
        itemStyle: { color: TEXT, opacity: 1 },
        data: dotsIn("Redis").map(({ x, y }) => [x, y]),
      },
    ],
  };
  const title =
    "What each remedy protects, and the processor's time that it takes";
  const description = rows.map(tell).join(" ");
  return drawChart(option, { width: WIDTH, height }, { title, description });
}

/** Tells a row in words. */
function tell({ server, protects, compared }: BenchRow): string {
  const safe = PROTECTIONS.filter(({ name }) => protects?.[name]);
  const words = safe.map(({ name }) => name).join(", ") || "nothing";
  const times = compared.map(({ store, ratios }) => {
    const place = store === "Redis" ? " on Redis" : "";
    return `${ratios.cpuMicroseconds.toFixed(2)} times the processor's time${place}`;
  });
  const what = protects ? `protects ${words}; ` : "";
  return `${server}: ${what}${times.join(", ")}.`;
}
