// What a snippet needs and the lesson does not.

export { log } from "./log.ts";
export { MemoryStore } from "./memory-store.ts";
export { page, pageWith } from "./page.ts";
export { prepare } from "./server.ts";
export { whoami } from "./user.ts";
