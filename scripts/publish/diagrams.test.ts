import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Example } from "../verify/histories/history-lines.ts";
import type { Looks } from "../verify/record-race.ts";
import { drawHistory, drawRace } from "./diagrams.ts";

/** What is recorded of an order: alice is logged in again when the update is stored. */
const LOSING: Looks = {
  "": "ajc",
  u: "ajc+",
  uu: "ajc",
  uul: "ajc+",
  uull: "ajc",
  uulll: "c-",
  uulllu: "c",
  uullluu: "ajc+",
};

/** Alice's late request takes the place of bob's session. */
const THROWN_OUT: Example = {
  parts: [
    part(1, "alice logs in", ["sent", "answered", "stored"], "set"),
    { ...part(2, "POST /basket sent", ["sent"]), withCookie: true },
    part(3, "bob logs in", ["sent", "answered", "stored"], "set"),
    part(2, "POST /basket answered, stored", ["answered", "stored"], "set"),
  ],
  how: "bob is out",
};

function part(
  nr: number,
  what: string,
  stages: Example["parts"][number]["stages"],
  effect?: "set",
) {
  return { nr, what, stages, seen: ["told"], ...(effect && { effect }) };
}

const ODD_NAME = `fix-<b>&"it's"`;

/** Fails unless the tags are balanced and the rest has no stray < or &. */
function assertWellFormed(xml: string): void {
  const open: string[] = [];
  const attributes = /(?:\s+[\w:-]+="[^"<]*")*/.source;
  const tags = new RegExp(`<(/?)([a-z]+)${attributes}\\s*(/?)>`, "g");
  const rest = xml.replace(tags, (_, closes, name, empty) => {
    if (closes) assert.equal(open.pop(), name);
    else if (!empty) open.push(name);
    return "";
  });
  assert.deepEqual(open, []);
  assert.doesNotMatch(rest, /</);
  assert.doesNotMatch(xml, /&(?!(?:amp|lt|gt|quot|#39);)/);
  assert.doesNotMatch(xml, /NaN|undefined|Infinity/);
  assert.match(xml, /^<svg [\s\S]*<\/svg>\n$/);
}

const count = (xml: string, pattern: RegExp): number =>
  [...xml.matchAll(pattern)].length;

/** Where each thick part of a lane begins and ends, in hundredths of a row. */
const barsOf = (svg: string, lane: string): number[][] =>
  [
    ...svg.matchAll(
      /<rect x="([\d.]+%)" y="([\d.]+)em" [^>]*?height="([\d.]+)em"/g,
    ),
  ]
    .filter(([, x]) => x === lane)
    .map(([, , y, height]) => [Number(y), Number(y) + Number(height)])
    .map((ends) => ends.map((end) => Math.round((end / 3.5) * 100)));
const JAR = "16.7%";

describe("an order that goes wrong", () => {
  const { svg, told } = drawRace("broken", LOSING);

  test("is drawn, and told in words", () => {
    const textIn = (tag: string) =>
      svg.match(new RegExp(`<${tag}>(.*?)</${tag}>`))?.[1] ?? "";
    assertWellFormed(svg);
    assert.match(textIn("title"), /^broken: /);
    assert.equal(textIn("desc"), told);
    assert.match(told, /^1\. The browser sends POST \/update, with the/);
    assert.match(
      told,
      /7\. The answer .* after the logout\. In the end, alice/,
    );
  });

  test("shows when the cookie is in the jar, and what undoes the logout", () => {
    const jar = barsOf(svg, JAR);
    assert.deepEqual([jar.at(-2)?.[1], jar.at(-1)], [450, [650, 700]]);
    assert.equal(count(svg, /<line class="undoes"/g), 1);
    assert.match(svg, /class="bold undoes"[^>]*>\/update stored</);
    assert.equal(count(svg, />with the cookie</g), 2);
  });

  test("may have an odd name, but has to be there", () => {
    const odd = drawRace(ODD_NAME, LOSING).svg;
    assertWellFormed(odd);
    assert.match(odd, /fix-&lt;b&gt;&amp;/);
    assert.throws(() => drawRace("fix-complete", {}), /no order goes wrong/);
  });
});

describe("a history that breaks a rule", () => {
  test("is drawn, and told in words", () => {
    const { svg, told } = drawHistory("fix-store: it", THROWN_OUT);
    assertWellFormed(svg);
    assert.match(told, /^1 alice logs in, .* In the end, bob is out\.$/);
    assert.deepEqual(barsOf(svg, JAR), [
      [75, 275],
      [275, 367],
      [367, 400],
    ]);
    assert.equal(count(svg, /<line class="undoes"/g), 1);
    // Alice's request crosses the login of bob, from its row to its last one.
    assert.match(
      svg,
      /<line class="u" x1="50%" y1="5.25em" x2="83.3%" y2="11.67em"/,
    );
  });

  test("is not drawn when it has two browsers", () => {
    const two = {
      ...THROWN_OUT,
      parts: [part(1, "browser 1: logout", ["sent"])],
    };
    assert.throws(() => drawHistory("it", two), /no lanes for two browsers/);
  });
});
