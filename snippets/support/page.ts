import { randomBytes } from "node:crypto";
import escapeHtml from "escape-html";
import type { RequestHandler } from "express";
import { userOf } from "./user.ts";

/**
 * Makes the handler of `GET /`: who is logged in, and the two buttons.
 * @param script what the *log out* button does, to run once that is there
 */
export const pageWith =
  (script: string): RequestHandler =>
  (req, res) => {
    const user = userOf(req);
    const nonce = randomBytes(16).toString("base64url");
    res.set(
      "Content-Security-Policy",
      `default-src 'none'; connect-src 'self'; img-src data:; ` +
        `script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; ` +
        `base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
    );
    res.send(
      html({
        title: user
          ? `${escapeHtml(user)} is logged in`
          : "Nobody is logged in",
        nonce,
        main: user
          ? `<button id="log-out">Log out</button>
<script nonce="${nonce}">${script}</script>`
          : `<a class="button" href="/login">Log in</a>`,
      }),
    );
  };

const LOG_OUT = `
// #region log-out
document.querySelector("#log-out").addEventListener("click", () => {
  fetch("/update", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ event: "user clicked log out" }),
  });
  location.assign("/logout");
});
// #endregion log-out
`;

/**
 * The page with the button of the post: it fires the request and leaves, without waiting for the
 * answer.
 */
export const page: RequestHandler = pageWith(LOG_OUT);

/**
 * Makes the local provider's login page: one button for each user, and no password.
 * @param users each user's name, and the path that logs them in when it is posted to
 */
export const loginPage = (users: [name: string, path: string][]): string =>
  html({
    title: "Log in as",
    main: `<p>This is the local OpenID provider.</p>
${users
  .map(
    ([name, path]) =>
      `<form method="post" action="${path}"><button>${name}</button></form>`,
  )
  .join("\n")}`,
  });

/**
 * Makes the page that ends the provider's session at once, where other providers ask first.
 * @param form the form that the provider wants to have sent, without a button
 */
export const logoutPage = (form: string): string =>
  html({
    title: "Logging out",
    main: `${form}
<button form="op.logoutForm" name="logout" value="yes">Log out</button>
<script>document.querySelector("button").click()</script>`,
  });

/**
 * Makes the page of a request that failed, since sessions can't be read or written right now.
 * Whoever wanted to log out has to know that they may not be.
 * @param path the request's path
 */
export const unavailablePage = (path: string): string =>
  path === "/logout"
    ? html({
        title: "You may still be logged in",
        main: `<p>The logout did not work. Please try again in a moment.</p>
<a class="button" href="/logout">Log out</a>`,
      })
    : html({
        title: "Please try again in a moment",
        main: `<p>We can't look up who is logged in right now. You have not
been logged out.</p>
<a class="button" href="/">Try again</a>`,
      });

const html = (parts: { title: string; main: string; nonce?: string }): string =>
  `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${parts.title}</title>
<style nonce="${parts.nonce ?? ""}">
  :root { color-scheme: light dark; font: 1.25rem/1.5 system-ui, sans-serif; }
  main { max-width: 30rem; margin: 15vh auto; padding: 0 1rem; }
  form { display: inline; }
  button, .button {
    display: inline-block; padding: 0.5rem 1.5rem; border: 1px solid;
    border-radius: 0.5rem; color: inherit; background: none; font: inherit;
    text-decoration: none; cursor: pointer;
  }
  :focus-visible { outline: 3px solid; outline-offset: 3px; }
</style>
<main>
<h1>${parts.title}</h1>
${parts.main}
</main>
</html>
`;
