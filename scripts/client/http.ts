import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { text } from "node:stream/consumers";

/** What is sent. With a body it can be held in flight, see {@link send}. */
export interface Outgoing {
  method: "GET" | "POST";
  url: URL;
  headers: Record<string, string>;
  body?: string;
}

/** A whole response. */
export interface Answer {
  status: number;
  headers: IncomingMessage["headers"];
  body: string;
}

/** A request whose headers are out, and whose body is held back. */
export interface InFlight {
  /** Resolves once the server asks for the body. */
  received: Promise<void>;
  /** Whether the server has answered without the body. */
  isEarly(): boolean;
  /** Sends the body, and resolves with the whole response. */
  finish(): Promise<Answer>;
  /** Hangs up, without the body, and waits for nothing. */
  abort(): void;
}

/**
 * Sends a request, up to its body. With `Expect: 100-continue` (RFC 9110, section 10.1.1) the
 * server says when it wants the body. The snippets want it only when a route begins to read it,
 * so `received` means: the session has been loaded, and nothing has been answered.
 * @param deadline when to give up, in milliseconds since 1970
 * @param ca the certificate of an authority to trust over https, in PEM, instead of the usual ones
 * @throws {Error} from both promises, when the server hangs up, or hangs
 */
export function send(
  outgoing: Outgoing,
  deadline: number,
  ca?: string,
): InFlight {
  const { method, url, headers, body } = outgoing;
  const what = `${method} ${url.pathname}`;
  const { request } = url.protocol === "https:" ? https : http;
  const exchange = request(url, {
    method,
    ...(ca && { ca }),
    headers: { ...headers, ...(body && { expect: "100-continue" }) },
  });
  const timer = setTimeout(
    () => exchange.destroy(new Error(`it does not answer ${what}`)),
    deadline - Date.now(),
  );
  let isHeld = Boolean(body);
  let isEarly = false;
  const answer = new Promise<Answer>((resolve, reject) => {
    exchange.once("error", reject);
    exchange.once("response", (response) => {
      isEarly = isHeld;
      const { statusCode: status = 0, headers } = response;
      text(response).then((body) => resolve({ status, headers, body }), reject);
    });
  }).finally(() => clearTimeout(timer));
  const asked = new Promise<void>((resolve) => {
    exchange.once("continue", resolve);
  });
  // A server that answers without a look at the body never asks for it.
  const received = Promise.race([asked, answer.then(() => {})]);
  // Nobody may be waiting yet when it fails. They hear of it as soon as they do.
  received.catch(() => {});
  if (body) exchange.flushHeaders();
  else exchange.end();
  return {
    received,
    isEarly: () => isEarly,
    finish() {
      isHeld = false;
      if (body) exchange.end(body);
      return answer;
    },
    abort() {
      answer.catch(() => {});
      exchange.destroy();
    },
  };
}
