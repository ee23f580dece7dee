import { readFileSync } from "node:fs";
import Module, { createRequire, register } from "node:module";
import { pathToFileURL } from "node:url";

// Loaded into a snippet's process before the snippet, so that it runs with other versions of its
// packages than those that are installed under their own names, and nobody has to edit it.

/** What the verifier asks for: which versions of some packages are loaded. */
export interface PackagesRequest {
  packages: string[];
}

/** All that it is told: by the package's name, each version of which a module is loaded. */
export interface PackagesReply {
  versions: Record<string, string[]>;
}

/** What is to be loaded in the place of what: the name of a package by the name of another. */
const substitutes: Record<string, string> = JSON.parse(
  process.env.PACKAGE_SUBSTITUTES || "{}",
);

const require = createRequire(import.meta.url);
const files = Object.fromEntries(
  Object.entries(substitutes).map(([name, other]) => [
    name,
    require.resolve(other),
  ]),
);

if (Object.keys(files).length > 0) {
  const addresses = Object.entries(files).map(([name, file]) => [
    name,
    pathToFileURL(file).href,
  ]);
  const data = Object.fromEntries(addresses);
  register("./packages-hook.ts", import.meta.url, { data });
  // What is loaded with `require`, as the library loads Express, does not come that way.
  const loader = Module as unknown as {
    _resolveFilename(request: string, ...rest: unknown[]): string;
  };
  const realResolve = loader._resolveFilename;
  loader._resolveFilename = function (request, ...rest) {
    return realResolve.call(this, files[request] ?? request, ...rest);
  };
}

/** The folder of a package that is installed. */
const PACKAGE = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/;

process.on("message", (request: Partial<PackagesRequest>) => {
  if (!request.packages) return;
  const folders = Object.keys(require.cache).flatMap(
    (file) => file.match(PACKAGE)?.[0] ?? [],
  );
  const versions: PackagesReply["versions"] = {};
  for (const folder of new Set(folders)) {
    const file = `${folder}/package.json`;
    const { name, version } = JSON.parse(readFileSync(file, "utf8"));
    if (!request.packages.includes(name)) continue;
    versions[name] = [...(versions[name] ?? []), version];
  }
  process.send?.({ versions } satisfies PackagesReply);
});
