import { EventEmitter, once } from "node:events";
import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { Agent, request } from "undici";

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
  headers: IncomingHttpHeaders;
  body: string;
}

/** A request that is out, but for its body: only the first byte of that is. */
export interface InFlight {
  /** Resolves once all that is not held back is on its way, or the server has answered. */
  sent: Promise<void>;
  /** Resolves once the server says that it reads the body, or has answered. */
  received: Promise<void>;
  /** Whether the server has answered without the body. */
  isEarly(): boolean;
  /** Sends the rest of the body, and resolves with the whole response. */
  finish(): Promise<Answer>;
  /** Hangs up, without the body, and waits for nothing. */
  abort(): void;
}

/**
 * Sends a request, and holds back its body, all but the first byte. A server into which
 * announce-reading.ts is loaded answers with 102 Processing when a route begins to read the body. So
 * `received` means there that the session has been loaded, and nothing has been answered. With other
 * servers it means that the request has been answered.
 * @param deadline when to give up, in milliseconds since 1970
 * @param ca the certificate of an authority to trust over https, in PEM, instead of the usual ones
 * @throws {Error} from all promises, when the server hangs up, or hangs
 */
export function send(
  outgoing: Outgoing,
  deadline: number,
  ca?: string,
): InFlight {
  const { method, url, headers, body } = outgoing;
  const hangUp = new AbortController();
  const giveUp = () => {
    const also = isHeld ? ", nor say that it reads the body" : "";
    const what = `${method} ${url.pathname}`;
    hangUp.abort(new Error(`it does not answer ${what}${also}`));
  };
  const timer = setTimeout(giveUp, deadline - Date.now());
  const events = new EventEmitter();
  const written = once(events, "written");
  const reading = once(events, "reading");
  const released = once(events, "released");
  const bytes = Buffer.from(body ?? "");
  async function* inParts() {
    yield bytes.subarray(0, 1);
    // undici asks for the next part when it has written this one.
    events.emit("written");
    await released;
    yield bytes.subarray(1);
  }
  let isHeld = bytes.length > 0;
  let isEarly = false;
  const exchange = async (): Promise<Answer> => {
    const response = await request(url, {
      method,
      headers: {
        ...headers,
        ...(isHeld && { "content-length": String(bytes.length) }),
      },
      // undici takes any async iterable. Its types do not say so.
      body: isHeld ? (inParts() as unknown as Readable) : null,
      signal: hangUp.signal,
      onInfo: ({ statusCode }) => statusCode === 102 && events.emit("reading"),
      ...(ca && { dispatcher: new Agent({ connect: { ca } }) }),
    });
    isEarly = isHeld;
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
  };
  const answer = exchange().finally(() => clearTimeout(timer));
  const orAnswered = async (event: Promise<unknown>): Promise<void> => {
    await Promise.race([event, answer]);
  };
  const [sent, received] = [orAnswered(written), orAnswered(reading)];
  // Nobody may be waiting yet when these fail. Who waits later hears of it then.
  for (const promise of [sent, received]) promise.catch(() => {});
  return {
    sent,
    received,
    isEarly: () => isEarly,
    finish() {
      isHeld = false;
      events.emit("released");
      return answer;
    },
    abort() {
      answer.catch(() => {});
      hangUp.abort();
    },
  };
}
