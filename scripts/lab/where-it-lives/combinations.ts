import type { StoreKind } from "./stores.ts";

/** An app that people have: what it stands on, and how it is set up. */
export interface Combination {
  name: string;
  express: 4 | 5;
  library: "2.17.0" | "2.19.2" | "2.20.2" | "3.4.0";
  /** In which of its forms the app has the drop-in. */
  dropIn: "ts" | "cjs" | "es2016";
  /** Where sessions are; `cookies` is the library's default. */
  store: StoreKind | "cookies";
  /** Whether the app gives `update`, the store's "write only if it is there". */
  atomic?: true;
  /** Whether the list of ended sessions answers with promises, and not at once. */
  endedLater?: true;
  /** The library's default is an ID token that is posted; `code` is the code flow. */
  flow?: "code";
  session?: {
    name?: string;
    cookie?: { sameSite?: string; secure?: boolean; domain?: string };
    signSessionStoreCookie?: true;
  };
  /** Whether a proxy in front of it speaks https. */
  proxied?: true;
  authRequired?: true;
  attemptSilentLogin?: true;
  /** Where `compression()` stands, seen from the library. */
  compression?: "above" | "below";
  /** Whether its configuration has no more than the quickstart's: no `afterCallback`, no back channel. */
  plain?: true;
  /** What its error handler answers: the error's status (default), always 500, or Express's own page. */
  errors?: "500" | "express";
  /** The size of a claim that makes the ID token large, so that a cookie session is split. */
  claimBytes?: number;
  /** How it differs from the library alone, as it is meant to. */
  differs?: readonly string[];
  /** Why there is nothing to compare with. */
  notAlone?: string;
}

const QUICKSTART = { store: "cookies", plain: true } as const;

/** Behind a proxy, for pages of other sites too. */
const EMBEDDED = {
  proxied: true,
  authRequired: true,
  session: { name: "sid", cookie: { sameSite: "None", secure: true } },
  differs: [
    // Who is sent to log in keeps a dead cookie until then: a late logout is a redirect, too.
    "navigate GET /: only with the drop-in: has sid; Path=/",
  ],
} as const;

const SIGNED = { session: { signSessionStoreCookie: true } } as const;

const NO_DEFAULT_PARAMETERS =
  "the library does not see that connect-redis 7 takes a callback";

/** Each value once, and the pairs that are at risk. */
export const COMBINATIONS: Combination[] = [
  // The quickstart, with the versions of three years.
  {
    ...QUICKSTART,
    name: "quickstart, oldest",
    express: 4,
    library: "2.17.0",
    dropIn: "cjs",
  },
  {
    ...QUICKSTART,
    name: "quickstart, last 2.x",
    express: 4,
    library: "2.20.2",
    dropIn: "cjs",
    errors: "express",
  },
  {
    ...QUICKSTART,
    name: "quickstart, newest",
    express: 5,
    library: "3.4.0",
    dropIn: "cjs",
  },
  // Cookie sessions.
  {
    name: "cookies, es2016",
    express: 4,
    library: "2.17.0",
    dropIn: "es2016",
    store: "cookies",
    flow: "code",
    endedLater: true,
    errors: "500",
  },
  {
    name: "cookies, split",
    express: 5,
    library: "3.4.0",
    dropIn: "ts",
    store: "cookies",
    claimBytes: 5000,
    compression: "above",
  },
  {
    name: "cookies, compression below",
    express: 5,
    library: "3.4.0",
    dropIn: "ts",
    store: "cookies",
    compression: "below",
  },
  {
    ...EMBEDDED,
    name: "cookies behind a proxy",
    flow: "code",
    express: 5,
    library: "3.4.0",
    dropIn: "ts",
    store: "cookies",
    endedLater: true,
  },
  {
    name: "silent login, cookies",
    express: 5,
    library: "3.4.0",
    dropIn: "ts",
    store: "cookies",
    attemptSilentLogin: true,
  },
  {
    name: "silent login, cookies, last 2.x",
    express: 4,
    library: "2.20.2",
    dropIn: "cjs",
    store: "cookies",
    attemptSilentLogin: true,
    flow: "code",
  },
  // A store.
  {
    name: "memorystore, compression below",
    express: 5,
    library: "3.4.0",
    dropIn: "cjs",
    store: "memorystore",
    plain: true,
    compression: "below",
  },
  {
    ...EMBEDDED,
    name: "memorystore behind a proxy",
    express: 4,
    library: "2.20.2",
    dropIn: "cjs",
    store: "memorystore",
  },
  {
    name: "silent login, memorystore",
    express: 4,
    library: "2.17.0",
    dropIn: "cjs",
    store: "memorystore",
    attemptSilentLogin: true,
  },
  {
    name: "connect-redis 6, es2016",
    express: 4,
    library: "2.17.0",
    dropIn: "es2016",
    store: "connect-redis 6",
    flow: "code",
  },
  {
    name: "connect-redis 7, oldest",
    express: 4,
    library: "2.17.0",
    dropIn: "cjs",
    store: "connect-redis 7",
    plain: true,
    notAlone: NO_DEFAULT_PARAMETERS,
  },
  {
    name: "connect-redis 7, newest",
    express: 5,
    library: "3.4.0",
    dropIn: "ts",
    store: "connect-redis 7",
    flow: "code",
    notAlone: NO_DEFAULT_PARAMETERS,
  },
  {
    name: "connect-redis 8",
    express: 4,
    library: "2.20.2",
    dropIn: "cjs",
    store: "connect-redis 8",
    flow: "code",
  },
  {
    // This version calls a store's functions once, to see what they return.
    name: "connect-redis 8, tried by the library",
    express: 4,
    library: "2.19.2",
    dropIn: "cjs",
    store: "connect-redis 8",
    plain: true,
  },
  {
    name: "connect-redis 9",
    express: 5,
    library: "3.4.0",
    dropIn: "ts",
    store: "connect-redis 9",
    flow: "code",
  },
  {
    name: "connect-redis 9, atomic",
    express: 5,
    library: "3.4.0",
    dropIn: "ts",
    store: "connect-redis 9, redis 6",
    atomic: true,
  },
  // Stores of one's own, signed.
  {
    ...SIGNED,
    name: "callbacks, signed",
    express: 5,
    library: "3.4.0",
    dropIn: "ts",
    store: "callbacks",
    errors: "500",
  },
  {
    ...SIGNED,
    name: "callbacks, signed, es2016",
    express: 4,
    library: "2.17.0",
    dropIn: "es2016",
    store: "callbacks",
    errors: "express",
  },
  {
    ...SIGNED,
    name: "promises, signed",
    express: 5,
    library: "3.4.0",
    dropIn: "ts",
    store: "promises",
    flow: "code",
  },
  {
    ...SIGNED,
    name: "promises, signed, atomic",
    express: 4,
    library: "2.20.2",
    dropIn: "cjs",
    store: "promises",
    atomic: true,
    errors: "500",
  },
];
