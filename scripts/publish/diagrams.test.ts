import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ORDERS } from "../verify/orders.ts";
import type { Step } from "../verify/race.ts";
import { sequenceDiagram } from "./diagrams.ts";

const LOSING: Step[] = [
  { event: "update sent", withCookie: true },
  { event: "update received" },
  { event: "logout sent", withCookie: true },
  { event: "logout answered" },
  { event: "logout stored", cookie: { effect: "cleared", bytes: 0 } },
  { event: "update answered" },
  { event: "update stored", cookie: { effect: "set", bytes: 1161 } },
];
const HOLDING: Step[] = [
  ...LOSING.slice(0, -1),
  { event: "update stored", cookie: { effect: "untouched", bytes: 0 } },
];
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

const part = (xml: string, name: string): string =>
  xml.match(new RegExp(`<${name}>(.*?)</${name}>`))?.[1] ?? "";

const count = (xml: string, pattern: RegExp): number =>
  [...xml.matchAll(pattern)].length;

describe("sequenceDiagram", () => {
  const draw = (steps: Step[], name = "broken") =>
    sequenceDiagram(name, steps, "alice is logged in");

  test("tells the same in words", () => {
    const drawn = draw(LOSING);
    assert.match(part(drawn, "title"), /^broken: /);
    const told = part(drawn, "desc");
    const places = LOSING.map(({ event }) => told.indexOf(`${event}:`));
    assert.ok(!places.includes(-1));
    assert.deepEqual(
      places,
      [...places].sort((one, other) => one - other),
    );
    assert.match(told, /update stored: sets appSession after the logout\./);
    assert.match(told, /In the end, alice is logged in\.$/);
  });

  test("emphasises a cookie that is set after the logout, only", () => {
    const emphasis = /class="alarm band"/g;
    assert.equal(count(draw(LOSING), emphasis), 1);
    assert.equal(count(draw(HOLDING), emphasis), 0);
    const before = [5, 6].flatMap((at) => LOSING[at] ?? []);
    const early = [...LOSING.slice(0, 2), ...before, ...LOSING.slice(2, 5)];
    assert.equal(count(draw(early), emphasis), 0);
  });

  test("tells whether a request had the cookie", () => {
    assert.equal(count(draw(LOSING), />with the session cookie</g), 2);
    const without = [{ event: "logout sent", withCookie: false } as const];
    assert.match(draw(without), />without the cookie</);
  });

  test("tells when the cookie is in the jar", () => {
    const labels = (steps: Step[]) =>
      [...draw(steps).matchAll(/>(full|empty)</g)].map(([, label]) => label);
    assert.deepEqual(labels(LOSING), ["full", "empty", "full"]);
    assert.deepEqual(labels(HOLDING), ["full", "empty"]);
  });

  test("draws every order, and none", () => {
    for (const order of [...ORDERS, []]) {
      const steps = order.map(
        (event) => LOSING.find((step) => step.event === event) ?? { event },
      );
      assertWellFormed(draw(steps));
    }
  });

  test("escapes names, and is always the same", () => {
    const drawn = draw(LOSING, ODD_NAME);
    assertWellFormed(drawn);
    assert.match(drawn, /fix-&lt;b&gt;&amp;/);
    assert.equal(draw(structuredClone(LOSING), ODD_NAME), drawn);
  });
});
