// The app of Auth0's quickstart for Express, as CommonJS, and a route to point the probe at.
const express = require("express");
const { auth, requiresAuth } = require("express-openid-connect");

/** @param config as the quickstart has it: no client secret, and the default response type */
module.exports = (config) => {
  const app = express();

  app.use(auth(config));

  app.get("/", (req, res) => {
    res.send(req.oidc.isAuthenticated() ? "Logged in" : "Logged out");
  });

  app.get("/profile", requiresAuth(), (req, res) => {
    res.send(JSON.stringify(req.oidc.user));
  });

  app.post("/api", express.json(), (req, res) => {
    res.json({ user: req.oidc.user?.sub });
  });

  return app;
};
