import {
  DEPLOYMENT_ANSWERS,
  DEPLOYMENT_CASES,
  DEPLOYMENT_QUESTIONS,
  DOUBTS,
  EXCUSES,
  RULE_NAMES,
  RULES,
  SCENARIO_MEANINGS,
} from "../base/meanings.ts";
import {
  type BenchSample,
  type DeploymentCase,
  type Logouts,
  type ProbedApp,
  readResult,
  type Soaked,
  type TriedVersion,
} from "../base/results.ts";

/** A mistake in a text: it asks for something that is not there. */
export class TextError extends Error {}

/** The rows of a table, its headings first. */
type Rows = string[][];

/**
 * All tables of the posts, by the names in the comments that ask for them. Each is made of what is
 * recorded in a repository, and of the words in its comment.
 */
export const TABLES: Record<
  string,
  (
    root: string,
    words: string[],
    /** Links a snippet's name to its file. */
    link: (name: string) => string,
  ) => Rows
> = {
  rules: () => [
    ["rule", "what it says"],
    ...RULE_NAMES.map((name, at) => [`${at + 1} ${name}`, RULES[name]]),
  ],

  histories(root, names, link) {
    const all = seenOf(readResult(root, "histories"), names);
    const counts = distinct(all.map(([, { count }]) => count)).join(" or ");
    const head = `✗ broken by some of ${counts} histories`;
    return [
      [head, ...RULE_NAMES.map((_, at) => String(at + 1))],
      ...all.map(([name, { broken }]) => [
        link(name),
        ...RULE_NAMES.map((rule) => (broken[rule] ? "✗" : "✓")),
      ]),
    ];
  },

  excused(root, names) {
    const all = seenOf(readResult(root, "histories"), names);
    return [
      [`how often, in ${all[0]?.[1].count} histories`, ...names],
      ...entries(EXCUSES).map(([kind, meaning]) => [
        meaning,
        ...all.map(([, { excused }]) => String(excused[kind] ?? 0)),
      ]),
    ];
  },

  late(root, names) {
    const all = seenOf(readResult(root, "verdicts"), names);
    return [
      ["late write", "Redis gets", "who is in"],
      ...all.map(([name, { twoProcesses }]) => {
        const { commands, user } = twoProcesses?.lateWrite ?? {};
        if (!commands) throw new TextError(`${name} has no late write`);
        return [name, commands.join(", "), user ?? "none"];
      }),
    ];
  },

  browsers(root) {
    const all = Object.values(readResult(root, "browsers"));
    return [
      [
        "✗ alice is back when",
        ...all.map(({ version }) => browserName(version)),
      ],
      ...entries(SCENARIO_MEANINGS).map(([scenario, meaning]) => [
        meaning,
        ...all.map(({ outcomes }) => {
          const names = Object.keys(outcomes);
          const lost = names.filter((name) => outcomes[name]?.[scenario]);
          return lost.length > 0 ? `✗ ${lost.join(", ")}` : "✓ never";
        }),
      ]),
    ];
  },

  bites(root, times) {
    const all = readResult(root, "bites");
    const columns = times.map((time) =>
      all.filter(({ updateMs }) => updateMs === Number(time)),
    );
    const titleOf = ({ setup, sending }: Logouts) =>
      `${setup}, \`${sending === "beacon" ? "sendBeacon" : sending}\``;
    const runs = distinct(columns.flat().map((one) => one.runs)).join(" or ");
    return [
      [
        `✗ logged in again, of ${runs} logouts`,
        ...times.map((time) => `${Number(time) / 1000} s`),
      ],
      ...distinct(all.map(titleOf)).map((title) => [
        title,
        ...columns.map((column) => {
          const losing = column.find((one) => titleOf(one) === title)?.losing;
          if (losing === undefined) throw new TextError("no such time");
          return `${losing ? "✗" : "✓"} ${losing}`;
        }),
      ]),
    ];
  },

  deployment(root, names) {
    const all = seenOf(readResult(root, "deployment"), names);
    return [
      [
        "alice’s session, and her logouts",
        ...all.map(([name]) => DEPLOYMENT_CASES[name as DeploymentCase]),
      ],
      ...entries(DEPLOYMENT_QUESTIONS).map(([name, question]) => [
        question,
        ...all.map(([, seen]) => DEPLOYMENT_ANSWERS[seen[name]]),
      ]),
      [
        "rollback: what stays behind",
        ...all.map(([, { leftBehind }]) => leftBehind.join(", ") || "none"),
      ],
    ];
  },

  soak(root) {
    const { seed, snippets } = readResult(root, "soak");
    const row = (title: string, count: (one: Soaked) => number) => [
      title,
      ...Object.values(snippets).map((one) => count(one).toLocaleString("en")),
    ];
    const sum = (counts: object): number =>
      Object.values(counts).reduce((one, other) => one + other, 0);
    return [
      [`one run, seed ${seed}`, ...Object.keys(snippets)],
      ...FIGURES.map((name) => row(name, ({ figures }) => figures[name] ?? 0)),
      row("faults of Redis", ({ faults }) => sum(faults)),
      ...entries(DOUBTS).map(([kind, meaning]) =>
        row(meaning, ({ excused }) => excused[kind] ?? 0),
      ),
      row("rules broken", ({ violations }) => violations),
    ];
  },

  bench: (root) => benchRows(readResult(root, "bench")),
  others: (root) => othersRows(readResult(root, "others").apps),
  versions: (root) => versionsRows(readResult(root, "versions")),
};

/** What the table of the soak counts, by the names that were recorded. */
const FIGURES = [
  ...["requests", "histories", "logouts confirmed", "answered with 503"],
];

/** Finds what was seen of those with these names, such as snippets, or of all of them. */
export const seenOf = <Seen>(
  all: Record<string, Seen>,
  names: string[],
): [name: string, seen: Seen][] =>
  (names[0] === "all" ? Object.keys(all) : names).map((name) => {
    const seen = all[name];
    if (!seen)
      throw new TextError(
        `nothing was recorded of ${name}: see snippets/README.md`,
      );
    return [name, seen];
  });

/** Names a browser with the first number of its version. */
export const browserName = (version: string): string =>
  version.replace(/^f/, "F").replace(/\/(\d+).*/, " $1");

const distinct = <Value>(values: Value[]): Value[] => [...new Set(values)];

const entries = <Key extends string, Value>(object: Record<Key, Value>) =>
  Object.entries(object) as [Key, Value][];

/** Names a server of the bench. */
export const titleOf = ({
  server,
  store,
}: Pick<BenchSample, "server" | "store">): string =>
  store === "Redis" ? `${server}, Redis` : server;

/** What is measured of a server in each round. */
export type Figure = "cpuMicroseconds" | "bytesPerResponse";

/**
 * Finds the median of a server's ratios to `broken`, round by round: what makes a machine slow for a
 * while makes both slow.
 * @throws {TextError} when it was not measured
 */
export function ratioOf(
  samples: BenchSample[],
  title: string,
  figure: Figure,
): number {
  const figuresOf = (title: string) =>
    samples.filter((one) => titleOf(one) === title).map((one) => one[figure]);
  const base = figuresOf("broken");
  const ratios = figuresOf(title).map(
    (one, round) => one / Number(base[round]),
  );
  const median = medianOf(ratios);
  if (!median) throw new TextError("that was not measured");
  return median;
}

/** Finds the one in the middle, or the larger of two. */
export const medianOf = (numbers: number[]): number =>
  numbers.toSorted((one, other) => one - other)[numbers.length >> 1] ?? NaN;

/** Compares all servers of the bench with `broken`. */
export const benchRows = (samples: BenchSample[]): Rows => [
  ["compared with broken", "CPU", "bytes"],
  ...distinct(samples.map(titleOf)).map((title) => [
    title,
    ratioOf(samples, title, "cpuMicroseconds").toFixed(2),
    ratioOf(samples, title, "bytesPerResponse").toFixed(2),
  ]),
];

const PLACES = {
  sent: "on its way",
  received: "in the handler",
  answered: "on its way back",
};

const NEXT_USER = {
  first: "✗ is alice",
  second: "✓ stays",
  nobody: "✗ is logged out",
  unknown: "not known",
};

/** Where a late request has to be so that the user is logged in again, and what else it does. */
export const othersRows = (apps: ProbedApp[]): Rows => [
  ["small app", "logged in again", "a copy", "the next user"],
  ...apps.map(({ name, use, places, copy }) => {
    const lost = entries(PLACES).filter(([place]) => {
      const outcome = places[place];
      return "browser" in outcome && outcome.browser === "first";
    });
    const where = lost.map(([, words]) => words).join(", ");
    const { received } = places;
    const known = "server" in received ? received : undefined;
    const copied = known?.server === "first" ? "✗ works again" : "✓ is dead";
    return [
      `${name}: ${use}`,
      lost.length === 3 ? "✗ always" : where ? `✗ ${where}` : "✓ never",
      copy === "first" ? "✗ works on" : known ? copied : "not known",
      NEXT_USER[known?.next ?? "unknown"],
    ];
  }),
];

/** How many orders lose the logout with a version, how many fixes hold, and what it can't run. */
export function versionsRows(tried: TriedVersion[]): Rows {
  const expresses = distinct(tried.map(({ express }) => express));
  const rows = distinct(tried.map(({ library }) => library)).map((library) => {
    const [cells = [], ...others] = expresses.map((express) => {
      const isIt = (one: TriedVersion) =>
        one.library === library && one.express === express;
      return versionCells(tried.filter(isIt));
    });
    if (others.some((other) => `${other}` !== `${cells}`))
      throw new TextError(`with ${library}, the version of Express counts`);
    return [library, ...cells];
  });
  const head = `version, on Express ${expresses.join(" and ")}`;
  return [[head, "✗ losing orders", "✓ holds", "does not run"], ...rows];
}

function versionCells(tried: TriedVersion[]): string[] {
  const fixes = tried.filter(({ snippet }) => snippet.startsWith("fix-"));
  const holding = fixes.filter(({ result }) => result === "holds");
  const idle = tried.filter(({ result }) => result === "does not run");
  const losing = tried.filter(({ result }) => /^\d+$/.test(result));
  return [
    losing.map(({ snippet, result }) => `${snippet} ${result}`).join(", "),
    `${holding.length} of ${fixes.length} fixes`,
    idle.map(({ snippet }) => snippet).join(", ") || "none",
  ];
}
