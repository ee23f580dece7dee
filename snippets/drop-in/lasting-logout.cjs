// @ts-nocheck
// This is lasting-logout.ts, without its types.
//
// A logout that lasts, for express-openid-connect 2.17 or newer, on Express 4
// or 5. Copy this file into your app, and write
//
//   app.use(lastingLogout(auth, config));            // with a session store
//   app.use(lastingLogout(auth, config, { ended })); // with cookie sessions
//
// in the place of app.use(auth(config)). Your settings and your store stay as
// they are. In the store there are marks, or in each cookie session a key.

const { AsyncLocalStorage } = require("node:async_hooks");
const { createHash, randomBytes } = require("node:crypto");

const DAY_S = 24 * 60 * 60;
/** Where a cookie session has what this file needs. */
const KEY = "lastingLogout";
/** A store has something under this and the id of a session that has ended. */
const MARK = "ended:";
/** Of several cookies with the session's name, this many are tried. */
const MOST_COOKIES = 4;
/** Of the sessions that a process has ended, it remembers this many itself. */
const MOST_ENDED = 1000;

/** What an error has when a store, or `ended`, fails or does not answer. */
const RETRY = { "Retry-After": "5" };

const newId = () => randomBytes(16).toString("hex");
const isEmpty = (data) => !data || Object.keys(data).length === 0;
/** Reads a time, in milliseconds since 1970, as stores give it back: a number, a text or a Date. */
const timeOf = (time) => Number(time) || Date.parse(String(time));
function textOf(data) {
  try {
    return JSON.stringify(data ?? {});
  } catch {
    // The library says what is wrong with it, when it writes the session.
    return "";
  }
}

/** Who is logged in, for an error page that asks before anybody knows. */
const nobody = () => ({ isAuthenticated: () => false });

const styles = new WeakMap();

/** As the library does, goes by how a function is written. */
function styleOf(work) {
  const known = styles.get(work);
  if (known) return known;
  const isAsync = work.constructor.name === "AsyncFunction";
  const style = {
    isAsync,
    namesCallback: /\b(cb|callback)\b/.test(String(work)),
  };
  styles.set(work, style);
  return style;
}

/** What a store keeps in the place of a session that has ended, until it forgets that. */
function markFor(ms) {
  const expires = Date.now() + ms;
  const exp = Math.ceil(expires / 1000);
  const header = { iat: exp, uat: exp, exp };
  return { header, data: {}, cookie: { expires, maxAge: ms } };
}

const subjectOf = (idToken) =>
  JSON.parse(
    Buffer.from(String(idToken).split(".")[1] ?? "", "base64url").toString(),
  ).sub;
const keyOf = (data) => data?.[KEY];
const nameOf = (cookie) => (cookie.split("=", 1)[0] ?? "").trim();
const cookiesOf = (req) => (req.headers.cookie ?? "").split(";");

/**
 * Does what `auth(config)` does, and makes logouts last: nothing that is in flight then, and no copy
 * of the cookie, brings the session back, and nothing of it reaches whoever logs in next.
 * @param {typeof import("express-openid-connect").auth} auth the library's `auth`
 * @param {import("express-openid-connect").ConfigParams} config what you give to it
 * @param {object} [options]
 * @param {(id: string, session: object, lifeMs: number) => unknown} [options.update] for a store, if it can: writes a session in one step, and only if there is one
 * with this id, as Redis does with `SET … XX`; returns something falsy if there is none
 * @param {{ has: (id: string) => unknown; add: (id: string, lifeMs: number) => unknown }} [options.ended] for cookie sessions: remembers ids of sessions that have ended, at least for
 * `lifeMs` milliseconds; all processes of the app have to share it
 * @param {number} [options.answerMs] how long the store or `ended` may take, in milliseconds; 1000 by default.
 * After that the request fails with an error whose `status` is 503, and nobody loses a session
 * @returns {ReturnType<typeof import("express-openid-connect").auth>} what `auth(config)` returns
 * @throws {TypeError} when an argument can't be right
 */
function lastingLogout(auth, config, options = {}) {
  check(auth, config, options);
  const { update, ended, answerMs = 1000 } = options;
  const { session: settings = {}, backchannelLogout } = config;
  const { name = "appSession", genid = newId, rolling = true } = settings;
  const { absoluteDuration = 7 * DAY_S, cookie: attributes } = settings;
  const store = settings.store;
  const hooks = backchannelLogout === true ? {} : backchannelLogout;
  const isHttps = /^https:/i.test(config.baseURL ?? `${process.env.BASE_URL}`);
  const idleMs = Number(settings.rollingDuration || DAY_S) * 1000;
  const mostMs = Number(absoluteDuration || Number.POSITIVE_INFINITY) * 1000;
  // The cookie that a late response has set is good for longer than all others.
  const endedMs = rolling ? Math.min(2 * idleMs, mostMs) : mostMs;

  const visits = new WeakMap();
  /** The last sessions that this process has ended. */
  const justEnded = new Set();
  const current = new AsyncLocalStorage();

  const liveOf = (since, data) => ({
    since,
    text: textOf(data),
    idToken: data.id_token,
  });

  /** Somebody was logged in, and is not any more. Whatever else is in the session stays behind. */
  const isLogout = ({ req, live }) =>
    Boolean(live?.idToken && !req[name]?.id_token);

  /** With a store, the library would keep the id of a session that is over, if anything is in it. */
  const leavesId = (visit) =>
    Boolean(store && visit.id && !visit.isLogin) &&
    (isLogout(visit) || visit.isDead === true);

  /** Tells other requests of the session, whose answers may begin before anything can be asked. */
  function nowEnded(visit) {
    visit.isEnding = true;
    justEnded.add(visit.id);
    if (justEnded.size <= MOST_ENDED) return;
    justEnded.delete(justEnded.values().next().value);
  }

  // ---- Which session cookies a response may set or clear

  const isOurs = (cookie) =>
    cookie.startsWith(name) && /^(\.\d)?$/.test(cookie.slice(name.length));

  const isChanged = ({ req, live }) =>
    textOf(req[name]) !== (live?.text ?? "{}");

  /** Somebody goes to the page that this request is for. */
  const isNavigation = ({ method, headers }) => {
    const mode = headers["sec-fetch-mode"];
    const isForPage = /\btext\/html\b/.test(headers.accept ?? "");
    return method === "GET" && (mode ? mode === "navigate" : isForPage);
  };

  /** An unchanged session is extended by navigations, and once half of its time is over. */
  const isDue = ({ req, live }) =>
    live !== undefined &&
    rolling &&
    (isNavigation(req) || !(Math.abs(Date.now() - live.since) < idleMs / 2));

  /** Whether the response may set or clear the session's cookie. */
  function mayTouchCookie(visit) {
    if (visit.hasFailed) return false;
    // What is late would take the place of whoever has logged in since.
    if (visit.isGone) return visit.isAmbiguous;
    if (visit.isLogin || visit.isEnding) return true;
    if (visit.id && justEnded.has(visit.id)) return false;
    if (visit.live) return isChanged(visit) || isDue(visit);
    return !visit.isDead || isNavigation(visit.req);
  }

  /** Runs after the library has set its cookies. */
  function filterCookies(visit) {
    const { req, res, isDead } = visit;
    const all = [res.getHeader("Set-Cookie") ?? []].flat().map(String);
    const ours = all.filter((text) => isOurs(nameOf(text)));
    // A redirect is no page that somebody looks at. It may be a logout, and a late one.
    const isPage = res.statusCode < 300 || res.statusCode >= 400;
    const isClearing = isDead && isEmpty(req[name]);
    const may = mayTouchCookie(visit) && (isPage || !isClearing);
    const isOut = leavesId(visit);
    if (ours.length > 0 && (!may || isOut)) {
      const others = all.filter((text) => !ours.includes(text));
      if (others.length > 0) res.setHeader("Set-Cookie", others);
      else res.removeHeader("Set-Cookie");
    }
    // A store has one cookie. A dead one goes, and what is left of cookie sessions from before.
    if (!store || !may || (ours.length === 0 && !isClearing)) return;
    // As the library sets it, with its defaults. Browsers refuse some cookies without them.
    const { domain, path, secure = isHttps } = attributes ?? {};
    const { sameSite = "Lax" } = attributes ?? {};
    const set = isOut ? [] : ours.map(nameOf);
    visit.cookies.forEach((cookie, at, sent) => {
      if (set.includes(cookie) || sent.indexOf(cookie) < at) return;
      res.clearCookie(cookie, { domain, path, secure, sameSite });
    });
  }

  // ---- What is asked of a store, or of `ended`

  /** Waits for an answer, but not for ever. */
  async function ask(work) {
    let timer;
    const silence = new Promise((_, reject) => {
      const refuse = () => reject(new Error(`no answer in ${answerMs} ms`));
      // It may be this process that is late. Then the answer is there by now.
      timer = setTimeout(() => setImmediate(refuse), answerMs);
    });
    try {
      return await Promise.race([work(), silence]);
    } catch (cause) {
      // Express reads `status`, and others, such as NestJS, `statusCode`.
      const told = { status: 503, statusCode: 503, headers: RETRY };
      throw Object.assign(new Error(), { ...told, cause });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Asks a store that takes a callback, returns a promise, or does both. */
  const askStore = (to, method, ...given) =>
    new Promise((resolve, reject) => {
      const work = to[method];
      const back = (error, found) =>
        // Stores of files say ENOENT of a session that is not there, and what is no JSON is none.
        // A database that is down may say ENOENT of its socket.
        error &&
        (error.code !== "ENOENT" || error.syscall === "connect") &&
        !(error instanceof SyntaxError)
          ? reject(error)
          : resolve(found);
      const { isAsync, namesCallback } = styleOf(work);
      const takesNone = isAsync && !namesCallback;
      const promise = work.call(to, ...given, ...(takesNone ? [] : [back]));
      promise?.then?.((found) => {
        if (found !== undefined || !namesCallback) resolve(found);
      }, back);
    });

  const call = (to, method, ...given) =>
    ask(() => askStore(to, method, ...given));

  /** The request fails. But it costs nobody the session, and its error can be shown. */
  function fail(visit, cause) {
    const { req, res, live } = visit;
    visit.hasFailed = true;
    const error = cause;
    if (error?.headers !== RETRY) return error;
    error.message =
      live && isEmpty(req[name])
        ? "You may still be logged in. Please log out again in a moment."
        : "We can't tell who is logged in right now. Please try again in a moment.";
    if (!res.headersSent) {
      res.removeHeader("Location");
      res.removeHeader("Content-Length");
      res.set(RETRY);
    }
    return error;
  }

  // ---- Sessions in a store

  async function find(id) {
    if (id.startsWith(MARK)) return undefined;
    const [session, mark] = await ask(() =>
      Promise.all([
        askStore(store, "get", id),
        update ? undefined : askStore(store, "get", MARK + id),
      ]),
    );
    if (!session?.header || !session.data || mark) return undefined;
    const isOver = timeOf(session.cookie?.expires) <= Date.now();
    return isOver ? undefined : session;
  }

  /** Writes a session that has not ended. Returns whether it was there. */
  async function write(id, session) {
    if (update) {
      await tryUpdate();
      const lifeMs = Math.ceil(session.cookie?.maxAge ?? idleMs);
      const isWritten = await ask(() => update(id, session, lifeMs));
      return Boolean(isWritten || (await find(id)));
    }
    if (!(await find(id))) return false;
    await call(store, "set", id, session);
    // A logout leaves its mark and then destroys. Here it is the other way round, so one of the two
    // sees what the other has done.
    if (!(await call(store, "get", MARK + id))) return true;
    await call(store, "destroy", id);
    return false;
  }

  let isTried = false;
  /** An `update` that writes what is not there would bring sessions back, and nobody would notice. */
  async function tryUpdate() {
    if (isTried) return;
    const id = `never:${newId()}`;
    await ask(() => update?.(id, markFor(60_000), 60_000));
    if (await call(store, "get", id)) {
      await call(store, "destroy", id);
      throw new TypeError(
        "lastingLogout: update has written a session that was not there. " +
          "Make it write only if there is one, as Redis does with SET … XX",
      );
    }
    isTried = true;
  }

  /** Gives the library a session that lives, or nothing at all. */
  async function load(id) {
    const visit = current.getStore();
    // The hooks of back-channel logout keep notes in the same store.
    if (!visit || visit.isLoaded) return call(store, "get", id);
    visit.isAmbiguous = false;
    try {
      const found = await find(id);
      if (found) {
        const { cookie, data } = found;
        const since = timeOf(cookie?.expires) - Number(cookie?.maxAge);
        visit.id = id;
        visit.live = liveOf(since, data);
        return found;
      }
      // The library would give this id to whatever begins now. So it starts over, and sees a request
      // that does not have this cookie.
      leaveOutOne(visit);
      router(visit.req, visit.res, visit.next);
    } catch (error) {
      // The library would take an error for "no session", and destroy it.
      visit.next(fail(visit, error));
    }
    return new Promise(() => {});
  }

  function leaveOutOne({ req, cookies }) {
    const all = cookiesOf(req);
    const isOwn = (cookie) => nameOf(cookie) === name;
    const own = all.filter(isOwn);
    const tried = cookies.filter(isOwn).length - own.length + 1;
    const out = tried < MOST_COOKIES ? own.slice(0, 1) : own;
    req.headers.cookie = all.filter((one) => !out.includes(one)).join(";");
  }

  async function save(id, session) {
    const visit = current.getStore();
    const isNote = !visit || !session.header;
    if (!isNote && !mayTouchCookie(visit)) return;
    if (isNote || visit.newIds.has(id)) await call(store, "set", id, session);
    else if (leavesId(visit)) await destroy(id);
    else if (isChanged(visit)) visit.isGone = !(await write(id, session));
    else {
      // Another request may have changed it meanwhile. It only lives longer.
      const found = await find(id);
      const renewed = { ...session, data: found?.data };
      visit.isGone = !found || !(await write(id, renewed));
    }
  }

  async function destroy(id) {
    const visit = current.getStore();
    if (visit?.id === id) {
      if (!(await find(id))) {
        visit.isGone = !visit.isLogin;
        return;
      }
      if (!update) await call(store, "set", MARK + id, markFor(endedMs));
      // Where there is no mark, this ends the session. If it fails, the session goes on.
      if (update) await call(store, "destroy", id);
      nowEnded(visit);
      if (update) return;
    }
    await call(store, "destroy", id);
  }

  /** What every version of the library, and every compiler, takes for a function that calls back. */
  const callingBack =
    (work) =>
    (...given) => {
      const visit = current.getStore();
      const done = given.pop();
      // Some versions call it once without that, to see what it returns.
      if (typeof done !== "function") return;
      work(...given).then(
        (found) => done(null, found),
        (error) => done(visit ? fail(visit, error) : error),
      );
    };

  // ---- Sessions in a cookie

  /** A session from before has no id of its own, but its login has an ID token of its own. */
  const idOf = (data) =>
    keyOf(data)?.id ??
    (data.id_token
      ? createHash("sha256").update(`${data.id_token}`).digest("base64url")
      : undefined);

  const hasEnded = async ({ id }) => id && (await ask(() => ended?.has(id)));

  /** Looks whether the session has ended since, and whether it ends with this response. */
  async function settle(visit) {
    const { req, res } = visit;
    const data = req[name];
    const kept = isLogout(visit) ? undefined : (keyOf(data)?.id ?? visit.id);
    const id = isEmpty(data) ? undefined : (kept ?? newId());
    if (await hasEnded(visit)) visit.isGone = !visit.isLogin;
    else if (visit.id && visit.id !== id) {
      await ask(() => ended?.add(visit.id, endedMs));
      nowEnded(visit);
    }
    if (id && !res.headersSent) data[KEY] = { id, since: Date.now() };
  }

  /** Lets the end of a response wait, when its session cookie is to be set or cleared. */
  function waitAtEnd(visit) {
    const { res, next } = visit;
    const { end } = res;
    let isAnswered = false;
    let isAnsweredAgain = false;
    res.end = (...given) => {
      const isReady = visit.hasFailed || (!isChanged(visit) && !isDue(visit));
      if (isReady && !isAnswered) return end.apply(res, given);
      // Some apps answer twice. As without this file, it is the first answer that counts.
      isAnsweredAgain = isAnswered;
      if (isAnswered) return res;
      isAnswered = true;
      const { statusCode } = res;
      const headers = Object.entries(res.getHeaders());
      const finish = async () => {
        await settle(visit);
        if (isAnsweredAgain && !res.headersSent) {
          res.statusCode = statusCode;
          for (const header of res.getHeaderNames()) res.removeHeader(header);
          for (const [header, value = ""] of headers)
            res.setHeader(header, value);
        }
        end.apply(res, given);
      };
      finish().catch((error) => {
        res.end = end;
        next(fail(visit, error));
      });
      return res;
    };
  }

  // ---- Logins, and logouts at the provider

  const afterCallback = async (req, res, session, state) => {
    const theirs = config.afterCallback;
    const data = theirs ? await theirs(req, res, session, state) : session;
    const visit = visits.get(req);
    visit.isLogin = true;
    if (!ended) return data;
    const { live } = visit;
    const isOver = await hasEnded(visit).catch((error) => {
      throw fail(visit, error);
    });
    // Who logs in again goes on with their session, and with its id. Nobody goes on with one that
    // has ended: what was in it is left out.
    const isSame =
      live?.idToken && subjectOf(live.idToken) === subjectOf(session.id_token);
    const id = isSame && !isOver ? visit.id : newId();
    const old = isOver ? Object.keys(JSON.parse(live?.text ?? "{}")) : [];
    const leftOut = Object.fromEntries(old.map((key) => [key, undefined]));
    return { ...leftOut, ...data, [KEY]: { id, since: Date.now() } };
  };

  /** The library asks this about each session in which somebody is logged in. */
  async function isLoggedOut(req, libraryConfig) {
    const visit = visits.get(req);
    try {
      const [isOver, isOut] = await Promise.all([
        ended && hasEnded(visit),
        isOutAtProvider(req, libraryConfig),
      ]);
      if (!isOver && !isOut) return false;
    } catch (error) {
      Object.defineProperty(req, "oidc", { value: nobody() });
      throw fail(visit, error);
    }
    refuse(visit);
    return false;
  }

  /** The library would take the session object away, and apps expect that there is one. */
  function refuse(visit) {
    delete visit.live;
    if (!store) delete visit.id;
    visit.isDead = !visit.isAmbiguous;
    const data = visit.req[name];
    for (const key of Object.keys(data)) delete data[key];
  }

  /** An anonymous session has ended, too, once somebody has logged in with it. */
  const refuseEnded = async (req, _res, next) => {
    const visit = visits.get(req);
    try {
      const isAnonymous = !req.oidc.isAuthenticated();
      if (isAnonymous && (await hasEnded(visit))) refuse(visit);
      next();
    } catch (error) {
      next(fail(visit, error));
    }
  };

  /** Asks the app's own hook for back-channel logout, or looks where the library's own one does. */
  async function isOutAtProvider(req, libraryConfig) {
    if (!hooks || hooks.isLoggedOut === false) return false;
    if (hooks.isLoggedOut) {
      return hooks.isLoggedOut(req, libraryConfig);
    }
    const { iss, sid, sub } = req.oidc.idTokenClaims ?? {};
    const notes = [sid, sub].flatMap((who) =>
      who ? call(hooks.store ?? store, "get", `${iss}|${who}`) : [],
    );
    return (await Promise.all(notes)).some(Boolean);
  }

  // ---- The library, with all of that around it

  const router = auth({
    ...config,
    afterCallback,
    ...(store && {
      session: {
        ...settings,
        store: {
          get: callingBack(load),
          set: callingBack(save),
          destroy: callingBack(destroy),
        },
        async genid(req) {
          const id = await genid(req);
          visits.get(req)?.newIds.add(id);
          return id;
        },
      },
    }),
    ...((ended || hooks) && {
      backchannelLogout: { ...(hooks || { onLogin: false }), isLoggedOut },
    }),
    // The hook comes with a route, which an app that has not asked for it must not get.
    ...(!hooks &&
      ended && {
        routes: { ...config.routes, backchannelLogout: `/${newId()}` },
      }),
  });

  if (ended) router.use(refuseEnded);

  /** Is called when the library has loaded the session, and before any of its routes. */
  function onLoaded(visit) {
    const { req, res, cookies, cookieHeader } = visit;
    visit.isLoaded = true;
    if (cookieHeader !== undefined) req.headers.cookie = cookieHeader;
    const data = req[name];
    if (isEmpty(data)) delete visit.live;
    else if (!store) {
      visit.id = idOf(data);
      visit.live = liveOf(keyOf(data)?.since ?? 0, data);
    }
    visit.isDead = !visit.live && cookies.length > 0 && !visit.isAmbiguous;
    if (!store) {
      waitAtEnd(visit);
      return;
    }
    // Whatever the app does in between: when the library writes, it is for this request.
    const { end } = res;
    res.end = (...given) => current.run(visit, () => end.apply(res, given));
  }

  const handler = (request, res, next) => {
    const req = request;
    const cookies = cookiesOf(req).map(nameOf).filter(isOurs);
    const visit = {
      req,
      res,
      next,
      cookies,
      cookieHeader: req.headers.cookie,
      isAmbiguous: new Set(cookies).size < cookies.length,
      newIds: new Set(),
    };
    visits.set(req, visit);
    // A store has one cookie. What is left of cookie sessions, or is empty, would be taken for an id.
    if (store && cookies.length > 0) {
      req.headers.cookie = cookiesOf(req)
        .filter((one) => {
          const isId = nameOf(one) === name && !/^[^=]*=\s*$/.test(one);
          return isId || !isOurs(nameOf(one));
        })
        .join(";");
    }
    Object.defineProperty(req, "oidc", {
      configurable: true,
      enumerable: true,
      get: nobody,
      set(value) {
        Object.defineProperty(req, "oidc", { value, writable: true });
        onLoaded(visit);
      },
    });
    // The library sets its cookies in a writeHead of its own, which then calls this one.
    const { writeHead } = res;
    res.writeHead = (...given) => {
      filterCookies(visit);
      return writeHead.apply(res, given);
    };
    current.run(visit, () => router(req, res, next));
  };
  return Object.setPrototypeOf(handler, router);
}

/** Refuses what can't be right, at the start, and says what would be. */
function check(auth, config, { update, ended, answerMs = 1, ...others }) {
  const store = config?.session?.store;
  const hooks = config?.backchannelLogout;
  const isA = (one, ...methods) =>
    methods.every((method) => typeof one[method] === "function");
  const [mistake] = [
    (typeof auth !== "function" || typeof config !== "object" || !config) &&
      "give it auth itself, and its config: lastingLogout(auth, config)",
    Object.keys(others).length > 0 &&
      `there is no option ${Object.keys(others)}`,
    !store &&
      !ended &&
      "give it config.session.store or, for cookie sessions, { ended }: " +
        "has(id) and add(id, lifeMs), which remember the sessions that have ended",
    store && ended && "ended is for cookie sessions: leave out one of the two",
    ended &&
      hooks &&
      !hooks.store &&
      hooks.isLoggedOut === undefined &&
      "backchannelLogout needs a store of its own beside cookie sessions",
    !store && update && "update is for a store: give config.session.store",
    store &&
      !isA(store, "get", "set", "destroy") &&
      "session.store has to have get, set and destroy",
    ended && !isA(ended, "has", "add") && "ended has to have has and add",
    update && !isA({ update }, "update") && "update has to be a function",
    !(answerMs > 0 && answerMs < 2 ** 31) &&
      "answerMs has to be a number of milliseconds, more than 0",
  ].filter(Boolean);
  if (mistake) throw new TypeError(`lastingLogout: ${mistake}`);
}

module.exports = { lastingLogout };
