import { EventEmitter, once } from "node:events";
import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { type Dispatcher, request, WebSocket } from "undici";
import type { Outgoing, Answer as WholeAnswer } from "../bed/http.ts";
import { ProbeError } from "./refusal.ts";

export type { Outgoing };

/** What one response may take. */
export interface Limits {
  bytes: number;
  /** From when all of the request has been sent. */
  milliseconds: number;
}

/** What it may take where nobody says. */
export const LIMITS: Limits = { bytes: 2_000_000, milliseconds: 60_000 };

/** A request that is held back is given up after so many times the time for a response. */
const HELD_TIMES = 12;

/** A response. */
export interface Answer extends WholeAnswer {
  /** Whether there was more, as in a stream that does not end. */
  isCut?: boolean;
}

/** A request that is out, but for its body: only the first byte of that is. */
export interface InFlight {
  /** Resolves once all that is not held back is on its way, or the server has answered. */
  sent: Promise<void>;
  /** Whether the server has answered without the body. */
  isEarly(): boolean;
  /** Sends the rest of the body, and resolves with the whole response. */
  finish(): Promise<Answer>;
  /** Hangs up, without the body, and waits for nothing. */
  abort(): void;
}

/**
 * Sends a request, and holds back its body, all but the first byte.
 * @throws {Error} from all promises, when the server hangs up, or hangs
 * @throws {ProbeError} when the response is too large
 */
export function send(outgoing: Outgoing, limits = LIMITS): InFlight {
  const { method, url, headers, body } = outgoing;
  const what = `${method} ${url.pathname}`;
  const hangUp = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const expectAnswer = (times = 1) => {
    clearTimeout(timer);
    const giveUp = () => hangUp.abort(new Error(`it does not answer ${what}`));
    timer = setTimeout(giveUp, limits.milliseconds * times);
  };
  const events = new EventEmitter();
  const written = once(events, "written");
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
  const length = isHeld && { "content-length": String(bytes.length) };
  expectAnswer(isHeld ? HELD_TIMES : 1);
  const answer = request(url, {
    method,
    headers: { ...headers, ...length },
    // undici takes any async iterable. Its types do not say so.
    body: isHeld ? (inParts() as unknown as Readable) : null,
    signal: hangUp.signal,
  })
    .then(async (response): Promise<Answer> => {
      isEarly = isHeld;
      const cookies = response.headers["set-cookie"];
      return {
        status: response.statusCode,
        headers: {
          ...(response.headers as IncomingHttpHeaders),
          // A single one comes as a string.
          ...(cookies && { "set-cookie": [cookies].flat() }),
        },
        ...(await read(response, limits.bytes, what)),
      };
    })
    .finally(() => {
      clearTimeout(timer);
      timer = undefined;
    });
  const sent = Promise.race([written, answer]).then(() => {});
  // Nobody may be waiting yet when it fails. Who waits later hears of it then.
  sent.catch(() => {});
  return {
    sent,
    isEarly: () => isEarly,
    finish() {
      isHeld = false;
      if (timer) expectAnswer();
      events.emit("released");
      return answer;
    },
    abort() {
      answer.catch(() => {});
      hangUp.abort();
    },
  };
}

async function read(
  { body, headers }: Dispatcher.ResponseData,
  most: number,
  what: string,
): Promise<Pick<Answer, "body" | "isCut">> {
  // An event stream has no end, and its headers say so.
  if (/^text\/event-stream/i.test(String(headers["content-type"]))) {
    body.on("error", () => {}).destroy();
    return { body: "", isCut: true };
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > most) {
      const megabytes = most / 1_000_000;
      throw new ProbeError(`${what} answers with more than ${megabytes} MB`);
    }
    chunks.push(chunk);
  }
  return { body: Buffer.concat(chunks).toString("utf8") };
}

/** What goes on until somebody ends it: a WebSocket, or a response such as a stream of events. */
export interface Stream {
  isOpen(): boolean;
  close(): void;
}

/** Sends a request, and leaves its response open. */
export async function openStream(
  { method, url, headers }: Outgoing,
  { milliseconds } = LIMITS,
): Promise<Stream> {
  const hangUp = new AbortController();
  const reason = new Error(`it does not answer ${method} ${url.pathname}`);
  const timer = setTimeout(() => hangUp.abort(reason), milliseconds);
  const { signal } = hangUp;
  const { body } = await request(url, { method, headers, signal }).finally(() =>
    clearTimeout(timer),
  );
  body.on("error", () => {}).resume();
  return { isOpen: () => !body.closed, close: () => body.destroy() };
}

/** Opens a WebSocket; undefined when that does not come about. */
export async function openSocket(
  { url, headers }: Outgoing,
  { milliseconds } = LIMITS,
): Promise<Stream | undefined> {
  const address = url.href.replace(/^http/, "ws");
  const socket = new WebSocket(address, { headers });
  const isOpen = () => socket.readyState === WebSocket.OPEN;
  const close = () => socket.close();
  const timer = setTimeout(close, milliseconds);
  await new Promise<void>((resolve) => {
    for (const event of ["open", "close"] as const)
      socket.addEventListener(event, () => resolve());
    // Whatever it is, it is closed after that.
    socket.addEventListener("error", () => {});
  });
  clearTimeout(timer);
  return isOpen() ? { isOpen, close } : undefined;
}
