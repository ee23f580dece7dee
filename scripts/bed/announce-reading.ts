import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";

// Loaded into the process of a server. It tells a client when a route begins to read the body of its
// request, and so that everything above that route has run: with 102 Processing, an interim response
// that clients ignore unless they wait for it (RFC 9110, section 15.2).

subscribe("http.server.request.start", (message) => {
  const { request, response } = message as {
    request: IncomingMessage;
    response: ServerResponse;
  };
  request.once("resume", () => {
    const hasBody = "content-length" in request.headers;
    if (hasBody && !response.headersSent) response.writeProcessing();
  });
});
