// What a snippet needs and the lesson does not.

export { openDenyList } from "./deny-list.ts";
export { log } from "./log.ts";
export { MemoryStore } from "./memory-store.ts";
export { page, pageWith } from "./page.ts";
export { prepare } from "./server.ts";
export { openSessions } from "./sessions.ts";
export { whoami } from "./user.ts";
