import type { ResolveHook } from "node:module";

let addresses: Record<string, string> = {};

/** Takes the addresses of the modules that are to be loaded in the place of others, by their names. */
export function initialize(given: Record<string, string>): void {
  addresses = given;
}

/** Finds what `import` asks for; see https://nodejs.org/api/module.html#resolvespecifier-context-nextresolve */
export const resolve: ResolveHook = (specifier, context, nextResolve) =>
  nextResolve(addresses[specifier] ?? specifier, context);
