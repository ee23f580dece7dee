import { randomBytes } from "node:crypto";

/** The four variables that put another OpenID provider in the local one's place. */
const PROVIDER_VARIABLES = [
  "ISSUER_BASE_URL",
  "CLIENT_ID",
  "CLIENT_SECRET",
  "SECRET",
] as const;

/** A mistake of the user's: its message is one line that names the next step. */
export class SettingsError extends Error {}

/** What `auth()` has to know about the OpenID provider, under its own names. */
export interface Provider {
  issuerBaseURL: string;
  clientID: string;
  clientSecret: string;
  /** Encrypts and signs the app's own cookies; the provider never sees it. */
  secret: string;
}

export interface Settings {
  /** The port to listen on; 0 stands for any free one. */
  port: number;
  /** How long `POST /update` works once it has the whole request, in ms. */
  updateMs: number;
  /** How long the local provider's logout hop takes, in ms. */
  idpMs: number;
  /** The size of a claim in the local provider's ID tokens that fills a cookie, in bytes. */
  claimBytes: number;
  /** The provider that the environment names; undefined asks for the local one. */
  provider: Provider | undefined;
  /** The Redis that the environment names. It can have a password in it, so it is never printed. */
  redisUrl: string | undefined;
}

/**
 * Reads a snippet's settings.
 * @param environment the variables to read, as in `process.env`; one that is empty counts as not set
 * @throws {SettingsError} when a value can't be used, or when the provider is only half described
 */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  return {
    port: wholeNumber(environment, "PORT", 3000, 65_535),
    updateMs: wholeNumber(environment, "UPDATE_MS", 400, 600_000),
    idpMs: wholeNumber(environment, "IDP_MS", 800, 600_000),
    claimBytes: wholeNumber(environment, "CLAIM_BYTES", 0, 20_000),
    provider: providerFrom(environment),
    redisUrl: redisFrom(environment),
  };
}

/**
 * Waits for work that can fail because of a setting. Ends the process with one line and exit
 * code 1 when it does.
 */
export async function endOnSettingsError<T>(work: () => Promise<T>) {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}

/** Makes a secret of 256 random bits, so that no two starts share one. */
export const randomSecret = (): string => randomBytes(32).toString("base64url");

function wholeNumber(
  environment: NodeJS.ProcessEnv,
  name: string,
  unlessTold: number,
  most: number,
): number {
  const text = environment[name];
  if (!text) return unlessTold;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > most) {
    throw new SettingsError(
      `${name}=${text} does not work: give a whole number from 0 to ${most}`,
    );
  }
  return value;
}

function providerFrom(environment: NodeJS.ProcessEnv): Provider | undefined {
  const missing = PROVIDER_VARIABLES.filter((name) => !environment[name]);
  if (missing.length === PROVIDER_VARIABLES.length) return undefined;
  if (missing.length > 0) {
    throw new SettingsError(
      `also set ${missing.join(", ")} to use your own provider, or none of ` +
        `${PROVIDER_VARIABLES.join(", ")} to use the local one`,
    );
  }
  const [issuerBaseURL, clientID, clientSecret, secret] =
    PROVIDER_VARIABLES.map((name) => environment[name] ?? "") as [
      string,
      string,
      string,
      string,
    ];
  if (!/^https?:$/.test(protocolOf(issuerBaseURL))) {
    throw new SettingsError(
      `ISSUER_BASE_URL=${issuerBaseURL} does not work: give the provider's ` +
        "address, such as https://example.eu.auth0.com",
    );
  }
  if (secret.length < 8) {
    throw new SettingsError("SECRET is too short: give 8 characters or more");
  }
  return { issuerBaseURL, clientID, clientSecret, secret };
}

function redisFrom({ REDIS_URL: url }: NodeJS.ProcessEnv): string | undefined {
  if (!url) return undefined;
  if (!/^rediss?:$/.test(protocolOf(url)) || !new URL(url).hostname) {
    throw new SettingsError(
      "REDIS_URL does not work: give an address such as redis://localhost:6379",
    );
  }
  return url;
}

function protocolOf(text: string): string {
  return URL.canParse(text) ? new URL(text).protocol : "";
}
