import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HistoriesReport } from "./histories/try-histories.ts";
import type { DeepReport, Report, TwoProcessReport } from "./observe.ts";

/** What was seen of each snippet, by its name. */
export type Observed = Record<
  string,
  Report & { deep?: DeepReport; twoProcesses?: TwoProcessReport }
>;

/** Where it is kept, from the top folder. The posts' lines of verdict are made of it. */
export const OBSERVED_FILE = join("assets", "verdicts.json");

/**
 * Reads what the last run with `--write` saw.
 * @param root the path of the repository's top folder
 */
export const readObserved = (root: string): Observed =>
  JSON.parse(readFileSync(join(root, OBSERVED_FILE), "utf8"));

/** Keeps what a run saw, for the tables. */
export const writeObserved = (root: string, observed: Observed): void =>
  writeFileSync(
    join(root, OBSERVED_FILE),
    `${JSON.stringify(observed, null, 2)}\n`,
  );

/** What came of the histories of each snippet, by its name. */
export type HistoriesSeen = Record<string, HistoriesReport>;

/** Where that is kept. */
export const HISTORIES_FILE = join("assets", "histories.json");

/** Reads what the last run with `--histories` and `--write` saw. */
export const readHistories = (root: string): HistoriesSeen =>
  JSON.parse(readFileSync(join(root, HISTORIES_FILE), "utf8"));

/** Keeps what a run saw, with a snippet in each line. */
export function writeHistories(root: string, seen: HistoriesSeen): void {
  const lines = Object.entries(seen).map(
    ([name, report]) => `${JSON.stringify(name)}: ${JSON.stringify(report)}`,
  );
  const file = join(root, HISTORIES_FILE);
  writeFileSync(file, `{\n${lines.join(",\n")}\n}\n`);
}

/** When the orders were last tried, and with what. */
export interface Measured {
  /** A day, such as 2026-11-27. */
  date: string;
  node: string;
  /** Names of packages, with their versions. */
  versions: string[];
}

const MEASURED_FILE = join("assets", "measured.json");

/** Reads when that was. */
export const readMeasured = (root: string): Measured =>
  JSON.parse(readFileSync(join(root, MEASURED_FILE), "utf8"));

/** Keeps that it was today, with the Node that runs and the packages that are installed. */
export function writeMeasured(root: string): void {
  const versions = ["express-openid-connect", "express"].map((name) => {
    const file = join(root, "node_modules", name, "package.json");
    return `${name} ${JSON.parse(readFileSync(file, "utf8")).version}`;
  });
  const date = new Date().toISOString().slice(0, 10);
  const measured: Measured = { date, node: process.versions.node, versions };
  const text = `${JSON.stringify(measured, null, 2)}\n`;
  writeFileSync(join(root, MEASURED_FILE), text);
}
