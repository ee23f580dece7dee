import { draw, sceneOf } from "./race-drawing.ts";
import {
  ALL,
  type Chain,
  type Look,
  lettersOf,
  ORDERS,
  type Order,
  outcomesOf,
  RECORDED,
  type Recorded,
  readLook,
  STEPS,
  type Step,
  stepsOf,
} from "./race-orders.ts";
import { HTML, STYLE } from "./race-page.ts";
import { countOf, newsOf, stateOf, wordsOf } from "./race-words.ts";

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
    this.#find("svg").innerHTML = draw(sceneOf(steps, start, this.#now));
    this.#arrange(steps);
    const look = this.#now === 0 ? start : steps[this.#now - 1]?.look;
    this.#tell(steps, look, moved);
    this.#find(".count").textContent = countOf(this.#server, this.#order);
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
  #tell(steps: Step[], look: Look | undefined, moved: string): void {
    const { head, text, kind } = newsOf(this.#server, steps, this.#now);
    const strong = document.createElement("strong");
    strong.textContent = `${head} `;
    const told = this.#find(".told");
    told.replaceChildren(strong, `${text} ${moved}`);
    told.className = `told ${kind}`;
    for (const [id, { isSo, text }] of Object.entries(stateOf(look))) {
      const item = this.#find(`#${id}`);
      item.textContent = text;
      item.classList.toggle("yes", isSo);
    }
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
      ? "Step through it"
      : "Next step";
  }
}

if (!customElements.get("logout-race")) {
  customElements.define("logout-race", LogoutRace);
}
