import { subscribe } from "node:diagnostics_channel";
import type { IncomingHttpHeaders, Server } from "node:http";
import type { Readable } from "node:stream";
import { request } from "undici";
import "./announce-reading.ts";

// A connection that nobody uses ends after some seconds. Were it the server that ends it, a process that
// is late could send one more request over it, and get ECONNRESET. The client ends it, too.
subscribe("http.server.request.start", (message) => {
  (message as { server: Server }).server.keepAliveTimeout = 0;
});

/** How long a server may take for anything, in milliseconds. */
const PATIENCE_MS = 20_000;

/** What is sent. With a body it can be held in flight, see {@link send}. */
export interface Outgoing {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body?: string;
}

/** A whole response. */
export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A request that is out, but for its body: only the first byte of that is. */
export interface InFlight {
  /** Resolves once the server says that it reads the body, or has answered. */
  received: Promise<void>;
  /** Sends the rest of the body, and resolves with the whole response. */
  finish(): Promise<Answer>;
}

/**
 * Sends a request, and holds back its body, all but the first byte. A server into which
 * announce-reading.ts is loaded answers with 102 Processing when a route begins to read the body. So
 * `received` means there that the session has been loaded, and nothing has been answered. With other
 * servers it means that the request has been answered.
 * @throws {Error} from all promises, when the server hangs up, or hangs
 */
export function send({ method, url, headers, body }: Outgoing): InFlight {
  const bytes = Buffer.from(body ?? "");
  const hangUp = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const expectAnswer = (orWhat = "") => {
    clearTimeout(timer);
    const what = `it does not answer ${method} ${url.pathname}${orWhat}`;
    timer = setTimeout(() => hangUp.abort(new Error(what)), PATIENCE_MS);
  };
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  async function* inParts() {
    yield bytes.subarray(0, 1);
    await released;
    yield bytes.subarray(1);
  }
  let announce = () => {};
  const reading = new Promise<void>((resolve) => {
    announce = resolve;
  });
  const hasBody = bytes.length > 0;
  expectAnswer(hasBody ? ", nor say that it reads the body" : "");
  const answer = request(url, {
    method,
    headers: {
      ...headers,
      ...(hasBody && { "content-length": `${bytes.length}` }),
    },
    // undici takes any async iterable. Its types do not say so.
    body: hasBody ? (inParts() as unknown as Readable) : null,
    signal: hangUp.signal,
    onInfo: ({ statusCode }) => statusCode === 102 && announce(),
  })
    .then(async (response): Promise<Answer> => {
      const cookies = response.headers["set-cookie"];
      return {
        status: response.statusCode,
        headers: {
          ...(response.headers as IncomingHttpHeaders),
          // A single one comes as a string.
          ...(cookies && { "set-cookie": [cookies].flat() }),
        },
        body: await response.body.text(),
      };
    })
    .finally(() => {
      clearTimeout(timer);
      timer = undefined;
    });
  const received = Promise.race([reading, answer.then(() => {})]);
  // Nobody may be waiting yet when it fails. Who waits later hears of it then.
  received.catch(() => {});
  return {
    received,
    finish() {
      if (timer) expectAnswer();
      release();
      return answer;
    },
  };
}
