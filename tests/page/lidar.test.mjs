/** Cuboids over boxes seen from above, and heights as part of a box. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { stateOf } from "../../prelabel/review/page/boxes.js";
import { changesOf, liesElsewhere } from "../../prelabel/review/page/changes.js";
import { bindingOf, helpRows } from "../../prelabel/review/page/keys.js";
import { CameraModel, Cuboid, Sighting } from "../../prelabel/review/page/lidar/projection.js";
import { box, draftOf } from "./support.mjs";

const GRID = { x_max_m: 40, y_max_m: 20, resolution_m: 0.1 };
const AHEAD = {
  name: "ahead", picture: "", width_px: 200, height_px: 100,
  intrinsics: [[100, 0, 100], [0, 100, 50], [0, 0, 1]],
  rotation: [[0, -1, 0], [0, 0, -1], [1, 0, 0]],
  translation_m: [0, 0, 0],
};

/** A cuboid of 2 m x 2 m on the ground, its middle at x and y, from -1 to 1 m. */
function cuboidAt(x, y) {
  const [column, row] = [(GRID.y_max_m - y) / 0.1, (GRID.x_max_m - x) / 0.1];
  const cuboid = new Cuboid().cover({ xyxy: [column - 10, row - 10, column + 10, row + 10], angle: 0 }, GRID);
  cuboid.bottom = -1;
  cuboid.top = 1;
  return cuboid;
}

const sightingOf = (x, y) => new CameraModel(AHEAD).see(cuboidAt(x, y).corners(new Float64Array(24)), new Sighting());
const rounded = (numbers) => [...numbers].map((one) => Math.round(one * 1000) / 1000);

test("a cuboid straight ahead is seen in the middle", () => {
  const seen = sightingOf(11, 0);
  assert.ok(seen.isSeen);
  assert.equal(seen.lineCount, 12);
  assert.deepEqual(rounded(seen.box), [90, 40, 110, 60]); // its near face is 10 m away
  assert.ok(seen.covers(100, 50));
  assert.ok(!seen.covers(100, 70));
});

test("what reaches behind the camera is cut, what lies behind is not seen", () => {
  const beside = sightingOf(0.5, 2);
  assert.ok(beside.isSeen);
  assert.equal(beside.lineCount, 8);
  assert.equal(beside.box[0], 0);
  assert.ok(!sightingOf(-5, 0).isSeen);
  assert.ok(!sightingOf(10, 19).isSeen); // outside of the picture
});

test("heights are sent where a person gave them, undone and done again", () => {
  assert.ok(!("height_m" in stateOf(box("a"))));
  const draft = draftOf([box("a")]);
  const before = draft.get("a");
  const edit = draft.change("height", [{ ...before, height_m: [-1.5, 0.25], status: "accepted" }]);
  assert.deepEqual(edit.boxes[0].height_m, [-1.5, 0.25]);
  assert.deepEqual(changesOf([draft.get("a")])[0].actions, ["moved"]);
  assert.ok(!liesElsewhere(draft.get("a")));
  assert.ok(!("height_m" in draft.undo().boxes[0]));
  assert.deepEqual(draft.redo().boxes[0].height_m, [-1.5, 0.25]);
});

test("keys for heights are no keys of other projects", () => {
  for (const key of ["U", "J", "I", "K", "M", "W", "Shift+U"]) assert.equal(bindingOf(key), null);
  assert.ok(!helpRows().some(({ group }) => group === "Height and cameras"));
});
