import { ROW } from "./race-drawing.ts";

/** What is in the element. */
export const HTML = `
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
        <li id="j"></li>
        <li id="a"></li>
        <li id="c"></li>
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

/** The colours, in the light and in the dark. */
export const COLORS = {
  text: ["#1f2328", "#e6edf3"],
  faint: ["#59636e", "#9198a1"],
  card: ["#fff", "#0d1117"],
  line: ["#d1d9e0", "#3d444d"],
  update: ["#0757b8", "#7cb8ff"],
  alarm: ["#c11c28", "#ff7b72"],
  good: ["#116329", "#56d364"],
  band: ["#eaf2fc", "#16263c"],
};

/** How what is drawn looks. */
export const DRAWING_STYLE = `line { stroke-width: 2; stroke: var(--faint) }
rect { fill: var(--text) }
.u { --stroke: var(--update) }
.l { --stroke: var(--text) }
line.u, line.l { stroke: var(--stroke) }
line.l { stroke-dasharray: 5 4 }
line.undoes { stroke: var(--alarm); stroke-width: 4 }
line.future { stroke: var(--line) }
marker path { fill: var(--stroke, var(--line)) }
marker.undoes path { fill: var(--alarm) }`;

/** How all looks, in the light and in the dark, on a phone and at a desk. */
export const STYLE = `
:host {
  display: block; container-type: inline-size; color-scheme: light dark;
  ${Object.entries(COLORS)
    .map(([name, [light, dark]]) => `--${name}: light-dark(${light}, ${dark});`)
    .join(" ")}
  --row: ${ROW}em; --lanes: 8.5em;
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
${DRAWING_STYLE}
@container (min-width: 46rem) {
  section { display: grid; grid-template-columns: minmax(0, 6fr) minmax(0, 5fr); column-gap: 1.5em; padding: 1.25em }
  .pick, .legend { grid-column: 1 / -1 }
  section { --lanes: 22cqi }
  .heads span { font-size: 0.9em }
  .buttons button { padding: 0.25em 0.75em }
}`;
