import type { Browser } from "../client/browser.ts";
import { composeLogout } from "./compose.ts";
import type { PageUse } from "./page-use.ts";
import type { Recognizer } from "./pages.ts";
import { isHanging, isSilence, reasonOf } from "./refusal.ts";
import type { Target } from "./target.ts";
import { followTrail, loadFrames, type Trail } from "./trail.ts";

/** Where a logout has led, or why it was not answered. */
export interface Left {
  trail: Trail;
  failure?: string;
  /** Whether an answer may come later. */
  isHanging?: boolean;
}

/** What a user has in front of them: a browser that is played, or a real one. */
export interface UserAgent {
  /** A played browser that has its cookies, to ask the app with. */
  cookies(): Promise<Browser>;
  /** Logs out, as a page of the app does it. */
  logOut(): Promise<Left>;
  /** Opens a page of the app, and goes where it leads. */
  open(path: string): Promise<Trail>;
  /** Makes another one that goes on from here, where that can be. */
  fork(): Promise<UserAgent>;
  /**
   * Tells what it shows of the user, when it has opened the page after the logout. A browser that
   * is played shows nothing.
   */
  shows?(who: Recognizer, use: PageUse): Promise<PageUse>;
}

/** Plays a browser. */
export function playedAgent(target: Target, browser: Browser): UserAgent {
  return {
    cookies: async () => browser,
    async logOut() {
      const request = await composeLogout(browser, target);
      try {
        const trail = await followTrail(browser, request, target);
        if (target.isFetched) return { trail };
        const { steps } = await loadFrames(browser, trail, target);
        return { trail: { ...trail, steps: [...trail.steps, ...steps] } };
      } catch (error) {
        if (!isSilence(error)) throw error;
        // That the app hangs, or hangs up, is something that can be seen of it.
        return {
          trail: { steps: [] },
          failure: reasonOf(error, target),
          isHanging: isHanging(error),
        };
      }
    },
    async open(path) {
      const request = await browser.compose("navigate", "GET", path);
      const trail = await followTrail(browser, request, target);
      const frames = await loadFrames(browser, trail, target);
      return { ...frames, ...trail, steps: [...trail.steps, ...frames.steps] };
    },
    fork: async () => playedAgent(target, await browser.fork()),
  };
}
