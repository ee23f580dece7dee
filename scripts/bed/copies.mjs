// A hook of Node's module loader. What is imported by a module whose address ends in `copy=2` is a
// module of its own, too, with that at the end of its address. Packages are not.

export async function resolve(specifier, context, next) {
  const found = await next(specifier, context);
  const [copy] = context.parentURL?.match(/\bcopy=\d+/) ?? [];
  const isPackage =
    !found.url.startsWith("file:") || /node_modules/.test(found.url);
  if (!copy || isPackage || found.url.includes(copy)) return found;
  const separator = found.url.includes("?") ? "&" : "?";
  return { ...found, url: `${found.url}${separator}${copy}` };
}
