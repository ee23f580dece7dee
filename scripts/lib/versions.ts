import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type Observation, observe, type Progress } from "./observe.ts";
import { sideBySide } from "./run.ts";
import { SnippetError, startSnippet, withSnippet } from "./snippet.ts";
import { differences, VERDICTS } from "./verdicts.ts";

export const LIBRARY = "express-openid-connect";
export const EXPRESS = "express";

/** A version of the library, on a version of Express. */
export interface Versions {
  library: string;
  express: string;
}

/** What came of one snippet with such a pair. */
export interface Tried extends Versions {
  snippet: string;
  /** What was seen. */
  observation?: Observation;
  /** The first version of the library with which it can run, when this one is older. */
  needs?: string;
  /** How it failed, in any other way. */
  failure?: string;
}

/** A pair, with the packages that take the place of those of these names. */
interface Combination extends Versions {
  substitutes: Record<string, string>;
}

/** Something about the versions that nothing can be tried without, in a line. */
export class VersionsError extends Error {}

/** Where it is kept, from the top folder. The README's table is made of it. */
const VERSIONS_FILE = join("assets", "versions.json");

/** Reads what the last run with `--versions --write` has seen. */
export const readVersions = (root: string): Tried[] =>
  JSON.parse(readFileSync(join(root, VERSIONS_FILE), "utf8"));

/** Keeps what such a run has seen. */
export const writeVersions = (root: string, tried: Tried[]): void =>
  writeFileSync(
    join(root, VERSIONS_FILE),
    `[\n${tried.map((one) => JSON.stringify(one)).join(",\n")}\n]\n`,
  );

/**
 * The snippets that are not tried here. One only breaks where there are two processes, one needs a Redis,
 * and the laboratory tries the file that the other two stand on.
 */
const ELSEWHERE = [
  "broken-check-then-set",
  "fix-store-redis",
  "fix-complete",
  "fix-complete-cookie",
];

/** The snippets that are tried. */
export const VERSIONED = Object.keys(VERDICTS).filter(
  (name) => !ELSEWHERE.includes(name),
);

/** Something that a snippet needs of the library. */
interface Need {
  /** The first version that has it: this one was tried, and the one before it. */
  since: string;
  /** What it is, for who has an older version. */
  what: string;
  /** How a snippet fails without it. */
  symptom: RegExp;
}

const BACK_CHANNEL: Need = {
  since: "2.17.0",
  what: "the option backchannelLogout",
  symptom: /"backchannelLogout" is not allowed/,
};

const PROMISES: Need = {
  since: "2.19.0",
  what: "stores that return promises; before, a login never ends",
  symptom: /it does not answer GET \/callback/,
};

/** What the snippets need that do not run with the oldest version. */
export const NEEDS: Record<string, Need> = {
  "fix-deny-list": BACK_CHANNEL,
  "fix-back-channel": BACK_CHANNEL,
  "fix-store": PROMISES,
};

/** Compares two versions such as 2.12.0, as a sort does. Releases before a release are not told apart. */
export const compareVersions = (one: string, other: string): number =>
  one.localeCompare(other, "en", { numeric: true });

/**
 * Tells which versions a program in a folder gets of the library and of Express.
 * @throws {VersionsError} when one of them is not installed
 */
export function installedVersions(folder: string): Versions {
  const versionOf = (name: string): string => {
    for (let at = resolve(folder); ; at = dirname(at)) {
      const file = join(at, "node_modules", name, "package.json");
      if (existsSync(file)) {
        return JSON.parse(readFileSync(file, "utf8")).version;
      }
      if (at === dirname(at)) {
        throw new VersionsError(`${name} is not installed: run npm ci`);
      }
    }
  };
  return { library: versionOf(LIBRARY), express: versionOf(EXPRESS) };
}

/**
 * Finds all pairs: what is installed, and what package.json has under other names, such as
 * `"express-4": "npm:express@4.22.3"`.
 * @param root the path of the repository's top folder
 * @param folder where the snippets are
 * @returns the pairs, the oldest version of the library first
 * @throws {VersionsError} when one of them is not installed
 */
export function combinations(root: string, folder: string): Combination[] {
  const { devDependencies } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  ) as { devDependencies: Record<string, string> };
  const installed = installedVersions(folder);
  const choices = (name: string, own: string) => {
    const others = Object.entries(devDependencies).flatMap(([alias, spec]) => {
      const version = spec.split(`npm:${name}@`)[1];
      return version && version !== own
        ? { version, substitutes: { [name]: alias } }
        : [];
    });
    for (const { substitutes, version } of others) {
      const alias = substitutes[name] as string;
      if (!existsSync(join(root, "node_modules", alias))) {
        throw new VersionsError(
          `${name} ${version} is not installed: run npm ci`,
        );
      }
    }
    return [...others, { version: own, substitutes: {} }].sort((one, other) =>
      compareVersions(one.version, other.version),
    );
  };
  const expresses = choices(EXPRESS, installed.express);
  return choices(LIBRARY, installed.library).flatMap((library) =>
    expresses.map((express) => ({
      library: library.version,
      express: express.version,
      substitutes: { ...library.substitutes, ...express.substitutes },
    })),
  );
}

/**
 * Asks snippets all questions, with each pair of versions, each time in a process of its own.
 * @param options.folder where the snippets are
 * @param options.cancel aborts to end all their processes at once
 * @returns what came of each
 */
export async function tryVersions(
  names: string[],
  pairs: Combination[],
  options: { folder: string; cancel: AbortSignal; progress: Progress },
): Promise<Tried[]> {
  const all = pairs.flatMap((pair) =>
    names.map((snippet) => ({ ...pair, snippet })),
  );
  return sideBySide(all, options, async (one, progress) => {
    const { substitutes, ...which } = one;
    const file = join(options.folder, `${one.snippet}.ts`);
    const settings = { PACKAGE_SUBSTITUTES: JSON.stringify(substitutes) };
    try {
      const { observation } = await withSnippet(
        startSnippet(file, options.cancel, settings),
        async (snippet) => {
          await checkLoaded(snippet.versionsOf([LIBRARY, EXPRESS]), one);
          return observe(snippet, progress);
        },
      );
      return { ...which, observation };
    } catch (error) {
      if (!(error instanceof SnippetError)) throw error;
      const need = NEEDS[one.snippet];
      if (isTooOld(one) && need?.symptom.test(error.message)) {
        return { ...which, needs: need.since };
      }
      return { ...which, failure: error.message };
    }
  });
}

/** Makes sure that a process runs with the versions that it is tried with, and no others. */
async function checkLoaded(
  loading: Promise<Record<string, string[]>>,
  { library, express }: Versions,
): Promise<void> {
  const loaded = await loading;
  for (const [name, version] of [
    [LIBRARY, library],
    [EXPRESS, express],
  ] as const) {
    const found = loaded[name]?.join(" and ") ?? "nothing";
    if (found !== version) {
      throw new Error(`it loaded ${found} in the place of ${name} ${version}`);
    }
  }
}

/** Whether a snippet needs a newer version of the library. */
export const isTooOld = ({ snippet, library }: Tried): boolean => {
  const need = NEEDS[snippet];
  return need !== undefined && compareVersions(library, need.since) < 0;
};

/** Tells what is not as {@link VERDICTS} expects it, if anything was seen. */
export const differing = ({ snippet, observation }: Tried) => {
  const expected = VERDICTS[snippet];
  return expected && observation ? differences(expected, observation) : [];
};
