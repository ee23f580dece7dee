/** Something because of which the probe can't tell, in a line that says what to do about it. */
export class ProbeError extends Error {}

/** Says in a line why the app could not be asked, with nothing in it that an app has sent. */
export function reasonOf(error: unknown, baseURL: string): string {
  const { name, code: given = name, message } = error as NodeJS.ErrnoException;
  if (error instanceof ProbeError || isHanging(error)) return message;
  // What is no error of Node's may have a number.
  const code = String(given);
  const { origin, host, protocol } = new URL(baseURL);
  const other = protocol === "http:" ? "https" : "http";
  if (isTls(error)) return `${host} does not speak http: try https://${host}`;
  const { socket } = error as { socket?: { bytesRead?: number } };
  const isBegun = isSilence(error) && socket?.bytesRead;
  if (isBegun) return `${host} hangs up before an answer is whole`;
  const reasons: [RegExp, string][] = [
    [/^ECONNREFUSED$/, `nothing answers at ${origin}: is the app running?`],
    [/^(ENOTFOUND|EAI_AGAIN)$/, `there is no host ${host}`],
    [
      /^(EPROTO|ERR_SSL_.*)$/,
      `${host} does not speak https: try http://${host}`,
    ],
    [/ALTNAME/, `the certificate of ${host} is for another host`],
    [
      /CERT|SIGNED|ISSUER|VERIFY/,
      `nobody known has signed the certificate of ${host}: name a file with ` +
        "its authority in the environment, as NODE_EXTRA_CA_CERTS",
    ],
    [/OVERFLOW$/, `${host} answers with more than 16 kB of headers`],
    [
      /^(HTTPParserError|UND_ERR_(INVALID_ARG|RES_))/,
      `${host} answers with what is not HTTP`,
    ],
    [SILENCE, `${host} hangs up: does it want ${other}?`],
    [/^[A-Z_]+$/, `${host} can't be asked (${code})`],
  ];
  const [, reason] = reasons.find(([codes]) => codes.test(code)) ?? [];
  // Else it is a mistake of ours. Its message may have what an app has sent.
  return reason ?? `it can't go on (${whereFrom(error)})`;
}

const SILENCE = /^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/;

/** Whether an app hangs, or hangs up. */
export function isSilence(error: unknown): boolean {
  const { code = "" } = error as NodeJS.ErrnoException;
  return SILENCE.test(code) || isHanging(error);
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
