/** What counts as work. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ActivityLog } from "../../prelabel/review/page/activity.js";
import { source } from "./support.mjs";

function log() {
  const clock = source();
  const kept = [];
  const keep = (task, { at, kind }) => kept.push([task, kind, at - 1_000_000]);
  const made = new ActivityLog({ now: clock.now, newId: clock.newId, keep }, 30);
  return { made, kept, pass: (ms) => (clock.at += ms) };
}

test("input is noted at most once a second", () => {
  const { made, kept, pass } = log();
  made.open(4);
  for (let turn = 0; turn < 25; turn++) {
    made.input();
    pass(100);
  }
  assert.deepEqual(kept.map(([, kind, at]) => `${kind} ${at}`), ["open 0", "input 0", "input 1000", "input 2000"]);
});

test("another frame closes the one before", () => {
  const { made, kept } = log();
  made.open(4);
  made.open(4);
  made.open(5);
  made.close();
  assert.deepEqual(kept.map(([task, kind]) => `${kind} ${task}`), ["open 4", "close 4", "open 5", "close 5"]);
});

test("pauses count up to the limit, and time out of sight does not", () => {
  const { made, pass } = log();
  made.open(4);
  pass(10_000);
  made.input();
  pass(100_000);
  made.input();
  assert.equal(made.activeMs, 40_000);
  pass(5_000);
  made.visibility(true);
  pass(60_000);
  made.visibility(false);
  pass(2_000);
  made.input();
  assert.equal(made.activeMs, 47_000);
});

test("without a frame nothing is noted", () => {
  const { made, kept } = log();
  made.input();
  made.visibility(true);
  assert.deepEqual(kept, []);
});
