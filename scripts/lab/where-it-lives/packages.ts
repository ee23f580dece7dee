import Module, { createRequire } from "node:module";

const require = createRequire(import.meta.url);

export type Express = typeof import("express");
export type Library = typeof import("express-openid-connect");

const loader = Module as unknown as {
  _resolveFilename(request: string, ...rest: unknown[]): string;
};
const realResolve = loader._resolveFilename;

/** What `require("express")` finds while the library is loaded. */
let express = "express";
loader._resolveFilename = function (request, ...rest) {
  const name = request === "express" ? express : request;
  return realResolve.call(this, name, ...rest);
};

/** Loads Express and the library, which requires the Express that the app has. */
export function loadPackages(
  major: 4 | 5,
  version: string,
): { express: Express; library: Library } {
  const name = `express-openid-connect-${version}`;
  // It may be there already, with the other Express.
  for (const file of Object.keys(require.cache)) {
    if (file.includes(`/${name}/`)) delete require.cache[file];
  }
  express = major === 4 ? "express-4" : "express";
  try {
    return { express: require("express"), library: require(name) };
  } finally {
    express = "express";
  }
}
