// Loaded into a snippet's process before tsx, which would look at each of the provider's many files
// although none of them is TypeScript. The snippet then gets the same modules, at once. All of them
// ask for the time when they need it, so it does not matter that the clock is moved after this.

const { warn } = console;
// What it has to say about versions of Node, support/provider.ts does not print either.
console.warn = () => {};
await import("oidc-provider");
console.warn = warn;
