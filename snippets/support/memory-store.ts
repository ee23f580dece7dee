import { auth, type ConfigParams } from "express-openid-connect";
import createMemoryStore from "memorystore";

/** A session store, as `auth()` takes it. */
export type SessionStore = NonNullable<
  NonNullable<ConfigParams["session"]>["store"]
>;
type LogoutStore = Exclude<
  ConfigParams["backchannelLogout"],
  boolean | undefined
>["store"];

/**
 * The store of the library's own example, `require("memorystore")(auth)`. The package has types
 * for express-session alone, so it gets those of express-openid-connect here.
 */
export const MemoryStore = createMemoryStore(
  auth as never,
) as unknown as new (options: {
  checkPeriod: number;
}) => SessionStore & NonNullable<LogoutStore>;
