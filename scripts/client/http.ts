import { EventEmitter, once } from "node:events";
import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { Agent, type Dispatcher, request, WebSocket } from "undici";
import { TooMuch } from "./cookie-jar.ts";

/** The connections of those who trust an authority of their own, by its certificate. */
const agents = new Map<string, Agent>();

/** Says what to send a request with, where that is not undici's own. */
function trusting(ca: string | undefined): { dispatcher?: Agent } {
  if (!ca) return {};
  const dispatcher = agents.get(ca) ?? new Agent({ connect: { ca } });
  agents.set(ca, dispatcher);
  return { dispatcher };
}

/** What one response may take. */
export interface Limits {
  bytes: number;
  /** From when all of the request has been sent. */
  milliseconds: number;
}

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
  /** Whether there was more, as in a stream that does not end. */
  isCut?: boolean;
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
 * @param options.ca the certificate of an authority to trust over https, in PEM, instead of the
 * usual ones
 * @param options.limits what the response may take; by default anything
 * @throws {Error} from all promises, when the server hangs up, or hangs
 */
export function send(
  outgoing: Outgoing,
  deadline: number,
  { ca, limits }: { ca?: string; limits?: Limits } = {},
): InFlight {
  const { method, url, headers, body } = outgoing;
  const hangUp = new AbortController();
  const giveUp = () => {
    const also = isHeld ? ", nor say that it reads the body" : "";
    const what = `${method} ${url.pathname}`;
    hangUp.abort(new Error(`it does not answer ${what}${also}`));
  };
  let timer = setTimeout(giveUp, deadline - Date.now());
  const hurry = () => {
    clearTimeout(timer);
    const { milliseconds = Infinity } = limits ?? {};
    const left = deadline - Date.now();
    timer = setTimeout(giveUp, Math.min(left, milliseconds));
  };
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
  let isOver = false;
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
      ...trusting(ca),
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
      ...(limits
        ? await readWithin(limits, response, `${method} ${url.pathname}`)
        : { body: await response.body.text() }),
    };
  };
  if (!isHeld) hurry();
  const answer = exchange().finally(() => {
    isOver = true;
    clearTimeout(timer);
  });
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
      // Else the timer would keep this process alive, for nothing.
      if (!isOver) hurry();
      events.emit("released");
      return answer;
    },
    abort() {
      answer.catch(() => {});
      hangUp.abort();
    },
  };
}

/**
 * Reads a body for as long as it may take. What goes on after that is cut off.
 * @throws {TooMuch} when it is too large
 */
async function readWithin(
  limits: Limits,
  { body, headers }: Dispatcher.ResponseData,
  what: string,
): Promise<Pick<Answer, "body" | "isCut">> {
  // An event stream has no end, and its headers say so.
  if (/^text\/event-stream/i.test(String(headers["content-type"]))) {
    body.on("error", () => {}).destroy();
    return { body: "", isCut: true };
  }
  const chunks: Buffer[] = [];
  let isCut = false;
  const timer = setTimeout(() => {
    isCut = true;
    body.destroy();
  }, limits.milliseconds);
  try {
    let bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > limits.bytes) {
        const most = limits.bytes / 1_000_000;
        throw new TooMuch(`${what} answers with more than ${most} MB`);
      }
      chunks.push(chunk);
    }
  } catch (error) {
    if (!isCut) throw error;
  } finally {
    clearTimeout(timer);
  }
  const text = Buffer.concat(chunks).toString("utf8");
  return isCut ? { body: text, isCut } : { body: text };
}

/** What goes on until somebody ends it: a WebSocket, or a response such as a stream of events. */
export interface Stream {
  isOpen(): boolean;
  close(): void;
}

/** Sends a request, and leaves its response open. */
export async function openStream(
  { method, url, headers }: Outgoing,
  { ca, milliseconds }: { ca?: string; milliseconds: number },
): Promise<Stream> {
  const hangUp = new AbortController();
  const reason = new Error(`it does not answer ${method} ${url.pathname}`);
  const timer = setTimeout(() => hangUp.abort(reason), milliseconds);
  const { body } = await request(url, {
    method,
    headers,
    signal: hangUp.signal,
    ...trusting(ca),
  }).finally(() => clearTimeout(timer));
  body.on("error", () => {}).resume();
  return { isOpen: () => !body.closed, close: () => body.destroy() };
}

/** Opens a WebSocket; undefined when that does not come about. */
export async function openSocket(
  { url, headers }: Outgoing,
  { ca, milliseconds }: { ca?: string; milliseconds: number },
): Promise<Stream | undefined> {
  const socket = new WebSocket(url.href.replace(/^http/, "ws"), {
    headers,
    ...trusting(ca),
  });
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
