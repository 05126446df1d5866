/** Classes by some of their letters, and colours that are seen. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { bright, inkOn, luminance } from "../../prelabel/review/page/colors.js";
import { ranked } from "../../prelabel/review/page/fuzzy.js";

const NAMES = ["traffic light", "fish", "starfish", "jellyfish", "light truck", "firehydrant"];
const found = (query) => ranked(query, NAMES).map((at) => NAMES[at]);

test("whole names, beginnings, words, parts, letters: in this order", () => {
  assert.deepEqual(found("fish"), ["fish", "starfish", "jellyfish"]);
  assert.deepEqual(found("light"), ["light truck", "traffic light"]);
  assert.deepEqual(found("fh"), ["fish", "firehydrant", "starfish", "jellyfish", "traffic light"]);
  assert.deepEqual(found("tl"), ["traffic light"]);
  assert.deepEqual(found("xyz"), []);
  assert.deepEqual(found("  "), NAMES);
});

test("dark colours are made bright enough, bright ones are left", () => {
  assert.ok(luminance(bright("#1010ff")) >= 0.36);
  assert.equal(bright("#ffd166"), "#ffd166");
  assert.match(bright("#000000"), /^#[0-9a-f]{6}$/);
});

test("text on a colour is read: contrast of at least 4.5", () => {
  for (const color of ["#1010ff", "#ff0000", "#00ff00", "#808080", "#ffd166"]) {
    const back = luminance(bright(color));
    const ink = inkOn(bright(color)) === "#fff" ? 1 : 0.006;
    assert.ok((Math.max(back, ink) + 0.05) / (Math.min(back, ink) + 0.05) >= 4.5, color);
  }
});
