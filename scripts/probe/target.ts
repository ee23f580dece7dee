import type { Visited } from "../client/browser.ts";

/** Something because of which the probe can't tell, in a line that says what to do about it. */
export class ProbeError extends Error {}

/** A route of an app that is not ours. */
export interface Route {
  method: string;
  path: string;
}

/** What to ask, and of which app. */
export interface Target {
  app: Visited;
  /** The route whose response may be late. */
  route: Route;
  /** Its body. Without one, a request can't be held in its handler. */
  body: string | undefined;
  /** Headers for what is posted, such as a CSRF token, by their names in lower case. */
  headers: Record<string, string>;
  logout: Route;
  /** What goes with a logout, when that wants something. */
  logoutBody?: string | undefined;
  logoutHeaders?: Record<string, string>;
  /** Whether a script of the page logs out: its `fetch` stops where it leads to another site. */
  isFetched?: boolean;
  /** The path of a page that shows who is logged in. */
  page: string;
  /** The path of the login. */
  login?: string;
  /** The path of what has the tokens that bodies and headers name. */
  tokens?: string | undefined;
  /** The path of a WebSocket that a page of the user opens. */
  socket?: string | undefined;
  /** The session cookie's name, when it need not be found. */
  cookie: string | undefined;
  /** Whether a logout goes on to other sites, as one can that has their cookies, too. */
  goesOn: boolean;
}

/** Those who log in: the first logs out, and the second comes after her on the same browser. */
export type User = "first" | "second";

/** Who is logged in; `unknown` when a page tells nothing. */
export type Who = User | "nobody" | "unknown";

/** Tells a route, as in `POST /update`. */
export const inWords = ({ method, path }: Route): string =>
  `${method} ${path.split("?")[0]}`;
