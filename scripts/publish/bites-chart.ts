import type { EChartsOption } from "echarts";
import { IDP_MS, type Run, SENDINGS, SETUPS, sharesOf } from "./bites-data.ts";
import { ALARM, drawChart, FAINT, FONT } from "./chart.ts";

const WIDTH = 760;
const HEIGHT = 510;
const LEFT = 176;
const TOP = 76;
const ACROSS = 196;
const DOWN = 132;
const PANEL = { width: 164, height: 88 };

/** What the page sends `/update` with, in two lines. */
const WORDS = {
  fetch: "fetch",
  keepalive: "fetch with\nkeepalive: true",
  beacon: "sendBeacon",
};

/**
 * Draws the share of logouts after which the user is logged in, against the time that `/update`
 * takes: a panel for each browser and each way to send.
 * @param runs all runs of the measurement
 * @returns the text of an SVG file
 */
export function bitesChart(runs: Run[]): string {
  const panels = SENDINGS.flatMap((sending, row) =>
    SETUPS.map(({ name }, column) => ({
      left: LEFT + column * ACROSS,
      top: TOP + row * DOWN,
      shares: sharesOf(runs, name, sending),
    })),
  );
  const most = Math.max(...runs.map(({ updateMs }) => updateMs));
  const axis = { axisLabel: FONT, axisLine: { lineStyle: { color: FAINT } } };
  const option: EChartsOption = {
    title: [
      ...SETUPS.map(({ name }, column) => ({
        text: name.replace(" without ", ",\nno "),
        left: LEFT + column * ACROSS,
        top: 4,
        padding: 0,
        textStyle: { ...FONT, fontWeight: "bold" as const, lineHeight: 20 },
      })),
      ...SENDINGS.map((sending, row) => ({
        text: WORDS[sending],
        left: 0,
        top: TOP + row * DOWN + 20,
        padding: 0,
        textStyle: { ...FONT, fontWeight: "normal" as const, lineHeight: 20 },
      })),
      {
        text: "how long POST /update takes",
        left: LEFT,
        top: HEIGHT - 34,
        padding: 0,
        textStyle: { ...FONT, fontWeight: "normal" as const },
      },
    ],
    grid: panels.map(({ left, top }) => ({ left, top, ...PANEL })),
    xAxis: panels.map((_, gridIndex) => ({
      ...axis,
      gridIndex,
      type: "value",
      min: 0,
      max: most,
      interval: 1000,
      splitLine: { show: false },
      axisLabel: {
        ...FONT,
        formatter: (ms: number) => `${ms / 1000} s`,
      },
    })),
    yAxis: panels.map((_, gridIndex) => ({
      ...axis,
      gridIndex,
      type: "value",
      min: 0,
      max: 100,
      interval: 100,
      axisLabel: {
        ...FONT,
        show: gridIndex % SETUPS.length === 0,
        formatter: "{value} %",
      },
      splitLine: { lineStyle: { color: FAINT, opacity: 0.4 } },
    })),
    series: panels.map(({ shares }, index) => ({
      type: "line",
      xAxisIndex: index,
      yAxisIndex: index,
      data: shares.map(({ updateMs, losing, runs }) => [
        updateMs,
        (losing / runs) * 100,
      ]),
      symbol: "circle",
      symbolSize: 6,
      clip: false,
      itemStyle: { color: ALARM },
      lineStyle: { color: ALARM, width: 2 },
      areaStyle: { color: ALARM, opacity: 0.2 },
      markLine: {
        symbol: "none",
        // One panel says what the line is.
        label: {
          ...FONT,
          show: index === 0,
          formatter: "logout hop",
          position: "end",
        },
        lineStyle: { color: FAINT, type: "dashed", width: 2 },
        data: [{ xAxis: IDP_MS }],
      },
    })),
  };
  const title = "How often a logout does not hold, and how long /update takes";
  const told = { title, description: tell(runs) };
  return drawChart(option, { width: WIDTH, height: HEIGHT }, told);
}

/** Tells the same in words. */
const tell = (runs: Run[]): string =>
  SETUPS.flatMap(({ name }) =>
    SENDINGS.map((sending) => {
      const points = sharesOf(runs, name, sending).map(
        ({ updateMs, losing, runs }) =>
          `${losing} of ${runs} at ${updateMs} ms`,
      );
      return `${name}, ${sending}: ${points.join(", ")}.`;
    }),
  ).join(" ");
