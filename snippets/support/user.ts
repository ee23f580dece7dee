import type { Request, RequestHandler } from "express";

/**
 * Tells who is calling.
 * @returns the user's `sub`, the one name that every OpenID provider gives; null when nobody is
 * logged in, and where the route cannot know, since `auth()` has not seen the request
 */
export const userOf = (req: Request): string | null =>
  req.oidc?.user?.sub ?? null;

/** Answers `GET /whoami`. */
export const whoami: RequestHandler = (req, res) => {
  res.json({ user: userOf(req) });
};
