// Small mistakes that somebody could make in a remedy, or in what it stands on. A check has to notice each.

/** A mistake: what comes of it, a text of the file, and what stands there instead. */
type Mutant = [what: string, from: string, to: string];

/** The mistakes, by the file in snippets/ that they are in. */
export const MUTANTS: Record<string, Mutant[]> = {
  "drop-in/lasting-logout.ts": [
    [
      "a response that has failed sets the cookie",
      "if (visit.hasFailed) return false;",
      "",
    ],
    [
      "a session that has ended since is set again",
      "if (visit.isGone) return visit.isAmbiguous;",
      "",
    ],
    [
      "a session that has ended since clears the cookie",
      "if (visit.isGone) return visit.isAmbiguous;",
      "if (visit.isGone) return true;",
    ],
    [
      "a login sets no cookie",
      "if (visit.isLogin || visit.isEnding) return true;",
      "if (visit.isEnding) return true;",
    ],
    [
      "a logout clears no cookie",
      "if (visit.isLogin || visit.isEnding) return true;",
      "if (visit.isLogin) return true;",
    ],
    [
      "a logout in this process is not known to others",
      "justEnded.add(visit.id);",
      "",
    ],
    [
      "what has just ended is not looked at",
      "if (visit.id && justEnded.has(visit.id)) return false;",
      "",
    ],
    [
      "it forgets at once what has just ended",
      "const MOST_ENDED = 1000;",
      "const MOST_ENDED = 0;",
    ],
    [
      "an unchanged session is set by every response",
      "if (visit.live) return isChanged(visit) || isDue(visit);",
      "if (visit.live) return true;",
    ],
    [
      "a changed session is not set",
      "if (visit.live) return isChanged(visit) || isDue(visit);",
      "if (visit.live) return isDue(visit);",
    ],
    [
      "a session is never extended",
      "if (visit.live) return isChanged(visit) || isDue(visit);",
      "if (visit.live) return isChanged(visit);",
    ],
    [
      "a dead cookie begins a session",
      "return !visit.isDead || isNavigation(visit.req);",
      "return true;",
    ],
    [
      "a dead cookie begins nothing, not even on a page",
      "return !visit.isDead || isNavigation(visit.req);",
      "return !visit.isDead;",
    ],
    [
      "every request is a page load",
      'return method === "GET" && (mode ? mode === "navigate" : isForPage);',
      "return true;",
    ],
    [
      "no request is a page load",
      'return method === "GET" && (mode ? mode === "navigate" : isForPage);',
      "return false;",
    ],
    [
      "a POST is a page load, too",
      'return method === "GET" && (mode',
      "return (mode",
    ],
    [
      "without Sec-Fetch-Mode, nothing is a page load",
      '(mode ? mode === "navigate" : isForPage)',
      '(mode === "navigate")',
    ],
    ["half of the time is twice the time", "< idleMs / 2)", "< idleMs * 2)"],
    [
      "what does not roll is extended",
      "live !== undefined &&\n    rolling &&",
      "live !== undefined &&",
    ],
    ["a redirect clears the cookie", "(isPage || !isClearing)", "true"],
    [
      "other cookies are dropped, too",
      'if (others.length > 0) res.setHeader("Set-Cookie", others);\n      else res.removeHeader("Set-Cookie");',
      'res.removeHeader("Set-Cookie");',
    ],
    [
      "cookies whose names begin alike are dropped",
      "cookie.startsWith(name) && /^(\\.\\d)?$/.test(cookie.slice(name.length))",
      "cookie.startsWith(name)",
    ],
    ["pieces of a cookie are set again", "/^(\\.\\d)?$/", "/^$/"],
    ["a dead id keeps its cookie", "(!may || isOut)", "!may"],
    [
      "a cookie is cleared with other attributes",
      "{ domain, path, secure, sameSite } as object",
      "{}",
    ],
    [
      "a cookie that was set is cleared",
      "if (set.includes(cookie) || sent.indexOf(cookie) < at) return;",
      "if (sent.indexOf(cookie) < at) return;",
    ],
    [
      "a cookie is cleared twice",
      "if (set.includes(cookie) || sent.indexOf(cookie) < at) return;",
      "if (set.includes(cookie)) return;",
    ],
    [
      "it waits for ever",
      "return await Promise.race([work(), silence]);",
      "return await work();",
    ],
    [
      "an error has no status",
      "{ status: 503, headers: RETRY, cause }",
      "{ headers: RETRY, cause }",
    ],
    ["an error does not say when to come again", "res.set(RETRY);", ""],
    ["a failed logout leads on", 'res.removeHeader("Location");', ""],
    [
      "a request that has failed is not remembered",
      "visit.hasFailed = true;",
      "",
    ],
    [
      "who can't be logged out is not told",
      "live && isEmpty(req[name])",
      "false",
    ],
    [
      "a missing file is an error",
      '(error.code !== "ENOENT" || error.syscall === "connect")',
      "true",
    ],
    ["half a file is an error", "!(error instanceof SyntaxError)", "true"],
    [
      "a store that calls back is not waited for",
      "if (found !== undefined || !namesCallback) resolve(found);",
      "resolve(found);",
    ],
    [
      "an async store that names its callback gets none",
      "const takesNone = isAsync && !namesCallback;",
      "const takesNone = isAsync;",
    ],
    [
      "a store's error is no session",
      "visit.next(fail(visit, error));",
      "return undefined;",
    ],
    [
      "a mark can be used as a session",
      "if (id.startsWith(MARK)) return undefined;",
      "",
    ],
    [
      "a mark is not looked for",
      "!session.data || mark) return",
      "!session.data) return",
    ],
    [
      "an expired session lives",
      "return isOver ? undefined : session;",
      "return session;",
    ],
    [
      "a mark expires at once",
      "const expires = Date.now() + ms;",
      "const expires = Date.now();",
    ],
    [
      "a mark lives as long as a session",
      "rolling ? Math.min(2 * idleMs, mostMs) : mostMs",
      "idleMs",
    ],
    ["a write does not look first", "if (!(await find(id))) return false;", ""],
    [
      "a write does not look for the mark",
      'if (!(await call(store, "get", MARK + id))) return true;',
      "return true;",
    ],
    [
      "a write that was overtaken stays",
      'await call(store, "destroy", id);\n    return false;\n  }\n\n  let isTried',
      "return false;\n  }\n\n  let isTried",
    ],
    [
      "a logout leaves no mark",
      'if (!update) await call(store, "set", MARK + id, markFor(endedMs));',
      "",
    ],
    [
      "a logout destroys nothing",
      '      if (update) return;\n    }\n    await call(store, "destroy", id);',
      "    }",
    ],
    [
      "a logout does not say that it is one",
      "      nowEnded(visit);\n      if (update)",
      "      if (update)",
    ],
    [
      "a second logout clears the cookie",
      "        visit.isGone = !visit.isLogin;\n        return;",
      "        return;",
    ],
    [
      "a login that was late is taken for gone",
      "        visit.isGone = !visit.isLogin;\n        return;",
      "        visit.isGone = true;\n        return;",
    ],
    [
      "every session is written as a new one",
      "if (isNote || visit.newIds.has(id)) await call",
      "if (true) await call",
    ],
    [
      "a new session is only updated",
      "if (isNote || visit.newIds.has(id)) await call",
      "if (isNote) await call",
    ],
    [
      "a note of back-channel logout is a session",
      "const isNote = !visit || !session.header;",
      "const isNote = !visit;",
    ],
    [
      "what may not set the cookie writes the session",
      "if (!isNote && !mayTouchCookie(visit)) return;",
      "",
    ],
    [
      "what is left of a logout is written",
      "else if (leavesId(visit)) await destroy(id);",
      "",
    ],
    [
      "a write that finds nothing is taken for one",
      "visit.isGone = !(await write(id, session));",
      "await write(id, session);",
    ],
    ["ids are not remembered as new", "visits.get(req)?.newIds.add(id);", ""],
    [
      "an id is taken over from the cookie",
      "leaveOutOne(visit);\n      router(visit.req, visit.res, visit.next);",
      "return undefined;",
    ],
    [
      "only one cookie of a name is tried",
      "const MOST_COOKIES = 4;",
      "const MOST_COOKIES = 1;",
    ],
    [
      "the cookies are not given back to the app",
      "if (cookieHeader !== undefined) req.headers.cookie = cookieHeader;",
      "",
    ],
    [
      "what an app does in between is another request's",
      "current.run(visit, () => end.apply(res, given))) as typeof end;",
      "end.apply(res, given)) as typeof end;",
    ],
    [
      "pieces from before are taken for ids",
      "const isId = nameOf(one) === name && !/^[^=]*=\\s*$/.test(one);",
      "const isId = true;",
    ],
    ["an update is not tried first", "await tryUpdate();", ""],
    [
      "an update that says nothing has failed",
      "return Boolean(isWritten || (await find(id)));",
      "return Boolean(isWritten);",
    ],
    [
      "an update has always written",
      "return Boolean(isWritten || (await find(id)));",
      "return true;",
    ],
    [
      "a logout puts nothing among what has ended",
      "await ask(() => ended?.add(visit.id as string, endedMs));",
      "",
    ],
    [
      "what has ended is forgotten after a day",
      "await ask(() => ended?.add(visit.id as string, endedMs));",
      "await ask(() => ended?.add(visit.id as string, idleMs));",
    ],
    [
      "a logout here is not known to others",
      "      nowEnded(visit);\n    }\n    if (id && !res.headersSent)",
      "    }\n    if (id && !res.headersSent)",
    ],
    [
      "a session from before has a new id each time",
      '.digest("base64url")',
      '.digest("base64url") + newId()',
    ],
    [
      "what is left of a logout keeps its id",
      "isLogout(visit) ? undefined : (keyOf(data)?.id ?? visit.id)",
      "(keyOf(data)?.id ?? visit.id)",
    ],
    [
      "a response does not look again",
      "if (await hasEnded(visit)) visit.isGone = !visit.isLogin;\n    else if",
      "if",
    ],
    [
      "a login that was late is gone",
      "if (await hasEnded(visit)) visit.isGone = !visit.isLogin;",
      "if (await hasEnded(visit)) visit.isGone = true;",
    ],
    [
      "a cookie does not say when it was set",
      "if (id && !res.headersSent) data[KEY] = { id, since: Date.now() };",
      "if (id && !res.headersSent) data[KEY] = { id, since: 0 };",
    ],
    [
      "no response waits",
      "if (isReady && !isAnswered) return end.apply(res, given);",
      "return end.apply(res, given);",
    ],
    [
      "the second answer counts",
      "for (const header of res.getHeaderNames()) res.removeHeader(header);",
      "",
    ],
    [
      "an anonymous session lives on beside the login that came of it",
      "if (isAnonymous && (await hasEnded(visit))) refuse(visit);",
      "",
    ],
    [
      "a login over another user has their id",
      "const id = isSame && !isOver ? visit.id : newId();",
      "const id = visit.id ?? newId();",
    ],
    [
      "a login after a logout has the ended id",
      "const id = isSame && !isOver ? visit.id : newId();",
      "const id = isSame ? visit.id : newId();",
    ],
    [
      "who logs in again begins anew",
      "const id = isSame && !isOver ? visit.id : newId();",
      "const id = newId();",
    ],
    [
      "a login goes on with what has ended",
      "{ ...leftOut, ...data,",
      "{ ...data,",
    ],
    [
      "what has ended is let in",
      "if (!isOver && !isOut) return false;",
      "if (!isOut) return false;",
    ],
    [
      "a refused session stays for the app to see",
      "for (const key of Object.keys(data)) delete data[key];",
      "",
    ],
    [
      "a refused session is not remembered as dead",
      "visit.isDead = !visit.isAmbiguous;\n    const data",
      "const data",
    ],
    [
      "a route for the provider's calls is open",
      "...config.routes, backchannelLogout:",
      "...config.routes, other:",
    ],
    [
      "a login is not known as one",
      "visit.isLogin = true;\n    if (!ended)",
      "if (!ended)",
    ],
    [
      "the app's own afterCallback is not called",
      "const data = theirs ? await theirs(req, res, session, state) : session;",
      "const data = session;",
    ],
    [
      "who the provider logs out stays in",
      "if (!isOver && !isOut) return false;",
      "if (!isOver) return false;",
    ],
    [
      "the provider logs out one session only",
      "[sid, sub].flatMap",
      "[sid].flatMap",
    ],
    [
      "the provider logs out all sessions only",
      "[sid, sub].flatMap",
      "[sub].flatMap",
    ],
    [
      "an error page is told who may be out",
      'Object.defineProperty(req, "oidc", { value: nobody() });',
      "",
    ],
    [
      "everybody is in, until it is known",
      "isAuthenticated: () => false",
      "isAuthenticated: () => true",
    ],
    [
      "it is no router",
      "return Object.setPrototypeOf(handler, router);",
      "return handler;",
    ],
    [
      "a wrong option is not told",
      "Object.keys(others).length > 0 &&",
      "false &&",
    ],
    [
      "neither a store nor ended is not told",
      "!store &&\n      !ended &&",
      "false &&",
    ],
    ["both of them are not told", "store && ended &&", "false &&"],
  ],
  "fix-store.ts": [
    [
      "a dead id lives again",
      "if (!mayCreate && !sessions.has(id)) return;",
      "",
    ],
    ["an id can create twice", "newIds.delete(id)", "newIds.has(id)"],
    ["notes are dropped", ' || !("header" in session)', ""],
    ["a logout destroys nothing", "void sessions.delete(id)", "void id"],
    ["a session lives for an hour", "24 * 60 * 60 * 1000;", "60 * 60 * 1000;"],
    [
      "a cookie can be read by scripts",
      "session: { store, genid },",
      "session: { store, genid, cookie: { httpOnly: false } },",
    ],
  ],
  "fix-deny-list.ts": [
    [
      "a denied id is kept at the next login",
      " || (await isDenied(old.id))",
      "",
    ],
    ["a login over another user goes on with it", "old.sub !== sub || ", ""],
    [
      "a login over another user leaves theirs",
      "if (old) await deny(old.id);",
      "",
    ],
    [
      "a session without an id is good",
      "return !login || isDenied(login.id);",
      "return login ? isDenied(login.id) : false;",
    ],
    [
      "a logout denies nothing",
      "Promise.resolve(id && deny(id))",
      "Promise.resolve(id)",
    ],
    [
      "only one route looks at the list",
      "const login = loginOf(req);\n  return",
      'const login = loginOf(req);\n  if (req.method === "GET" && req.path !== "/whoami") return false;\n  return',
    ],
  ],
  "fix-navigations-only.ts": [
    ["pieces of a cookie are let through", "(\\\\.\\\\d+)?=`", "=`"],
    [
      "all cookies are dropped",
      'res.setHeader("Set-Cookie", others);',
      'res.removeHeader("Set-Cookie");',
    ],
    [
      "every request counts as a page load",
      'req.get("Sec-Fetch-Mode") === "navigate"',
      "true",
    ],
    [
      "the guard is for POST only",
      "if (isNavigation(req) || textOf",
      'if (req.method !== "POST" || isNavigation(req) || textOf',
    ],
    [
      "changes are not set",
      "if (isNavigation(req) || textOf(req) !== res.locals.before) return;",
      "if (isNavigation(req)) return;",
    ],
    [
      "nobody is extended who never leaves a page",
      "if (isOld || isNavigation(req))",
      "if (isNavigation(req))",
    ],
  ],
  "fix-read-only-route.ts": [
    ["pieces of a cookie are let through", "(\\\\.\\\\d+)?=`", "=`"],
    [
      "all cookies are dropped",
      'res.setHeader("Set-Cookie", others);',
      'res.removeHeader("Set-Cookie");',
    ],
    ["the guard is not used", 'app.use("/update", readOnlySession);', ""],
  ],
  "fix-front-end.ts": [
    ["the page does not wait", "await Promise.allSettled(inFlight);", ""],
    ["what is in flight is not kept", "inFlight.add(response);", ""],
  ],
  "fix-complete-cookie.ts": [
    [
      "what has ended is forgotten at once",
      "map.set(id, 1, { ttl: lifeMs })",
      "map.set(id, 1, { ttl: 1 })",
    ],
    ["only the last one is kept", "max: 1_000_000", "max: 1"],
    [
      "a cookie can be read by scripts",
      '      authorizationParams: { response_type: "code" },',
      '      authorizationParams: { response_type: "code" },\n      session: { cookie: { httpOnly: false } },',
    ],
  ],
};
