import { createHash } from "node:crypto";
import type { Request, RequestHandler } from "express";

/**
 * Tells who is calling.
 * @returns the user's `sub`, the one name that every OpenID provider gives; null when nobody is
 * logged in, and where the route cannot know, since `auth()` has not seen the request
 */
export const userOf = (req: Request): string | null =>
  req.oidc?.user?.sub ?? null;

/**
 * Tells one login of a user from all others. A session keeps it for as long as it lives.
 * @returns a part of the hash of the ID token, which is new with each login; undefined when
 * {@link userOf} is null
 */
export const loginOf = (req: Request): string | undefined =>
  req.oidc?.idToken &&
  createHash("sha256").update(req.oidc.idToken).digest("hex").slice(0, 16);

/** Answers `GET /whoami`. */
export const whoami: RequestHandler = (req, res) => {
  res.json({ user: userOf(req) });
};
