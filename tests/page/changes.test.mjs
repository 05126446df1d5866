/** What a person made of proposals, read off the boxes. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { agreement, changesOf } from "../../prelabel/review/page/changes.js";

const PLACE = [10, 10, 50, 40];

function aBox(id, status, { xyxy = PLACE, classId = 0, proposed = { xyxy: PLACE, class_id: 0 } } = {}) {
  const proposal = proposed && { model_id: "m", score: 0.6, uncertainty: 0.5, ...proposed };
  return { id, status, xyxy, angle: null, class_id: classId, proposal };
}

test("each box says what was done to it, what was taken away first", () => {
  const changes = changesOf([
    aBox("kept", "accepted"),
    aBox("gone", "rejected"),
    aBox("other class", "accepted", { classId: 2 }),
    aBox("elsewhere", "accepted", { xyxy: [12, 10, 50, 40] }),
    aBox("new", "accepted", { proposed: null }),
    aBox("both", "accepted", { classId: 1, xyxy: [10, 10, 55, 40] }),
  ]);
  assert.deepEqual(
    changes.map(({ box, actions }) => [box.id, ...actions]),
    [
      ["gone", "deleted"],
      ["new", "drawn"],
      ["other class", "reclassed"],
      ["both", "reclassed", "moved"],
      ["elsewhere", "moved"],
      ["kept", "accepted"],
    ],
  );
});

test("what nobody decided on, and what was drawn and taken back, is no change", () => {
  assert.deepEqual(changesOf([aBox("weak", "proposed"), aBox("x", "rejected", { proposed: null })]), []);
});

test("rounding is no move", () => {
  const [change] = changesOf([aBox("a", "accepted", { xyxy: [10.04, 10, 50, 39.97] })]);
  assert.deepEqual(change.actions, ["accepted"]);
});

test("agreement is the share of boxes with a partner of the same class and place", () => {
  const mine = [aBox("1", "accepted"), aBox("2", "accepted", { xyxy: [100, 100, 140, 140] })];
  const theirs = [aBox("1", "accepted", { xyxy: [11, 10, 51, 40] })];
  assert.equal(agreement(mine, mine), 1);
  assert.equal(agreement(mine, theirs), 2 / 3);
  assert.equal(agreement(mine, [aBox("1", "accepted", { classId: 3 })]), 0);
  assert.equal(agreement([], []), 1);
  assert.equal(agreement([aBox("1", "rejected")], []), 1);
});

test("one box is nobody's partner twice", () => {
  const twice = [aBox("1", "accepted"), aBox("2", "accepted", { xyxy: [11, 10, 51, 40] })];
  assert.equal(agreement(twice, [aBox("1", "accepted")]), 2 / 3);
});
