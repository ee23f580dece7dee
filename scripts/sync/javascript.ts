import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { transformSync } from "@swc/wasm-typescript";

const LIBRARY = 'import("express-openid-connect")';

/** A type, or an interface, with the comment above it. */
const TYPE =
  /(?:^\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n|^\/\/.*\n)?^(?:export )?(?:interface \w+ \{\n[\s\S]*?^\}|type \w+ =[\s\S]*?;)\n+/gm;

/**
 * Makes the JavaScript of the drop-in: a CommonJS module, which `require` and `import` both take, with
 * the types of the function that it exports in that function's comment.
 * @param source the drop-in, in TypeScript
 * @throws {Error} when it has something that is not expected here
 */
export function javascriptOf(source: string): string {
  const options = source.match(/^export interface \w+ \{\n([\s\S]*?)^\}/m)?.[1];
  if (!options) throw new Error("the drop-in has no interface of its options");
  const members = options.matchAll(/^ {2}(\w+)\?: ([\s\S]*?);\n(?= {2}\w|$)/gm);
  const types: Record<string, string> = {
    "@param auth": `@param {typeof ${LIBRARY}.auth} auth`,
    "@param config": `@param {${LIBRARY}.ConfigParams} config`,
    "@returns": `@returns {ReturnType<typeof ${LIBRARY}.auth>}`,
  };
  for (const [, name = "", type = ""] of members) {
    const line = type.replace(/\s+/g, " ").replace("; }", " }");
    types[`@param options.${name}`] = `@param {${line}} [options.${name}]`;
  }
  let typed = source
    .replace(TYPE, "")
    .replace(/^import type .*\n/m, "")
    .replace(/^import (\{.*\}) from (".*");/gm, "const $1 = require($2);")
    .replace(
      "* @param options.",
      "* @param {object} [options]\n * @param options.",
    );
  for (const [untyped, withType] of Object.entries(types)) {
    if (!typed.includes(`* ${untyped}`)) {
      throw new Error(`the drop-in does not explain ${untyped}`);
    }
    typed = typed.replace(`* ${untyped}`, `* ${withType}`);
  }
  const exported = /^export function (\w+)/m.exec(typed)?.[1];
  const code = transformSync(typed.replace("export function", "function"), {
    mode: "strip-only",
  }).code;
  return formatted(
    `// @ts-nocheck
// This is lasting-logout.ts, without its types.
//
${code}
module.exports = { ${exported} };
`,
  );
}

const BIOME = createRequire(import.meta.url).resolve(
  "@biomejs/biome/bin/biome",
);

const formatted = (input: string): string =>
  execFileSync(
    process.execPath,
    [BIOME, "format", "--stdin-file-path=lasting-logout.cjs"],
    { input, encoding: "utf8" },
  );
