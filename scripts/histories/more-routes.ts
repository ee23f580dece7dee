import express, {
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from "express";

// Import this before a snippet is started. It gives the snippet's app what a real app has and the
// lesson does not: routes that read, fill and renew the session, above the snippet's POST /draft. A
// request with the header x-hold waits in its route until somebody calls `letGo` with the same value.

/** What a route answers, and what the session has after it. */
export interface Told {
  /** The nonce of the login that the request was taken for: each login has one of its own. */
  login: string | null;
  user: string | null;
  /** What is in the session's basket. */
  basket: string[];
  /** The access token; null where nobody is logged in. */
  token: string | null;
  /** Whether the route could do what it is for. */
  isDone: boolean;
}

/** What an app finds in its session. */
interface AppSession {
  basket?: string[];
  access_token?: string;
}

/** The snippets leave the name of the session's cookie, and so of this, as it is. */
const sessionOf = (req: Request) =>
  (req as unknown as { appSession?: AppSession }).appSession;

const waiting = new Map<string, () => void>();

/** Lets a request go on that waits, if it is there. */
export const letGo = (id: string): void => waiting.get(id)?.();

/** Makes a request wait that asks for it, and tells with 102 Processing that it is here. */
const waitHere: RequestHandler = async (req, res, next) => {
  const id = req.get("x-hold");
  if (id) {
    const isLetGo = new Promise<void>((resolve) => waiting.set(id, resolve));
    res.writeProcessing();
    await isLetGo;
    waiting.delete(id);
  }
  next();
};

/** Tells whom a request is taken for, and what is in the session now. */
function tell(req: Request, isDone: boolean): Told {
  const session = sessionOf(req);
  const isIn = req.oidc.isAuthenticated();
  return {
    login: (isIn && (req.oidc.idTokenClaims?.nonce as string)) || null,
    user: (isIn && req.oidc.user?.sub) || null,
    basket: session?.basket ?? [],
    token: (isIn && session?.access_token) || null,
    isDone,
  };
}

/** Sets what an app sets besides the session: it has to arrive, whatever becomes of that. */
function setMore(req: Request, res: Response): void {
  res.cookie("last-route", req.path, { path: "/" });
  res.set("x-last-route", req.path);
}

/** Makes a route: it does something with the session, and tells what is in it then. */
const route =
  (work: (session: AppSession, req: Request) => boolean): RequestHandler =>
  (req, res) => {
    const session = sessionOf(req);
    const isDone = session !== undefined && work(session, req);
    setMore(req, res);
    res.json(tell(req, isDone));
  };

const look = route(() => true);

/** Puts something into the basket, for anybody. */
const fill = route((session, req) => {
  const item = String(req.body?.item ?? req.query.item);
  session.basket = [...(session.basket ?? []), item];
  return true;
});

/** Stores another access token, for who is logged in, as a refresh does. */
const renew = route((session, req) => {
  if (!req.oidc.isAuthenticated()) return false;
  session.access_token = String(req.body.item);
  return true;
});

/** Lets a route of the snippet tell the same. It can't where auth() does not stand above it. */
const tellMore: RequestHandler = (req, res, next) => {
  const { json } = res;
  res.json = (body) =>
    json.call(res, { ...(req.oidc && tell(req, true)), ...body });
  setMore(req, res);
  next();
};

const { application } = express as unknown as { application: Express };
const realPost = application.post;
application.post = function (this: Express, path: string, ...work: unknown[]) {
  if (path === "/draft") {
    this.get("/look", waitHere, look);
    this.get("/basket", waitHere, fill);
    this.post("/basket", express.json(), fill);
    this.post("/token", express.json(), renew);
  }
  const isSlow = path === "/update" || path === "/draft";
  const all = isSlow ? work.toSpliced(-1, 0, tellMore) : work;
  return realPost.apply(this, [path, ...all] as never);
} as typeof realPost;
