import type { Visited } from "./played-browser.ts";

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

/** Tells a route, as in `POST /update`. */
export const inWords = ({ method, path }: Route): string =>
  `${method} ${path.split("?")[0]}`;

/**
 * Tells what a route may want that refuses a request, by the status of its answer.
 * @param flag how the options begin that give it
 */
export function wishOf(
  { method }: Route,
  status: number | undefined,
  flag: "--" | "--logout-",
): string | undefined {
  const body = `is the body right? Give another with ${flag}body, and its type with ${flag}header`;
  const token = `if it wants a CSRF token, give that with ${flag}header or ${flag}body`;
  const wishes: Record<number, string> = {
    401: `it does not know the user. Does it want a header? Give that with ${flag}header`,
    404: "is the path right?",
    405: `it takes no ${method}: name its method`,
    ...{ 400: body, 415: body, 422: body, 403: token, 419: token },
  };
  return wishes[status ?? 0];
}
