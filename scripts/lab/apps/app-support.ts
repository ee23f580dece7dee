import { randomBytes } from "node:crypto";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

// What the apps share that has nothing to do with their sessions. They are plain servers of Node,
// as a reader's own app is.

/** Who can log in. There are no passwords. */
export const USERS = ["alice", "bob"];

/** What encrypts or signs the session cookies: 256 random bits, new at each start. */
export const secret = randomBytes(32).toString("base64url");

/** Makes the page of `GET /`, which says who is logged in. */
export const homePage = (user: string | null | undefined): string =>
  makePage(
    `${user ?? "nobody"} is logged in`,
    user ? `<a href="/logout">log out</a>` : `<a href="/login">log in</a>`,
  );

/** The page of `GET /login`, with one form for each user. */
export const loginPage: string = makePage(
  "log in as",
  USERS.map(
    (user) =>
      `<form method="post" action="/login/${user}"><button>${user}</button></form>`,
  ).join("\n"),
);

function makePage(title: string, main: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<link rel="icon" href="data:,">
<title>${title}</title>
<h1>${title}</h1>
${main}
</html>
`;
}

/** Serves an app on loopback, at the port that `PORT` names, by default 3000, and prints its address. */
export function serve(app: RequestListener): void {
  const server = createServer(app);
  server.listen(Number(process.env.PORT || 3000), "localhost", () => {
    console.log(`http://localhost:${(server.address() as AddressInfo).port}`);
  });
}
