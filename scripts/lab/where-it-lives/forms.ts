import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RequestHandler } from "express";
import type { Library } from "./packages.ts";

const require = createRequire(import.meta.url);
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const FOLDER = join(ROOT, "snippets", "drop-in");

export type LastingLogout = (
  auth: Library["auth"],
  config: object,
  options?: object,
) => RequestHandler;

/** Loads the drop-in in each of its forms. */
export async function loadForms(): Promise<
  Record<"ts" | "cjs" | "es2016", LastingLogout>
> {
  const ts = await import(join(FOLDER, "lasting-logout.ts"));
  const cjs = require(join(FOLDER, "lasting-logout.cjs"));
  return {
    ts: ts.lastingLogout,
    cjs: cjs.lastingLogout,
    es2016: compileForES2016(),
  };
}

/** Compiles the drop-in as a project does that has an old target: no function is `async` then. */
function compileForES2016(): LastingLogout {
  const folder = mkdtempSync(join(tmpdir(), "in-flight-es2016-"));
  try {
    // It requires what the repository has installed.
    const modules = "node_modules";
    symlinkSync(join(ROOT, modules), join(folder, modules), "junction");
    const words = ["--target", "es2016", "--module", "commonjs"];
    const quiet = ["--noCheck", "--ignoreConfig", "--skipLibCheck"];
    const file = join(FOLDER, "lasting-logout.ts");
    const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
    const { status, stdout } = spawnSync(
      process.execPath,
      [tsc, file, ...words, ...quiet, "--outDir", folder],
      { encoding: "utf8" },
    );
    if (status !== 0) throw new Error(stdout);
    return require(join(folder, "lasting-logout.js")).lastingLogout;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
