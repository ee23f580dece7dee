// The OpenID provider of two processes that are one app. It has a process of its own, so that its
// clock can be moved with theirs.

import { startProvider } from "../../snippets/support/provider.ts";
import { answerCalls } from "./inside/answer-calls.ts";

let address = "";
const { provider } = await startProvider({
  baseURL: "http://localhost",
  idpMs: 0,
  claimBytes: Number(process.env.CLAIM_BYTES),
  // Apps that take no such call answer with 404, and nothing comes of it.
  backChannelLogout: true,
  backChannelAddress: () => address,
});

answerCalls({
  /** Says which process of the app to call when a user logs out. */
  callAt(baseURL: string) {
    address = baseURL;
  },
});
console.log(JSON.stringify(provider));
