import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import type { Configuration } from "oidc-provider";
import { loginPage, logoutPage, type Page } from "./page.ts";
import { type Provider, randomSecret } from "./settings.ts";

/** The people who can log in at the local provider. There are no passwords. */
export const USERS = ["alice", "bob"] as const;

/**
 * Starts an OpenID provider in this process: `oidc-provider`, which is certified, on a free port
 * of 127.0.0.1, with new keys and secrets. The app is on `localhost`, so that neither of the two
 * sees the other's cookies: cookies know hosts, but no ports.
 * @returns what `auth()` has to know, and how to stop it
 */
export async function startProvider(options: {
  /** The app's own address, the only one that the provider sends browsers back to. */
  baseURL: string;
  /**
   * When several processes are one app: where the provider calls it. Browsers are then sent back
   * to whatever port they came from.
   */
  backChannelAddress?: () => string;
  /** How long the logout hop takes, in milliseconds. */
  idpMs: number;
  /** The size of a claim that makes an ID token large, in bytes. */
  claimBytes: number;
  /** Whether to tell the app when a user logs out (OpenID Connect Back-Channel Logout 1.0). */
  backChannelLogout: boolean;
}): Promise<{ provider: Provider; close: () => void }> {
  const { baseURL, idpMs, claimBytes, backChannelLogout } = options;
  const { backChannelAddress } = options;
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = { clientID: "in-flight", clientSecret: randomSecret() };

  const openid = await quietProvider(issuer, {
    clients: [
      {
        client_id: client.clientID,
        client_secret: client.clientSecret,
        redirect_uris: [`${baseURL}/callback`],
        post_logout_redirect_uris: [baseURL],
        ...(backChannelLogout && {
          backchannel_logout_uri: `${baseURL}/backchannel-logout`,
          backchannel_logout_session_required: true,
        }),
      },
    ],
    cookies: { keys: [randomSecret()] },
    // As long as Auth0's, so that an app whose clock is ahead still takes one.
    ttl: { IdToken: 10 * 60 * 60 },
    // The provider's own dispatcher refuses to call an app on a loopback address.
    fetch(url, init) {
      const { dispatcher: _, ...rest } = init ?? {};
      const address = backChannelAddress?.() ?? String(url);
      return fetch(new URL(new URL(String(url)).pathname, address), rest);
    },
    jwks: { keys: [signingKey()] },
    pkce: { required: () => true },
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: id, groups: "x".repeat(claimBytes) }),
    }),
    claims: { openid: ["sub", ...(claimBytes ? ["groups"] : [])] },
    conformIdTokenClaims: false,
    interactions: { url: (_ctx, { uid }) => `/login/${uid}` },
    // There is no consent page: a grant made here is what it would have asked for.
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({
        clientId: oidc.client?.clientId,
        accountId: oidc.session?.accountId,
      });
      grant.addOIDCScope("openid profile email");
      await grant.save();
      return grant;
    },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource(ctx, form) {
          show(ctx, logoutPage(form, baseURL));
        },
      },
    },
  });

  // As Auth0 does, each ID token names the session that it belongs to.
  Object.defineProperty(openid.Client.prototype, "includeSid", {
    value: () => true,
  });
  // It also gives ID tokens without a code, as an app without a client secret asks for them. The
  // provider would register such an app on https only.
  Object.defineProperty(openid.Client.prototype, "responseTypeAllowed", {
    value: (type: string) => ["code", "id_token"].includes(type),
  });
  if (backChannelAddress) {
    for (const check of ["redirectUriAllowed", "postLogoutRedirectUriAllowed"])
      Object.defineProperty(openid.Client.prototype, check, {
        value: (uri: string) => new URL(uri).hostname === "localhost",
      });
  }

  openid.use(async (ctx, next) => {
    const [, folder, uid, user] = ctx.path.split("/");
    if (folder === "login" && uid && ctx.method === "GET") {
      const users = USERS.map((name): [string, string] => [
        name,
        `/login/${uid}/${name}`,
      ]);
      show(ctx, loginPage(users, baseURL));
    } else if (folder === "login" && USERS.includes(user as "alice")) {
      const result = { login: { accountId: user as string } };
      ctx.redirect(await openid.interactionResult(ctx.req, ctx.res, result));
    } else {
      // A real provider's round trip. While the browser waits for this answer, the page that it
      // comes from is still there, and takes the late response.
      if (ctx.path === "/session/end") await setTimeout(idpMs);
      await next();
    }
  });

  server.on("request", openid.callback());
  return {
    provider: { issuerBaseURL: issuer, ...client, secret: randomSecret() },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Answers with a page. */
function show(
  ctx: { body: unknown; set: (name: string, value: string) => void },
  { html, policy }: Page,
): void {
  ctx.set("Content-Security-Policy", policy);
  ctx.body = html;
}

/**
 * The key that signs ID tokens, with the algorithm that `auth()` and Auth0 default to. To make one
 * takes long, so it is one for all providers of a process.
 */
const signingKey = () => (madeKey ??= newKey());
let madeKey: ReturnType<typeof newKey> | undefined;

function newKey() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), alg: "RS256", use: "sig" };
}

/**
 * Makes the provider without the notices that it prints at import, at start and at first use:
 * they tell whoever runs it in production what to configure, and here nobody does.
 */
async function quietProvider(issuer: string, configuration: Configuration) {
  for (const level of ["info", "warn"] as const) {
    const print = console[level];
    console[level] = (...words: unknown[]) => {
      if (!String(words[0]).includes("oidc-provider ")) print(...words);
    };
  }
  const { Provider: OpenIDProvider } = await import("oidc-provider");
  return new OpenIDProvider(issuer, configuration);
}
