import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readAsset, writeAsset, writeLines } from "../cli/assets.ts";
import type { HistoriesReport } from "./histories/try-histories.ts";
import type { DeepReport, Report, TwoProcessReport } from "./observe.ts";

/** What was seen of each snippet, by its name. */
export type Observed = Record<
  string,
  Report & { deep?: DeepReport; twoProcesses?: TwoProcessReport }
>;

/** Reads what the last run with `--write` saw. The posts' lines of verdict are made of it. */
export const readObserved = (root: string): Observed =>
  readAsset(root, "verdicts.json");

/** Keeps what a run saw. */
export const writeObserved = (root: string, observed: Observed): void =>
  writeAsset(root, "verdicts.json", observed);

/** What came of the histories of each snippet, by its name. */
type HistoriesSeen = Record<string, HistoriesReport>;

/** Reads what the last run with `--histories` and `--write` saw. */
export const readHistories = (root: string): HistoriesSeen =>
  readAsset(root, "histories.json");

/** Keeps what a run saw. */
export const writeHistories = (root: string, seen: HistoriesSeen): void =>
  writeLines(root, "histories.json", seen);

/** When the orders were last tried, and with what. */
interface Measured {
  /** A day, such as 2026-11-27. */
  date: string;
  node: string;
  /** Names of packages, with their versions. */
  versions: string[];
}

/** Reads when that was. */
export const readMeasured = (root: string): Measured =>
  readAsset(root, "measured.json");

/** Keeps that it was today, with the Node that runs and the packages that are installed. */
export function writeMeasured(root: string): void {
  const versions = ["express-openid-connect", "express"].map((name) => {
    const file = join(root, "node_modules", name, "package.json");
    return `${name} ${JSON.parse(readFileSync(file, "utf8")).version}`;
  });
  const date = new Date().toISOString().slice(0, 10);
  const measured: Measured = { date, node: process.versions.node, versions };
  writeAsset(root, "measured.json", measured);
}
