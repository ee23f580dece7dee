import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { basename } from "node:path";

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

/**
 * Serves an app on loopback, at the port that `PORT` names: 3000 unless told, and 0 takes any that
 * is free. Prints its address once it accepts requests. Ends the process with exit code 0 on Ctrl-C
 * and SIGTERM, and with one line and exit code 1 when the port can't be used.
 */
export async function serve(app: RequestListener): Promise<void> {
  const port = process.env.PORT || "3000";
  const server = createServer(app);
  try {
    server.listen(Number(port), "localhost");
    await once(server, "listening");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    console.error(`PORT=${port} can't be used (${code}): set another`);
    process.exit(1);
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      server.close(() => process.exit(0));
      server.closeAllConnections();
    });
  }
  const { port: taken } = server.address() as AddressInfo;
  console.log(`${basename(process.argv[1] ?? "")}: http://localhost:${taken}`);
}
