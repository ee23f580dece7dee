import { draw, sceneOf } from "./race-drawing.ts";
import {
  ALL,
  type Chain,
  countOf,
  newsOf,
  ORDERS,
  type Order,
  outcomesOf,
  RECORDED,
  STAGES,
  STATES,
  type Step,
  stepsOf,
  wordsOf,
} from "./race-orders.ts";
import { HTML, STYLE } from "./race-page.ts";

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

  /** What each button does, and whether it can. */
  readonly #buttons: Record<string, [click: () => void, can: () => boolean]> = {
    earlier: [() => this.#move(this.#picked, -1), () => this.#before > 0],
    later: [
      () => this.#move(this.#picked, 1),
      () => this.#before < STAGES.l.length,
    ],
    back: [() => this.#step(-1), () => this.#now > 0],
    next: [() => this.#step(1), () => true],
    wrong: [() => this.#showLosing(0), () => this.#losing.length > 0],
    another: [() => this.#showLosing(1), () => this.#losing.length > 0],
  };

  connectedCallback(): void {
    if (this.#items.u.length > 0) return;
    this.#root.innerHTML = `<style>${STYLE}</style>${HTML}`;
    this.#fillSelect();
    this.#items.u = STAGES.u.map((_, index) => this.#movable(index));
    this.#items.l = STAGES.l.map(() => itemOf("<p><b></b><span></span></p>"));
    this.#find("ol").append(...this.#items.u, ...this.#items.l);
    for (const [id, [click]] of Object.entries(this.#buttons)) {
      const button = this.#find(`#${id}`);
      button.addEventListener("click", () => {
        if (!button.ariaDisabled) click();
      });
    }
    this.#showLosing(0);
  }

  get #looks() {
    return RECORDED[this.#server]?.looks ?? {};
  }

  get #losing(): Order[] {
    return outcomesOf(this.#looks).losing;
  }

  /** How many steps of this order the snippet's page can produce. */
  get #last(): number {
    const steps = stepsOf(this.#looks, this.#order);
    return steps.filter(({ look }) => look !== undefined).length;
  }

  /** How many steps of the logout come before the picked one. */
  get #before(): number {
    return this.#order[this.#picked] ?? 0;
  }

  #find<Kind extends Element = HTMLElement>(selector: string): Kind {
    return this.#root.querySelector(selector) as Kind;
  }

  #fillSelect(): void {
    const select = this.#find<HTMLSelectElement>("#server");
    for (const label of ["Broken", "Fixes"]) {
      const group = document.createElement("optgroup");
      group.label = label;
      for (const [name, { looks }] of Object.entries(RECORDED)) {
        if (name.startsWith("broken") !== (label === "Broken")) continue;
        const { losing, possible } = outcomesOf(looks);
        const count = `${losing.length} of ${possible.length}`;
        group.append(new Option(`${name}: ${count} go wrong`, name));
      }
      select.append(group);
    }
    select.addEventListener("change", () => {
      this.#server = select.value;
      this.#show();
    });
  }

  /** Makes a step of the update, which can be picked, dragged, and moved with the arrow keys. */
  #movable(index: number): HTMLLIElement {
    const item = itemOf(
      `<button type="button" class="step" aria-describedby="how"><b></b><span></span></button><span class="grip" aria-hidden="true">⠿</span>`,
    );
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
    return item;
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
    if (before < 0 || before > STAGES.l.length) return;
    const order = this.#order.map((other, at) => {
      if (at < index) return Math.min(other, before);
      return at > index ? Math.max(other, before) : before;
    });
    const place = index + before + 1;
    this.#show(order, `You moved it to place ${place} of ${ALL}.`);
  }

  /** Shows an order, when all of it has happened. */
  #show(order: Order = this.#order, moved = ""): void {
    this.#order = ORDERS.find((one) => `${one}` === `${order}`) ?? order;
    this.#now = this.#last;
    this.#render(moved);
  }

  #step(by: number): void {
    // After the last step it begins again.
    const now = this.#now + by > this.#last ? 0 : this.#now + by;
    this.#now = Math.max(0, now);
    this.#render();
  }

  /** Shows the first order that goes wrong, or one after that which is shown. */
  #showLosing(by: 0 | 1): void {
    const losing = this.#losing;
    this.#show(losing[(by && losing.indexOf(this.#order) + 1) % losing.length]);
  }

  #render(moved = ""): void {
    const steps = stepsOf(this.#looks, this.#order);
    const start = this.#looks[""] ?? "";
    this.#find("svg").innerHTML = draw(sceneOf(steps, start, this.#now));
    this.#arrange(steps);
    const look = this.#now === 0 ? start : steps[this.#now - 1]?.look;
    this.#tell(steps, look, moved);
    const [server, looks, order] = [this.#server, this.#looks, this.#order];
    this.#find(".count").textContent = countOf(server, looks, order);
    this.#find(".about").textContent = RECORDED[this.#server]?.about ?? "";
    this.#label(steps);
  }

  /** Brings the list into its order. What is dragged, or has the focus, stays where it is in the page. */
  #arrange(steps: Step[]): void {
    const items = steps.map(
      ({ chain, index }) => this.#items[chain][index] as HTMLLIElement,
    );
    const isHeld = (item: Element) =>
      item.matches(".dragging") || item.contains(this.#root.activeElement);
    const held = Math.max(0, items.findIndex(isHeld));
    items[held]?.before(...items.slice(0, held));
    items[held]?.after(...items.slice(held + 1));
    for (const [at, step] of steps.entries()) {
      const item = items[at] as HTMLLIElement;
      const { chain, index, undoes } = step;
      const isNow = at === this.#now - 1 && this.#now < ALL;
      const isFuture = at >= this.#now;
      item.className = [
        chain,
        item.matches(".dragging") && "dragging",
        isNow && "now",
        isFuture ? "future" : undoes && "undoes",
      ]
        .filter(Boolean)
        .join(" ");
      item.ariaCurrent = isNow ? "step" : null;
      const [first, second] = wordsOf(step);
      const [bold, plain] = item.querySelectorAll("b, b + span");
      if (bold) bold.textContent = `${first} `;
      if (plain) plain.textContent = second;
      const isPicked = chain === "u" && index === this.#picked;
      item.querySelector("button")?.setAttribute("aria-pressed", `${isPicked}`);
    }
  }

  /** Says what has just happened, or how it ended, and what was seen then. */
  #tell(steps: Step[], look = "", moved = ""): void {
    const { head, text, kind } = newsOf(this.#server, steps, this.#now);
    const strong = document.createElement("strong");
    strong.textContent = `${head} `;
    const told = this.#find(".told");
    told.replaceChildren(strong, `${text} ${moved}`);
    told.className = `told ${kind}`;
    for (const [letter, wordsOf] of Object.entries(STATES)) {
      const item = this.#find(`#${letter}`);
      item.textContent = wordsOf(look.includes(letter));
      item.classList.toggle("yes", look.includes(letter));
    }
  }

  /** Says what the buttons do now, and which of them do nothing. */
  #label(steps: Step[]): void {
    for (const [id, [, can]] of Object.entries(this.#buttons))
      this.#find(`#${id}`).ariaDisabled = can() ? null : "true";
    const picked = steps[this.#picked + this.#before];
    const what = picked ? wordsOf(picked).join(" ") : "";
    this.#find("#earlier").ariaLabel = `Earlier: ${what}`;
    this.#find("#later").ariaLabel = `Later: ${what}`;
    this.#find("#next span:first-child").textContent =
      this.#now === this.#last ? "Step through it" : "Next step";
  }
}

function itemOf(html: string): HTMLLIElement {
  const item = document.createElement("li");
  item.innerHTML = html;
  return item;
}

if (!customElements.get("logout-race")) {
  customElements.define("logout-race", LogoutRace);
}
