// Loaded into a snippet's process before the snippet, so that it ends with the process that has
// started it, however that ends.

process.on("disconnect", () => process.exit());
// Only the snippet's servers keep the process alive.
process.channel?.unref();
