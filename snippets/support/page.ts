import { randomBytes } from "node:crypto";
import { basename } from "node:path";
import escapeHtml from "escape-html";
import type { RequestHandler } from "express";
import { lineThatSetAgain } from "./log.ts";
import { loginOf, userOf } from "./user.ts";

/** A page, and the value of the `Content-Security-Policy` that belongs to it. */
export interface Page {
  html: string;
  policy: string;
}

/**
 * Makes the handler of `GET /`: who is logged in, and the two buttons.
 * @param script what the *log out* button does, to run once that is there
 */
export const pageWith =
  (script: string): RequestHandler =>
  (req, res) => {
    const user = userOf(req);
    const { html, policy } = makePage({
      place: SNIPPET,
      title: user ? `${user} is logged in` : "Nobody is logged in",
      main: user
        ? `${notice(user, lineThatSetAgain(req))}
<button id="log-out" data-login="${loginOf(req)}">Log out</button>`
        : `<a class="button" href="/login">Log in</a>`,
      scripts: user ? [script, NOTICE] : [],
    });
    res.set("Content-Security-Policy", policy).send(html);
  };

const LOG_OUT = `
// #region log-out
document.querySelector("#log-out").addEventListener("click", () => {
  location.assign("/logout");
  fetch("/update", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ event: "user clicked log out" }),
  });
});
// #endregion log-out
`;

/**
 * The page with the button of the post: it leaves and fires the request, without waiting for the
 * answer. In the other order, Firefox gives the request up.
 */
export const page: RequestHandler = pageWith(LOG_OUT);

/** Says what happened when a logout did not hold, and which line in the terminal shows it. */
const notice = (user: string, line: string | undefined): string =>
  `<div id="notice" role="alert" hidden>
<p><strong>This logout did not hold.</strong> You clicked <em>Log out</em>, and
${escapeHtml(user)} is still logged in, with the very same session. The response to
<code>/logout</code> had cleared the session cookie. Then a response that was
late set it again.</p>
${line ? `<p>This line in the terminal is that response:</p>\n<pre>${escapeHtml(line)}</pre>` : ""}
<p>What next?</p>
<ul>
<li>Become the next user, and then the first one again. Stop the server, and
start it with a slower route:
<pre>UPDATE_MS=9000 npx tsx snippets/${SNIPPET}</pre>
Log in, click <em>Log out</em>, log in as the other user, and reload the page
ten seconds later.</li>
<li>See a logout that holds:
<pre>npx tsx snippets/fix-complete.ts</pre></li>
<li>Read why: “The culprit” in
<pre>posts/2023-03-10-express-openid-connect-and-in-flight-requests.md</pre></li>
</ul>
</div>`;

// A browser remembers which login it has ended. When it is shown a page of that login again, the
// logout did not hold. A page that comes back from the back/forward cache is out of date.
const NOTICE = `
const logOut = document.querySelector("#log-out");
const { login } = logOut.dataset;
logOut.addEventListener("click", () => {
  localStorage.setItem("ended login", login);
});
document.querySelector("#notice").hidden =
  localStorage.getItem("ended login") !== login;
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) location.reload();
});
`;

/**
 * Makes the local provider's login page: one button for each user, and no password.
 * @param users each user's name, and the path that logs them in when it is posted to
 * @param app the app's address, to which the form leads in the end
 */
export const loginPage = (
  users: [name: string, path: string][],
  app: string,
): Page =>
  makePage({
    place: PROVIDER,
    title: "Log in as",
    main: users
      .map(
        ([name, path]) =>
          `<form method="post" action="${path}"><button>${name}</button></form>`,
      )
      .join("\n"),
    formTarget: app,
  });

/**
 * Makes the page that ends the provider's session at once, where other providers ask first.
 * @param form the form that the provider wants to have sent, without a button
 * @param app the app's address, to which the form leads in the end
 */
export const logoutPage = (form: string, app: string): Page =>
  makePage({
    place: PROVIDER,
    title: "Logging out",
    main: `${form}
<button form="op.logoutForm" name="logout" value="yes">Log out</button>`,
    scripts: [`document.querySelector("button").click();`],
    formTarget: app,
  });

/**
 * Makes the page of a request that failed, since sessions can't be read or written right now.
 * Whoever wanted to log out has to know that they may not be.
 * @param path the request's path
 */
export const unavailablePage = (path: string): Page =>
  path === "/logout"
    ? makePage({
        place: SNIPPET,
        title: "You may still be logged in",
        main: `<p>The logout did not work. Please try again in a moment.</p>
<a class="button" href="/logout">Log out</a>`,
      })
    : makePage({
        place: SNIPPET,
        title: "Please try again in a moment",
        main: `<p>We can't look up who is logged in right now. You have not
been logged out.</p>
<a class="button" href="/">Try again</a>`,
      });

/** The file that runs. */
const SNIPPET = basename(process.argv[1] ?? "");

const PROVIDER = "the local OpenID provider";

function makePage(parts: {
  /** Where the user is. */
  place: string;
  title: string;
  /** What is below the title, as HTML. */
  main: string;
  /** What runs once that is there. */
  scripts?: string[];
  /** Where forms may lead, besides to where the page is from. */
  formTarget?: string;
}): Page {
  const { place, title, main, scripts = [], formTarget = "" } = parts;
  const nonce = randomBytes(16).toString("base64url");
  const policy = [
    "default-src 'none'",
    "connect-src 'self'",
    "img-src data:",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "base-uri 'none'",
    `form-action 'self' ${formTarget}`.trim(),
    "frame-ancestors 'none'",
  ].join("; ");
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)}</title>
<style nonce="${nonce}">${STYLE}</style>
<main>
<p class="place">${escapeHtml(place)}</p>
<h1>${escapeHtml(title)}</h1>
${main}
</main>
${scripts.map((script) => `<script nonce="${nonce}">${script}</script>`).join("\n")}
</html>
`;
  return { html, policy };
}

const STYLE = `
  :root {
    color-scheme: light dark;
    --text: light-dark(#1f2328, #e6edf3);
    --faint: light-dark(#59636e, #9198a1);
    --page: light-dark(#f6f8fa, #010409);
    --card: light-dark(#fff, #0d1117);
    --line: light-dark(#d1d9e0, #3d444d);
    --button: light-dark(#0757b8, #7cb8ff);
    --alarm: light-dark(#cf222e, #f85149);
    color: var(--text);
    background: var(--page);
    font: 1.125rem/1.5 system-ui, sans-serif;
  }
  * { box-sizing: border-box; }
  body { margin: 0; padding: 1rem; }
  main {
    max-width: 34rem; margin: 12vh auto; padding: clamp(1.25rem, 6vw, 2.5rem);
    border: 1px solid var(--line); border-radius: 1rem; background: var(--card);
  }
  .place { margin: 0; color: var(--faint); font-size: 1rem; }
  h1 { margin: 0 0 1.5rem; font-size: 1.75rem; line-height: 1.25; }
  h1, p { overflow-wrap: anywhere; }
  form { display: inline; }
  button, .button {
    display: inline-block; margin: 0 0.5rem 0.5rem 0; padding: 0.6rem 1.5rem;
    border: 0; border-radius: 0.5rem; color: var(--card);
    background: var(--button); font: inherit; font-weight: 600;
    text-decoration: none; cursor: pointer;
  }
  :focus-visible { outline: 3px solid var(--text); outline-offset: 3px; }
  #notice {
    margin-bottom: 1.5rem; padding: 0 1rem;
    border: 1px solid var(--alarm); border-left-width: 0.5rem;
    border-radius: 0.5rem;
  }
  code, pre { font-family: ui-monospace, monospace; font-size: 0.85em; }
  p code { white-space: nowrap; }
  ul { padding-left: 1.25rem; }
  pre { margin: 0.5rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
`;
