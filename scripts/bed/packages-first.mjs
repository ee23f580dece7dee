// Loaded into a snippet's process before tsx, which would look at each of the many files of these
// packages, although none of them is TypeScript. The snippet then gets the same modules, at once. All
// of them ask for the time when they need it, so it does not matter that the clock is moved after this.

if (!process.env.ISSUER_BASE_URL) {
  const { warn } = console;
  // What it has to say about versions of Node, support/provider.ts does not print either.
  console.warn = () => {};
  await import("oidc-provider");
  console.warn = warn;
}
await import("express");
await import("express-openid-connect");
