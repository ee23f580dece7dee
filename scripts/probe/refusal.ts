import { ForeignForm } from "../client/browser.ts";
import { ProbeError } from "./log-in.ts";
import type { Target } from "./probe-app.ts";

/** Says in a line why the app could not be asked. */
export function reasonOf(error: unknown, { app }: Target): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const { origin, host, protocol } = new URL(app.baseURL);
  if (error instanceof ProbeError || error instanceof ForeignForm) {
    return message;
  }
  if (code === "ECONNREFUSED") {
    return `nothing answers at ${origin}: is the app running?`;
  }
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return `there is no host ${host}: is the address right?`;
  }
  if (code === "EPROTO" || code?.startsWith("ERR_SSL_")) {
    return `${host} does not speak https: try http://${host}`;
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return `the certificate of ${host} is for another host`;
  }
  if (code && /CERT|SIGNED|ISSUER|VERIFY/.test(code)) {
    return `nobody known has signed the certificate of ${host}: give its authority with --ca`;
  }
  if (/^(ECONNRESET$|UND_ERR_SOCKET$|HPE_)/.test(code ?? "")) {
    const other = protocol === "http:" ? "https" : "http";
    return `${host} hangs up: does it want ${other}?`;
  }
  // Every other mistake of the network has a code or our own words, and the rest are ours.
  if (code || /^(it does not answer|GET|POST)/.test(message)) return message;
  throw error;
}
