import { ForeignForm, ForeignHost } from "../client/browser.ts";
import { TooMuch } from "../client/cookie-jar.ts";
import { ProbeError, type Target } from "./target.ts";

/** Says in a line why the app could not be asked, with nothing in it that an app has sent. */
export function reasonOf(error: unknown, { app }: Target): string {
  const { code: given = "", message } = error as NodeJS.ErrnoException;
  // What is no error of Node's may have a number.
  const code = String(given);
  const { origin, host, protocol } = new URL(app.baseURL);
  if (error instanceof ForeignHost) {
    return (
      `${message}, which nobody has named: say --provider with it if that is right, ` +
      `or is ${app.baseURL} not what the app has for its baseURL?`
    );
  }
  if (
    error instanceof ProbeError ||
    error instanceof ForeignForm ||
    error instanceof TooMuch
  ) {
    return message;
  }
  if (code === "ECONNREFUSED") {
    return `nothing answers at ${origin}: is the app running?`;
  }
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return `there is no host ${host}: is the address right?`;
  }
  if (code === "EPROTO" || code.startsWith("ERR_SSL_")) {
    return `${host} does not speak https: try http://${host}`;
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return `the certificate of ${host} is for another host`;
  }
  if (/CERT|SIGNED|ISSUER|VERIFY/.test(code)) {
    return `nobody known has signed the certificate of ${host}: give its authority with --ca`;
  }
  if (code === "UND_ERR_HEADERS_OVERFLOW" || code === "HPE_HEADER_OVERFLOW") {
    return `${host} answers with more than 16 kB of headers`;
  }
  if (isTls(error)) return `${host} does not speak http: try https://${host}`;
  const isMalformed = (error as Error).name === "HTTPParserError";
  if (isMalformed || /^UND_ERR_(INVALID_ARG|RES_)/.test(code)) {
    return `${host} answers with what is not HTTP`;
  }
  if (/^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/.test(code)) {
    const { socket } = error as { socket?: { bytesRead?: number } };
    if (socket?.bytesRead) return `${host} hangs up before an answer is whole`;
    const other = protocol === "http:" ? "https" : "http";
    return `${host} hangs up: does it want ${other}?`;
  }
  if (isSilence(error)) return message;
  if (/^[A-Z_]+$/.test(code)) return `${host} can't be asked (${code})`;
  // A mistake of ours. Its message may have what an app has sent.
  return `it can't go on (${whereFrom(error)})`;
}

/** Whether an app hangs, or hangs up. */
export function isSilence(error: unknown): boolean {
  const { code = "" } = error as NodeJS.ErrnoException;
  return /^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/.test(code) || isHanging(error);
}

/** Whether an app has not answered in time. It may do so later. */
export const isHanging = (error: unknown): boolean =>
  (error as Error).message.startsWith("it does not answer");

/** Whether what came is a record of TLS (RFC 8446, 5.1): an alert, which begins so. */
const isTls = (error: unknown): boolean =>
  String((error as { data?: unknown }).data ?? "").startsWith("\x15\x03");

function whereFrom(error: unknown): string {
  const { name = "Error", stack = "" } = error as Error;
  const [, place] = stack.match(/scripts[\\/]([\w/\\-]+\.ts:\d+)/) ?? [];
  return place ? `${name} in ${place}` : name;
}
