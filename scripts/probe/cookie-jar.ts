import { isIP } from "node:net";
import { Cookie, CookieJar } from "tough-cookie";
import { ProbeError } from "./refusal.ts";

/** Browsers keep about as many cookies of one site; Chromium 180. */
const MOST_COOKIES = 180;

/** Browsers leave out a cookie whose name and value are longer together (RFC 6265bis, 5.7). */
const MOST_BYTES = 4096;

/** A cookie as a browser keeps it. */
export interface Kept {
  name: string;
  value: string;
  /** The host that it is for, and with `isShared` the hosts under that, too. */
  domain: string;
  isShared: boolean;
  path: string;
  isSecure: boolean;
  isPartitioned: boolean;
  /** Whether only its name and value are known, as from a `Cookie` header. */
  isGuessed: boolean;
}

/**
 * The cookies of one browser. Those with a `Domain`, without one, and `Partitioned` ones are kept
 * apart, as browsers do: one of a kind neither replaces nor clears one of another.
 */
export class BrowserJar {
  readonly #jars = new Map<string, CookieJar>();
  readonly #guessed = new Set<string>();

  /**
   * Takes a cookie of which only name and value are known. It goes with all requests to a host, and
   * any response that sets or clears one of its name replaces it. Of several with one name, it takes
   * the first, as most servers do.
   * @returns whether it was taken
   */
  async guess(cookie: string, url: URL): Promise<boolean> {
    const name = cookie.slice(0, cookie.indexOf("="));
    if (this.#guessed.has(name)) return true;
    const isSecure = url.protocol === "https:" || cookie.startsWith("__");
    const taken = await this.take(
      `${cookie}; Path=/${isSecure ? "; Secure" : ""}`,
      url,
    );
    this.#guessed.add(name);
    return taken;
  }

  /**
   * Takes a `Set-Cookie`, unless a browser would leave it out.
   * @returns whether it was taken
   * @throws {ProbeError} when there are more than a browser keeps
   */
  async take(header: string, url: URL): Promise<boolean> {
    const cookie = Cookie.parse(header);
    if (!cookie || cookie.key.length + cookie.value.length > MOST_BYTES) {
      return false;
    }
    const isPartitioned = isPartitionedOne(cookie);
    if (isPartitioned && !cookie.secure) return false;
    if (!isTrustworthy(url) && (await this.#hasSecure(cookie.key, url))) {
      return false;
    }
    if (this.#guessed.has(cookie.key) && isAllowed(cookie)) {
      await this.forget(cookie.key, url);
      if (!isClearing(cookie)) this.#guessed.delete(cookie.key);
    }
    const isShared = cookie.domain !== null && isIP(url.hostname) === 0;
    const kind = `${isShared}, ${isPartitioned}`;
    const jar = this.#jars.get(kind) ?? new CookieJar();
    this.#jars.set(kind, jar);
    const taken = await jar
      .setCookie(header, url.href, { ignoreError: true })
      .catch(() => undefined);
    if ((await this.for(url)).length > MOST_COOKIES) {
      throw new ProbeError(
        `it sets more than ${MOST_COOKIES} cookies, and browsers keep no more`,
      );
    }
    return taken !== undefined;
  }

  /** Clears all cookies of a site, as `Clear-Site-Data` does over https and on this machine. */
  async clear(url: URL): Promise<void> {
    if (!isTrustworthy(url)) return;
    for (const [jar, cookie] of await this.#all()) {
      if (!isFor(cookie, url)) continue;
      await jar.store.removeCookie(cookie.domain, cookie.path, cookie.key);
    }
  }

  /**
   * The cookies that go with a request.
   * @param isForeign whether another site makes it, with a method that is not a link's
   */
  async for({ href }: URL, isForeign = false): Promise<Cookie[]> {
    const context = isForeign ? { sameSiteContext: "none" as const } : {};
    const found = [];
    for (const jar of this.#jars.values()) {
      found.push(...(await jar.getCookies(href, context)));
    }
    // Those of longer paths come first (RFC 6265, 5.4).
    return found.sort(
      (one, other) => (other.path?.length ?? 0) - (one.path?.length ?? 0),
    );
  }

  /** All that it has for a host, of whatever path. */
  async kept({ hostname }: URL): Promise<Kept[]> {
    return (await this.#all()).flatMap(([, cookie]) =>
      isFor(cookie, { hostname }) && !hasExpired(cookie)
        ? {
            name: cookie.key,
            value: cookie.value,
            domain: cookie.domain ?? hostname,
            isShared: !cookie.hostOnly && isIP(hostname) === 0,
            path: cookie.path ?? "/",
            isSecure: cookie.secure,
            isPartitioned: isPartitionedOne(cookie),
            isGuessed: this.#guessed.has(cookie.key),
          }
        : [],
    );
  }

  /** Loses a cookie of a host, of whatever path. */
  async forget(name: string, url: URL): Promise<void> {
    for (const [jar, cookie] of await this.#all()) {
      if (cookie.key !== name || !isFor(cookie, url)) continue;
      await jar.store.removeCookie(cookie.domain, cookie.path, cookie.key);
    }
  }

  /** Takes all cookies that another one has for a host. */
  async adopt(other: BrowserJar, url: URL): Promise<void> {
    for (const [kind, theirs] of other.#jars) {
      const jar = this.#jars.get(kind) ?? new CookieJar();
      this.#jars.set(kind, jar);
      for (const name of other.#guessed) this.#guessed.add(name);
      for (const cookie of await cookiesIn(theirs)) {
        if (isFor(cookie, url)) await jar.store.putCookie(cookie);
      }
    }
  }

  async clone(): Promise<BrowserJar> {
    const copy = new BrowserJar();
    for (const name of this.#guessed) copy.#guessed.add(name);
    for (const [kind, jar] of this.#jars) {
      copy.#jars.set(kind, await jar.clone());
    }
    return copy;
  }

  async #all(): Promise<[CookieJar, Cookie][]> {
    const all: [CookieJar, Cookie][] = [];
    for (const jar of this.#jars.values()) {
      for (const cookie of await cookiesIn(jar)) all.push([jar, cookie]);
    }
    return all;
  }

  /** Over http, no cookie is set that https has set with `Secure` (RFC 6265bis, 5.7, step 16). */
  async #hasSecure(name: string, url: URL): Promise<boolean> {
    const all = await this.#all();
    return all.some(
      ([, cookie]) =>
        cookie.key === name && cookie.secure && isFor(cookie, url),
    );
  }
}

const cookiesIn = (jar: CookieJar): Promise<Cookie[]> =>
  jar.store.getAllCookies();

/** Whether a `Set-Cookie` clears a cookie, and sets none. */
export const isClearing = (cookie: Cookie): boolean =>
  cookie.value === "" || hasExpired(cookie);

const hasExpired = (cookie: Cookie): boolean =>
  (cookie.expiryTime() ?? Infinity) <= Date.now();

/** Whether a cookie has what the prefix of its name asks for (RFC 6265bis, 4.1.3). */
const isAllowed = ({ key, secure, domain, path }: Cookie): boolean =>
  !key.startsWith("__") ||
  (secure && (!key.startsWith("__Host-") || (!domain && path === "/")));

const isPartitionedOne = ({ extensions }: Cookie): boolean =>
  extensions?.some((one) => one.toLowerCase() === "partitioned") ?? false;

const isFor = ({ domain }: Cookie, { hostname }: { hostname: string }) =>
  domain !== null && `.${hostname}`.endsWith(`.${domain}`);

/** Whether a browser takes an address for as good as https. */
export const isTrustworthy = (url: URL): boolean =>
  url.protocol === "https:" || isHere(url);

/** Whether a host is this machine. */
export const isHere = ({ hostname }: URL): boolean =>
  /^(localhost|.*\.localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
