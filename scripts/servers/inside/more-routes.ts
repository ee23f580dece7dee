import express, {
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from "express";
import { answerCalls } from "./answer-calls.ts";

// Loaded into a snippet's process before the snippet. It gives the snippet's app what a real one has
// and the lesson does not: routes that read, fill and renew the session, in the place where the
// snippet has its POST /draft. A request with the header x-hold waits in its route, until the verifier
// calls `letGo` with the same value.

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

/** As the snippets do, it leaves the name of the session's cookie as it is. */
interface Session {
  basket?: string[];
  access_token?: string;
}
const sessionOf = (req: Request) =>
  (req as unknown as { appSession?: Session }).appSession;

const waiting = new Map<string, () => void>();

/** Lets a request wait that asks for it, and tells with 102 Processing that it is here. */
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
  (work: (session: Session, req: Request) => boolean): RequestHandler =>
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

/** Takes another access token, for who is logged in, as a refresh does. */
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

function addRoutes(app: Express): void {
  app.get("/look", waitHere, look);
  app.get("/basket", waitHere, fill);
  app.post("/basket", express.json(), fill);
  app.post("/token", express.json(), renew);
}

const { application } = express as unknown as { application: Express };
const realPost = application.post;
application.post = function (this: Express, path: string, ...work: unknown[]) {
  if (path === "/draft") addRoutes(this);
  const isSlow = path === "/update" || path === "/draft";
  const [last] = work.slice(-1);
  const all = isSlow ? [...work.slice(0, -1), tellMore, last] : work;
  return realPost.apply(this, [path, ...all] as never);
} as typeof realPost;

answerCalls({ letGo: (id: string) => waiting.get(id)?.() });
