import Module, { createRequire } from "node:module";

/** The install hint of the laboratory's packages: other versions, and stores that are not ours. */
export const HOW_TO_INSTALL_PACKAGES = "npm ci --prefix scripts/lab";

export type Express = typeof import("express");
export type Library = typeof import("express-openid-connect");

const require = createRequire(import.meta.url);
const requireOfLab = createRequire(new URL("../lab/x.js", import.meta.url));

/** Loads a package of the laboratory, such as `connect-redis-6`. */
export const loadFromLab = (name: string) => requireOfLab(name);

/** Tells whether the laboratory's packages are installed. */
export function hasPackages(): boolean {
  try {
    return Boolean(requireOfLab.resolve("express-openid-connect-2.17.0"));
  } catch {
    return false;
  }
}

const loader = Module as unknown as {
  _load(request: string, ...rest: unknown[]): unknown;
};
const realLoad = loader._load;

/** What `require("express")` finds while the library is loaded. */
let express = "express";
// `_resolveFilename` is not asked twice for what one folder requires.
loader._load = function (request, ...rest) {
  const name = request === "express" ? express : request;
  return realLoad.call(this, name, ...rest);
};

const loaded = new Map<string, { express: Express; library: Library }>();

/**
 * Loads Express and the library, which requires the Express that the app has.
 * @param version one that the laboratory has; by default, the installed one
 */
export function loadPackages(major: 4 | 5, version?: string) {
  const name = ["express-openid-connect", version].filter(Boolean).join("-");
  const key = `${name} on ${major}`;
  const found = loaded.get(key);
  if (found) return found;
  // It may be there already, with the other Express.
  for (const file of Object.keys(require.cache)) {
    if (file.includes(`/${name}/`)) delete require.cache[file];
  }
  express = major === 4 ? "express-4" : "express";
  try {
    const load = version ? requireOfLab : require;
    const made = { express: load("express"), library: load(name) };
    loaded.set(key, made);
    return made;
  } finally {
    express = "express";
  }
}
