// The element <logout-race>: a late request and a logout, whose steps can be moved. It shows what
// was seen when they happened in that order. Nothing here knows what a server does.

/** What was recorded, by the snippet's name. The script that makes assets/race.js puts it in. */
declare const RECORDED: Record<string, Recorded>;

interface Recorded {
  /** What the snippet says of itself. */
  about: string;
  /** What was seen after each beginning of an order; see scripts/verify/record-race.ts. */
  looks: Record<string, string>;
}

/** The request that is late, or the logout. */
type Chain = "u" | "l";

/** What happens to each, in this order. */
const STEPS = {
  u: ["sent", "received", "answered", "stored"],
  l: ["sent", "answered", "stored"],
} as const;

const PATHS = { u: "/update", l: "/logout" };
/** What the browser sends. */
const CALLS = { u: "POST /update", l: "GET /logout" };

/** How many steps there are in all. */
const ALL = STEPS.u.length + STEPS.l.length;

/**
 * An order, as one number for each step of the update: how many steps of the logout come before it.
 * No number is smaller than the one before.
 */
type Order = number[];

/** Writes an order as it is recorded: a letter for each step. */
function lettersOf(order: Order): string {
  const parts = order.map((before, at) => {
    const since = before - (order[at - 1] ?? 0);
    return `${"l".repeat(since)}u`;
  });
  return parts.join("").padEnd(ALL, "l");
}

/** All orders: first those that go the least often from one of the two to the other. */
const ORDERS: Order[] = STEPS.u
  .reduce<Order[]>(
    (orders) =>
      orders.flatMap((order) =>
        [0, 1, 2, 3].flatMap((before) =>
          before >= (order.at(-1) ?? 0) ? [[...order, before]] : [],
        ),
      ),
    [[]],
  )
  .map((order) => ({ order, difficulty: difficultyOf(lettersOf(order)) }))
  .sort((one, other) => one.difficulty - other.difficulty)
  .map(({ order }) => order);

function difficultyOf(letters: string): number {
  const switches = letters.match(/ul|lu/g)?.length ?? 0;
  return switches * 10 + Math.abs(letters.indexOf("l") - 2);
}

/** Which orders a snippet's page can produce, and which of them leave alice logged in. */
function outcomesOf(name: string): { possible: Order[]; losing: Order[] } {
  const looks = RECORDED[name]?.looks ?? {};
  const end = (order: Order) => readLook(looks, lettersOf(order));
  const possible = ORDERS.filter(end);
  return { possible, losing: possible.filter((order) => end(order)?.loggedIn) };
}

/** What was seen at one moment. */
interface Look {
  loggedIn: boolean;
  inJar: boolean;
  copy: boolean;
  /** Whether the step before took the session cookie along, or set it. */
  brought: boolean;
  cleared: boolean;
}

/** One step, and what was seen after it. */
interface Step {
  chain: Chain;
  /** Which of its own steps it is. */
  index: number;
  what: "sent" | "received" | "answered" | "stored";
  /** Missing when the snippet's page can't get here. */
  look: Look | undefined;
  /** Whether it logs alice in after the logout. */
  undoes: boolean;
}

function readLook(looks: Recorded["looks"], key: string): Look | undefined {
  const seen = looks[key];
  return seen === undefined
    ? undefined
    : {
        loggedIn: seen.includes("a"),
        inJar: seen.includes("j"),
        copy: seen.includes("c"),
        brought: seen.includes("+"),
        cleared: seen.includes("-"),
      };
}

function stepsOf(looks: Recorded["looks"], order: Order): Step[] {
  const letters = lettersOf(order);
  const counts = { u: 0, l: 0 };
  return [...letters].map((letter, at) => {
    const chain = letter as Chain;
    const index = counts[chain]++;
    const what = STEPS[chain][index] as Step["what"];
    const before = readLook(looks, letters.slice(0, at));
    const look = readLook(looks, letters.slice(0, at + 1));
    const isAfter = counts.l === STEPS.l.length;
    const undoes = isAfter && !before?.loggedIn && look?.loggedIn === true;
    return { chain, index, what, look, undoes };
  });
}

/** Says what happens in a step: two short lines. */
function wordsOf({ chain, what, look, undoes }: Step): [string, string] {
  const stored = look?.brought
    ? `cookie set${undoes ? " again" : ""}`
    : look?.cleared
      ? "cookie cleared"
      : "cookie left alone";
  const more = {
    sent: look?.brought ? "with the cookie" : "without the cookie",
    received: "by the server",
    answered: "by the server",
    stored,
  };
  return [`${PATHS[chain]} ${what}`, look ? more[what] : "cannot happen"];
}

/** Says the same in a sentence. */
function sentenceOf({ chain, what, look, undoes }: Step): string {
  const path = PATHS[chain];
  if (what === "received") return "The server has /update, and works on it.";
  if (what === "answered") return `The server answers ${path}.`;
  if (what === "sent") {
    const cookie = look?.brought ? "with the session cookie" : "without it";
    return `The browser sends ${CALLS[chain]}, ${cookie}.`;
  }
  const does = look?.brought
    ? `sets the session cookie${undoes ? ", after the logout" : ""}`
    : look?.cleared
      ? "clears the session cookie"
      : "leaves the session cookie alone";
  return `The answer to ${path} arrives, and ${does}.`;
}

const HTML = `
<section aria-label="The race, to try">
  <p class="pick">
    <label for="server">Server</label>
    <select id="server"></select>
  </p>
  <p class="legend"><b>Blue</b> is the late request, <i>dashed</i> is the logout. A line is thick while the jar has the session cookie, while alice is logged in, and while the server takes a copy of the cookie.</p>
  <div class="picture">
    <p class="heads" aria-hidden="true"><span>cookie jar</span><span>browser</span><span>server</span></p>
    <div class="rows">
      <svg aria-hidden="true"></svg>
      <ol aria-label="What happens, from first to last"></ol>
    </div>
    <p id="how">Pick a step of <b>/update</b>, and move it: drag its grip, press the arrow keys, or use these buttons.</p>
    <p class="buttons">
      <button type="button" id="earlier"><span aria-hidden="true">▲</span> Earlier</button>
      <button type="button" id="later"><span aria-hidden="true">▼</span> Later</button>
    </p>
  </div>
  <div class="panel">
    <div role="status" aria-atomic="true">
      <p class="told"></p>
      <ul class="state">
        <li id="jar"></li>
        <li id="browser"></li>
        <li id="copy"></li>
      </ul>
    </div>
    <p class="buttons">
      <button type="button" id="back"><span aria-hidden="true">◀</span> Step back</button>
      <button type="button" id="next"><span>Next step</span> <span aria-hidden="true">▶</span></button>
    </p>
    <p class="count"></p>
    <p class="buttons">
      <button type="button" id="wrong">Show me one that goes wrong</button>
      <button type="button" id="another">The next one</button>
    </p>
    <details>
      <summary>What this server does</summary>
      <p class="about"></p>
    </details>
  </div>
</section>`;

const STYLE = `
:host {
  display: block; container-type: inline-size; color-scheme: light dark;
  --text: light-dark(#1f2328, #e6edf3); --faint: light-dark(#59636e, #9198a1);
  --card: light-dark(#fff, #0d1117); --line: light-dark(#d1d9e0, #3d444d);
  --update: light-dark(#0757b8, #7cb8ff); --alarm: light-dark(#c11c28, #ff7b72);
  --good: light-dark(#116329, #56d364); --band: light-dark(#eaf2fc, #16263c);
  --row: 3.5em; --lanes: 8.5em;
}
:host([hidden]) { display: none }
* { box-sizing: border-box }
section {
  padding: 0.5em; border: 1px solid var(--line); border-radius: 0.75em;
  color: var(--text); background: var(--card);
  font: 1rem/1.3 system-ui, sans-serif; text-align: start;
}
p, ul, ol { margin: 0 0 0.75em; padding: 0; list-style: none }
.pick label { display: block; font-weight: 600 }
select, button {
  min-height: 2.75rem; border: 1px solid var(--line); border-radius: 0.5em;
  color: inherit; background: var(--card); font: inherit;
}
select { width: 100%; padding: 0 0.5em }
.buttons { display: flex; flex-wrap: wrap; gap: 0.5em }
.buttons button { flex: 1; padding: 0.25em 0.5em; font-weight: 600; cursor: pointer }
.buttons button:not([aria-disabled]) { border-color: var(--update); color: var(--update) }
.buttons #wrong { flex: 3 }
.buttons #another { flex: 2 }
.buttons #next, .buttons #wrong { color: var(--card); background: var(--update) }
.buttons [aria-disabled] { color: var(--faint); cursor: default }
.buttons [aria-disabled]:is(#next, #wrong) { color: var(--faint); background: var(--card) }
:focus-visible { outline: 3px solid var(--text); outline-offset: 2px }
.heads { display: flex; width: var(--lanes); margin: 0 0 2px; align-items: end }
.heads span { flex: 1; text-align: center; font-size: 0.78em; line-height: 1.1 }
.rows { position: relative; margin: 0 0 0.5em }
svg { position: absolute; z-index: 1; width: var(--lanes); height: 100%; overflow: visible; pointer-events: none }
ol { margin: 0 }
li { position: relative }
ol li { display: flex; height: var(--row); padding: 2px 0 2px calc(var(--lanes) + 0.25em) }
ol li.now { background: var(--band); border-radius: 0.5em }
ol li > :first-child {
  flex: 1; display: flex; flex-direction: column; justify-content: center; min-width: 0;
  padding: 0 0.35em; border: 1px solid transparent; font-size: 0.85em; text-align: start; line-height: 1.2; overflow-wrap: anywhere;
}
ol li > .step { border-color: var(--line); border-radius: 0.5em 0 0 0.5em; border-inline-start: 4px solid var(--update); background: none; cursor: pointer }
ol li > .step[aria-pressed="true"] { border-color: var(--update); box-shadow: inset 0 0 0 1px var(--update) }
ol p { margin: 0 }
ol b { font-weight: 600 }
ol .u b { color: var(--update) }
ol li.future * { color: var(--faint) !important; font-weight: 400 }
ol li.undoes :is(b, b + span) { color: var(--alarm); font-weight: 700 }
.grip {
  flex: none; display: grid; place-items: center; width: 2.75rem; border: 1px solid var(--line); border-inline-start: 0;
  border-radius: 0 0.5em 0.5em 0; color: var(--faint); cursor: grab; touch-action: none; user-select: none;
}
.dragging .grip { cursor: grabbing; color: var(--text) }
.legend, #how { font-size: 0.9em }
.legend b { color: var(--update) }
.legend i { font-style: normal; border-bottom: 2px dashed }
#how { margin-bottom: 0.5em }
.told { min-height: 4em }
.told strong { display: block; font-size: 1.15em }
.bad strong { color: var(--alarm) }
.good strong { color: var(--good) }
.state { font-size: 0.9em }
.state li { display: flex; gap: 0.5em; align-items: center; min-height: 1.75em }
.state li::before { content: ""; flex: none; width: 2px; height: 1.5em; margin: 0 3px; background: var(--faint) }
.state li.yes::before { width: 8px; margin: 0; background: var(--text) }
.count { font-size: 0.9em }
summary { min-height: 2.75rem; padding: 0.7rem 0; cursor: pointer; font-weight: 600 }
details p { margin: 0 }
line { stroke-width: 2; stroke: var(--faint) }
rect { fill: var(--text) }
.u { --stroke: var(--update) }
.l { --stroke: var(--text) }
line.u, line.l { stroke: var(--stroke) }
line.l { stroke-dasharray: 5 4 }
line.undoes { stroke: var(--alarm); stroke-width: 4 }
line.future { stroke: var(--line) }
marker path { fill: var(--stroke, var(--line)) }
marker.undoes path { fill: var(--alarm) }
@container (min-width: 46rem) {
  section { display: grid; grid-template-columns: minmax(0, 6fr) minmax(0, 5fr); column-gap: 1.5em; padding: 1.25em }
  .pick, .legend { grid-column: 1 / -1 }
  section { --lanes: 22cqi }
  .heads span { font-size: 0.9em }
  .buttons button { padding: 0.25em 0.75em }
}`;

/** Which lane is where, from the left. */
const LANES = { jar: "16.7%", browser: "50%", server: "83.3%" };

/** Where the middle of a step is, from the top, in the unit of its height. */
const middleOf = (at: number): string => `${(at + 0.5) * 3.5}em`;

/** Draws the lanes, thick where something is so, and what goes from one to another. */
function draw(steps: Step[], start: Look, now: number): string {
  const bars = [start, ...steps.map(({ look }) => look)].slice(0, now + 1);
  const lanes = (["jar", "browser", "server"] as const).map((lane) => {
    const x = LANES[lane];
    const thick = bars.map((look, at) => {
      const isSo = {
        jar: look?.inJar,
        browser: look?.loggedIn,
        server: look?.copy,
      };
      const from = at === 0 ? "0em" : middleOf(at - 1);
      const height = at === 0 || at === ALL ? 1.75 : 3.5;
      const isLast = at === now && now < ALL;
      return isSo[lane]
        ? `<rect x="${x}" y="${from}" width="8" height="${isLast && at > 0 ? 1.75 : height}em" transform="translate(-4)"/>`
        : "";
    });
    return `<line x1="${x}" y1="0" x2="${x}" y2="100%"/>${thick.join("")}`;
  });
  const place = (chain: Chain, ...whats: Step["what"][]) =>
    steps.findIndex(
      (step) => step.chain === chain && whats.includes(step.what),
    );
  const arrow = (
    [from, y1]: [keyof typeof LANES, number],
    [to, y2]: [keyof typeof LANES, number],
    look: string,
  ) => {
    const kind = Math.max(y1, y2) < now ? look : "future";
    return `<line class="${kind}" x1="${LANES[from]}" y1="${middleOf(y1)}" x2="${LANES[to]}" y2="${middleOf(y2)}" marker-end="url(#${kind})"/>`;
  };
  const arrows = (["u", "l"] as const).flatMap((chain) => {
    const [sent, answered, stored] = [
      place(chain, "sent"),
      place(chain, "answered"),
      place(chain, "stored"),
    ];
    const arrives = chain === "u" ? place(chain, "received") : answered;
    const last = steps[stored];
    return [
      steps[sent]?.look?.brought
        ? arrow(["jar", sent], ["browser", sent], chain)
        : "",
      arrow(["browser", sent], ["server", arrives], chain),
      arrow(["server", answered], ["browser", stored], chain),
      last?.look?.brought || last?.look?.cleared
        ? arrow(
            ["browser", stored],
            ["jar", stored],
            last.undoes ? "undoes" : chain,
          )
        : "",
    ];
  });
  const heads = ["u", "l", "undoes", "future"].map(
    (name) =>
      `<marker id="${name}" class="${name}" viewBox="0 0 10 10" refX="12" refY="5" markerWidth="11" markerHeight="11" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L10 5L0 10z"/></marker>`,
  );
  return `<defs>${heads.join("")}</defs>${lanes.join("")}${arrows.join("")}`;
}

/** Shows a late request and a logout whose steps can be moved, and what was seen of them. */
class LogoutRace extends HTMLElement {
  readonly #root = this.attachShadow({ mode: "open" });
  #server = Object.keys(RECORDED)[0] ?? "";
  #order: Order = ORDERS[0] ?? [];
  /** How many steps have happened. */
  #now = ALL;
  /** Which step of the update is picked, to be moved. */
  #picked = 2;
  readonly #items: Record<Chain, HTMLLIElement[]> = { u: [], l: [] };

  connectedCallback(): void {
    if (this.#items.u.length > 0) return;
    this.#root.innerHTML = `<style>${STYLE}</style>${HTML}`;
    this.#fillSelect();
    this.#fillList();
    const clicks: Record<string, () => void> = {
      earlier: () => this.#move(this.#picked, -1),
      later: () => this.#move(this.#picked, 1),
      back: () => this.#step(-1),
      next: () => this.#step(1),
      wrong: () => this.#show(outcomesOf(this.#server).losing[0]),
      another: () => this.#showNext(),
    };
    for (const [id, click] of Object.entries(clicks)) {
      const button = this.#find(`#${id}`);
      button.addEventListener("click", () => {
        if (!button.ariaDisabled) click();
      });
    }
    this.#show(outcomesOf(this.#server).losing[0]);
  }

  #find<Kind extends Element = HTMLElement>(selector: string): Kind {
    return this.#root.querySelector(selector) as Kind;
  }

  #fillSelect(): void {
    const select = this.#find<HTMLSelectElement>("#server");
    const names = Object.keys(RECORDED);
    for (const [label, isIn] of [
      ["Broken", (name: string) => name.startsWith("broken")],
      ["Fixes", (name: string) => !name.startsWith("broken")],
    ] as const) {
      const group = document.createElement("optgroup");
      group.label = label;
      const options = names.filter(isIn).map((name) => {
        const { losing, possible } = outcomesOf(name);
        const count = `${losing.length} of ${possible.length}`;
        return new Option(`${name}: ${count} go wrong`, name);
      });
      group.append(...options);
      select.append(group);
    }
    select.addEventListener("change", () => {
      this.#server = select.value;
      this.#show(this.#order);
    });
  }

  #fillList(): void {
    for (const chain of ["u", "l"] as const) {
      this.#items[chain] = STEPS[chain].map((_, index) => {
        const item = document.createElement("li");
        item.innerHTML =
          chain === "u"
            ? `<button type="button" class="step" aria-describedby="how"><b></b><span></span></button><span class="grip" aria-hidden="true">⠿</span>`
            : "<p><b></b><span></span></p>";
        if (chain === "u") this.#makeMovable(item, index);
        return item;
      });
    }
    this.#find("ol").append(...this.#items.u, ...this.#items.l);
  }

  #makeMovable(item: HTMLLIElement, index: number): void {
    const [button, grip] = item.children as unknown as HTMLElement[];
    button?.addEventListener("click", () => {
      this.#picked = index;
      this.#render();
    });
    button?.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
      event.preventDefault();
      this.#move(index, event.key === "ArrowUp" ? -1 : 1);
    });
    grip?.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.#picked = index;
      this.#drag(item, index);
    });
  }

  /** Moves a step to where the pointer is, until that is let go. */
  #drag(item: HTMLLIElement, index: number): void {
    item.classList.add("dragging");
    this.#render();
    const follow = ({ clientY }: PointerEvent) => {
      const above = this.#items.l.filter((other) => {
        const { top, bottom } = other.getBoundingClientRect();
        return (top + bottom) / 2 < clientY;
      });
      const by = above.length - (this.#order[index] ?? 0);
      if (by !== 0) this.#move(index, by);
    };
    const drop = new AbortController();
    const end = () => {
      drop.abort();
      item.classList.remove("dragging");
    };
    const { signal } = drop;
    addEventListener("pointermove", follow, { signal });
    addEventListener("pointerup", end, { signal });
    addEventListener("pointercancel", end, { signal });
  }

  /** Moves a step past some of the logout's. Its neighbours make way, since they keep their order. */
  #move(index: number, by: number): void {
    this.#picked = index;
    const before = (this.#order[index] ?? 0) + by;
    if (before < 0 || before > STEPS.l.length) return;
    const order = this.#order.map((other, at) => {
      if (at < index) return Math.min(other, before);
      return at > index ? Math.max(other, before) : before;
    });
    const place =
      lettersOf(order)
        .split("u", index + 1)
        .join("u").length + 1;
    this.#show(order, `You moved it to place ${place} of ${ALL}.`);
  }

  /** Shows an order, when all of it has happened. */
  #show(order: Order = this.#order, moved = ""): void {
    this.#order = ORDERS.find((one) => `${one}` === `${order}`) ?? order;
    this.#now = this.#possible();
    this.#render(moved);
  }

  #step(by: number): void {
    const last = this.#possible();
    // After the last step it begins again.
    this.#now = this.#now + by > last ? 0 : Math.max(0, this.#now + by);
    this.#render();
  }

  #showNext(): void {
    const { losing } = outcomesOf(this.#server);
    this.#show(losing[(losing.indexOf(this.#order) + 1) % losing.length]);
  }

  /** How many steps of this order the snippet's page can produce. */
  #possible(): number {
    const { looks } = this.#recorded();
    const letters = lettersOf(this.#order);
    return [...letters].filter((_, at) => letters.slice(0, at + 1) in looks)
      .length;
  }

  #recorded(): Recorded {
    return RECORDED[this.#server] ?? { about: "", looks: {} };
  }

  #render(moved = ""): void {
    const { about, looks } = this.#recorded();
    const steps = stepsOf(looks, this.#order);
    const start = readLook(looks, "");
    if (!start) return;
    this.#find("svg").innerHTML = draw(steps, start, this.#now);
    this.#arrange(steps);
    this.#tell(steps, this.#now === 0 ? start : steps[this.#now - 1]?.look);
    if (moved) this.#find(".told").append(` ${moved}`);
    this.#find(".count").textContent = this.#count();
    this.#find(".about").textContent = about;
    this.#label(steps);
  }

  /** Brings the list into its order. What is dragged, or has the focus, stays where it is in the page. */
  #arrange(steps: Step[]): void {
    const items = steps.map(
      ({ chain, index }) => this.#items[chain][index] as HTMLLIElement,
    );
    const isHeld = (item: Element) =>
      item.matches(".dragging") || item.contains(this.#root.activeElement);
    const at = Math.max(0, items.findIndex(isHeld));
    items[at]?.before(...items.slice(0, at));
    items[at]?.after(...items.slice(at + 1));
    for (const [at, step] of steps.entries()) {
      const item = items[at] as HTMLLIElement;
      const isNow = at === this.#now - 1 && this.#now < ALL;
      const isFuture = at >= this.#now;
      const { chain, undoes } = step;
      const isDragged = item.matches(".dragging");
      item.className = chain;
      item.classList.toggle("dragging", isDragged);
      item.classList.toggle("now", isNow);
      item.classList.toggle("future", isFuture);
      item.classList.toggle("undoes", undoes && !isFuture);
      item.ariaCurrent = isNow ? "step" : null;
      const [first, second] = wordsOf(step);
      const [bold, plain] = item.querySelectorAll("b, b + span");
      if (bold) bold.textContent = `${first} `;
      if (plain) plain.textContent = second;
      const isPicked = chain === "u" && step.index === this.#picked;
      item.querySelector("button")?.setAttribute("aria-pressed", `${isPicked}`);
    }
  }

  /** Says what has just happened, or how it ended, and what was seen then. */
  #tell(steps: Step[], look: Look | undefined): void {
    const step = steps[this.#now - 1];
    const isEnd = this.#now === this.#possible();
    let [head, text, kind] = [`Step ${this.#now} of ${ALL}.`, "", ""];
    if (step) text = sentenceOf(step);
    if (!step) {
      head = "Nothing has happened yet.";
      text = "alice is logged in, and is about to click Log out.";
    } else if (isEnd && this.#now < ALL) {
      head = "This order cannot happen.";
      text = `The page of ${this.#server} waits for the answer to /update, and only then goes to /logout.`;
    } else if (isEnd && look?.loggedIn) {
      [head, kind] = ["✗ This logout did not hold.", "bad"];
      text = "alice clicked Log out. At the end, she is logged in.";
    } else if (isEnd) {
      [head, kind] = ["✓ This logout held.", "good"];
      text = look?.copy
        ? "At the end, nobody is logged in. But whoever has a copy of the cookie is let in."
        : "At the end, nobody is logged in.";
    }
    const told = this.#find(".told");
    const strong = document.createElement("strong");
    strong.textContent = `${head} `;
    told.replaceChildren(strong, text);
    told.className = `told ${kind}`;
    for (const [id, isSo, yes, no] of [
      [
        "jar",
        look?.inJar,
        "The cookie jar has the session cookie.",
        "The cookie jar has no session cookie.",
      ],
      [
        "browser",
        look?.loggedIn,
        "In the browser, alice is logged in.",
        "In the browser, nobody is logged in.",
      ],
      [
        "copy",
        look?.copy,
        "The server takes a copy of the cookie.",
        "The server refuses a copy of the cookie.",
      ],
    ] as const) {
      const item = this.#find(`#${id}`);
      item.textContent = isSo ? yes : no;
      item.classList.toggle("yes", isSo === true);
    }
  }

  #count(): string {
    const { possible, losing } = outcomesOf(this.#server);
    const can =
      possible.length < ORDERS.length
        ? `Of the ${ORDERS.length} orders, ${possible.length} can happen with ${this.#server}. `
        : "";
    if (losing.length === 0) {
      const all = can ? "" : ` of the ${ORDERS.length} orders`;
      const other = this.#server.startsWith("broken")
        ? " It fails in another way: see what this server does."
        : "";
      return `${can}None${all} leaves alice logged in.${other}`;
    }
    const at = losing.indexOf(this.#order) + 1;
    const here =
      at > 0 ? `This is number ${at} of them.` : "This one does not.";
    return `${can}${losing.length} of the ${possible.length} orders leave alice logged in. ${here} It is a count of orders, and does not say how often it happens.`;
  }

  /** Says what the buttons do now, and which of them do nothing. */
  #label(steps: Step[]): void {
    const before = this.#order[this.#picked] ?? 0;
    const hasLosing = outcomesOf(this.#server).losing.length > 0;
    const isAtEnd = this.#now === this.#possible();
    for (const [id, can] of [
      ["earlier", before > 0],
      ["later", before < STEPS.l.length],
      ["back", this.#now > 0],
      ["wrong", hasLosing],
      ["another", hasLosing],
    ] as const) {
      this.#find(`#${id}`).ariaDisabled = can ? null : "true";
    }
    const picked = steps.find(
      ({ chain, index }) => chain === "u" && index === this.#picked,
    );
    const what = picked ? wordsOf(picked).join(" ") : "";
    this.#find("#earlier").ariaLabel = `Earlier: ${what}`;
    this.#find("#later").ariaLabel = `Later: ${what}`;
    this.#find("#next span:first-child").textContent = isAtEnd
      ? "Start over"
      : "Next step";
  }
}

if (!customElements.get("logout-race")) {
  customElements.define("logout-race", LogoutRace);
}
