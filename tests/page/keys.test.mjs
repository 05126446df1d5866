/** The table of keys, and how key presses are named. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { BINDINGS, bindingOf, helpRows, keyFor, keyOf } from "../../prelabel/review/page/keys.js";

const press = (key, code, more = {}) =>
  keyOf({ key, code, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });

test("no key does two things", () => {
  const keys = BINDINGS.flatMap((binding) => binding.keys);
  assert.equal(new Set(keys).size, keys.length);
});

test("keys are named by what they write, digits and brackets by their place", () => {
  assert.equal(press(" ", "Space"), "Space");
  assert.equal(press("x", "KeyX"), "X");
  assert.equal(press("X", "KeyX", { shiftKey: true }), "Shift+X");
  assert.equal(press("&", "Digit1"), "1");
  assert.equal(press("!", "Digit1", { shiftKey: true }), "Shift+1");
  assert.equal(press("4", "Numpad4"), "4");
  assert.equal(press("?", "Slash", { shiftKey: true }), "?");
  assert.equal(press("{", "BracketLeft", { shiftKey: true }), "Shift+[");
  assert.equal(press("z", "KeyZ", { metaKey: true, shiftKey: true }), "Ctrl+Shift+Z");
  assert.equal(press("Tab", "Tab", { shiftKey: true }), "Shift+Tab");
});

test("another layout keeps its letters, another alphabet its places", () => {
  assert.equal(press("a", "KeyQ"), "A");
  assert.equal(press("я", "KeyZ"), "Z");
  assert.equal(press("ü", "BracketLeft"), "ü");
});

test("keys with Alt belong to the browser", () => {
  assert.equal(press("d", "KeyD", { altKey: true }), "");
});

test("every row of the help has keys and a title, and every command is in it", () => {
  const titles = new Set(helpRows().flatMap(({ rows }) => rows.map((row) => row.title)));
  for (const binding of BINDINGS) assert.ok(titles.has(binding.title), binding.title);
  for (const { rows } of helpRows()) for (const row of rows) assert.ok(row.keys.length && row.title);
});

test("a key finds its command, a command its key", () => {
  assert.equal(bindingOf("Space").command, "accept");
  assert.equal(bindingOf("Ctrl+Q"), null);
  assert.equal(keyFor("previousFrame"), "Page ↑");
  assert.equal(keyFor("no such thing"), "");
});
