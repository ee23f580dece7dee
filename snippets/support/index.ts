// What a snippet needs and the lesson does not.

export { openSessions } from "./complete/sessions.ts";
export { log } from "./log.ts";
export { MemoryStore } from "./memory-store.ts";
export { page, pageWith } from "./page.ts";
export { openRedis, type Redis } from "./redis.ts";
export { prepare } from "./server.ts";
export { openStore } from "./store.ts";
export { whoami } from "./user.ts";
