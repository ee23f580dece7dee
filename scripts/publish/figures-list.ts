/** Where the figures of the first post are, from the top folder. */
export const FIGURES_FOLDER =
  "assets/express-openid-connect-and-in-flight-requests";

/**
 * How wide the figures are, in CSS pixels: as wide as fits into the columns of GitHub and of Jekyll's
 * own theme, so that nobody sees them scaled. They have two pixels to each of these.
 */
export const FIGURE_WIDTH = 720;

/** The themes of the developer tools. Each figure is there in both, and a reader sees it in the page's. */
export const THEMES = ["light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

/** Names the file of a figure in a theme. */
export const figureFile = (name: string, theme: Theme): string =>
  `${name}${theme === "dark" ? "-dark" : ""}.png`;

/** A figure: a picture of the browser's own developer tools. */
interface Figure {
  /** What it shows, in a line. */
  caption: string;
  /** What it tells, for somebody who does not see it. */
  alt: string;
}

/** The figures of the first post, in its order, by their names. */
export const FIGURES = {
  "network-list": {
    caption: "broken.ts: /update ends after /logout, and sets a cookie",
    alt: "The list of requests in the Network panel, from top to bottom in the order in which they begin. update: POST, status 200, sets one cookie, a long bar in the waterfall. logout: GET, status 302, sets two cookies, a short bar that ends long before that of update. Then the provider's end: GET, status 200, a bar that goes on after that of update has ended; and confirm: POST, status 303. Last localhost, the page: GET, status 200, sets one cookie.",
  },
  "home-cookies": {
    caption: "broken.ts: the request for / has a valid session cookie",
    alt: "The Cookies tab of the last request, localhost. Its request cookies are appSession, with a long value that begins with eyJ, and a date in the future at which it expires; and skipSilentLogin, which is true.",
  },
  "logout-cookies": {
    caption: "broken.ts: /logout clears the session cookie",
    alt: "The Headers tab of logout. Its response has two Set-Cookie headers: skipSilentLogin=true; and appSession=, with no value, and Expires=Thu, 01 Jan 1970 00:00:00 GMT.",
  },
  "update-cookies": {
    caption: "broken.ts: /update sets the session cookie again",
    alt: "The Cookies tab of update. Its request cookies and its response cookies are the same one, appSession, each with a long value that begins with eyJ.",
  },
  "fixed-network-list": {
    caption: "fix-ordering.ts: /update ends as late, and sets none",
    alt: "The same list with fix-ordering.ts. The same requests, with the same methods, statuses and bars as before, and update still ends long after logout. But update sets 0 cookies, and so does localhost.",
  },
} satisfies Record<string, Figure>;

export type FigureName = keyof typeof FIGURES;
