/** Moving, pulling, turning and drawing boxes; what must always hold is tried on many of them. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  HANDLES, MIN_SIDE, angleTowards, bounds, corners, moved, outside, resized, spanned, wrapped,
} from "../../prelabel/review/page/geometry.js";
import { boxAt, handleAt, handleSpot } from "../../prelabel/review/page/hit.js";
import { PICTURE, box } from "./support.mjs";

const close = (left, right, message) => assert.ok(Math.abs(left - right) < 1e-6, `${message ?? ""} ${left} is not ${right}`);
const isInside = ([left, top, right, bottom]) =>
  left >= 0 && top >= 0 && right <= PICTURE.width && bottom <= PICTURE.height;

/** Numbers that look random and are the same each time. */
function* numbers(seed = 1) {
  for (let state = seed; ; ) {
    state = (state * 1103515245 + 12345) % 2147483648;
    yield state / 2147483648;
  }
}

function* boxes(count) {
  const next = numbers();
  const one = () => next.next().value;
  for (let made = 0; made < count; made++) {
    const left = one() * 600;
    const top = one() * 440;
    yield [left, top, left + 1 + one() * (639 - left), top + 1 + one() * (479 - top)];
  }
}

test("a moved box keeps its size and stays on the picture", () => {
  const next = numbers(7);
  for (const xyxy of boxes(300)) {
    const dx = (next.next().value - 0.5) * 2000;
    const dy = (next.next().value - 0.5) * 2000;
    const after = moved(xyxy, null, dx, dy, PICTURE);
    assert.ok(isInside(after.map((value) => Math.round(value * 1e6) / 1e6)), `${after}`);
    close(after[2] - after[0], xyxy[2] - xyxy[0]);
    close(after[3] - after[1], xyxy[3] - xyxy[1]);
  }
});

test("parts of a pixel are kept", () => {
  assert.deepEqual(moved([10.25, 10.5, 20.25, 20.5], null, 0.125, 0, PICTURE), [10.375, 10.5, 20.375, 20.5]);
});

test("a turned box may reach beyond the picture, its centre does not", () => {
  const after = moved([0, 0, 100, 20], 1, -500, -500, PICTURE);
  assert.deepEqual(after, [-50, -10, 50, 10]);
});

test("a pulled handle moves its edges only, within the picture and never past the other edge", () => {
  const next = numbers(3);
  for (const xyxy of boxes(200)) {
    for (const handle of HANDLES) {
      const dx = (next.next().value - 0.5) * 1500;
      const dy = (next.next().value - 0.5) * 1500;
      const after = resized(xyxy, null, handle, dx, dy, PICTURE);
      assert.ok(isInside(after), `${after}`);
      assert.ok(after[2] - after[0] >= MIN_SIDE - 1e-9 && after[3] - after[1] >= MIN_SIDE - 1e-9);
      if (handle.x >= 0) assert.equal(after[0], xyxy[0]);
      if (handle.x <= 0) assert.equal(after[2], xyxy[2]);
      if (handle.y >= 0) assert.equal(after[1], xyxy[1]);
      if (handle.y <= 0) assert.equal(after[3], xyxy[3]);
    }
  }
});

test("pulling a corner of a turned box leaves the opposite corner where it is", () => {
  for (const angle of [0.3, -1.2, 2.9]) {
    const before = [100, 100, 180, 140];
    const after = resized(before, angle, { x: 1, y: 1 }, 13, -9, PICTURE);
    const [x, y] = corners(before, angle);
    const [sameX, sameY] = corners(after, angle);
    close(sameX, x);
    close(sameY, y);
    close(corners(after, angle)[4] - corners(before, angle)[4], 13);
    close(corners(after, angle)[5] - corners(before, angle)[5], -9);
  }
});

test("a box is drawn from any corner, clipped, and at least a pixel wide", () => {
  assert.deepEqual(spanned(50, 60, 20, 10, PICTURE), [20, 10, 50, 60]);
  assert.deepEqual(spanned(-5, 470, 30, 900, PICTURE), [0, 470, 30, 480]);
  assert.deepEqual(spanned(640, 480, 640, 480, PICTURE), [639, 479, 640, 480]);
});

test("angles stay in half a turn to either side and snap to steps", () => {
  close(wrapped(3 * Math.PI), Math.PI);
  close(wrapped(-Math.PI), Math.PI);
  close(wrapped(-Math.PI / 2), -Math.PI / 2);
  close(angleTowards([0, 0, 10, 10], 5, -100), 0);
  close(angleTowards([0, 0, 10, 10], 100, 5), Math.PI / 2);
  close(angleTowards([0, 0, 10, 10], 100, 8, Math.PI / 12), Math.PI / 2);
});

test("the upright box around a turned one holds all its corners", () => {
  const [left, top, right, bottom] = bounds([100, 100, 180, 140], 0.7);
  const points = corners([100, 100, 180, 140], 0.7);
  close(Math.min(points[0], points[2], points[4], points[6]), left);
  close(Math.max(points[0], points[2], points[4], points[6]), right);
  close(Math.min(points[1], points[3], points[5], points[7]), top);
  close(Math.max(points[1], points[3], points[5], points[7]), bottom);
});

test("a point knows how far it is outside a box, also a turned one", () => {
  close(outside([0, 0, 10, 10], null, 13, 5), 3);
  assert.ok(outside([0, 0, 10, 10], null, 5, 5) < 0);
  close(outside([0, 0, 40, 10], Math.PI / 2, 20, 27), 2);
});

const VIEW = { scale: 2, x: 5, y: 5 };

test("a press means the selected box, else the smallest one there", () => {
  const large = box("large", 0.9, { xyxy: [0, 0, 300, 300] });
  const small = box("small", 0.9, { xyxy: [100, 100, 110, 110] });
  const at = [100 * 2 + 5 + 8, 100 * 2 + 5 + 8];
  assert.equal(boxAt([large, small], VIEW, ...at, 6, null).id, "small");
  assert.equal(boxAt([large, small], VIEW, ...at, 6, "large").id, "large");
  assert.equal(boxAt([small], VIEW, 5, 5, 6, null), null);
});

test("a box of one pixel can be grabbed, and so can its handles", () => {
  const dot = box("dot", 0.9, { xyxy: [100, 100, 101, 101] });
  const view = { scale: 0.5, x: 0, y: 0 };
  assert.equal(boxAt([dot], view, 54, 54, 6, null).id, "dot");
  assert.equal(handleAt(dot, view, 50.25, 50.25, 6, false), null);
  const corner = handleSpot(dot, { x: 1, y: 1 }, view, { x: 0, y: 0 });
  assert.deepEqual(handleAt(dot, view, corner.x, corner.y, 6, false), { x: 1, y: 1 });
});

test("an edge is pulled anywhere along it", () => {
  const wide = box("wide", 0.9, { xyxy: [0, 0, 300, 200] });
  assert.deepEqual(handleAt(wide, VIEW, 605, 130, 6, false), { x: 1, y: 0 });
  assert.equal(handleAt(wide, VIEW, 300, 130, 6, false), null);
});

test("the handle that turns is there only where boxes can be turned", () => {
  const wide = box("wide", 0.9, { xyxy: [100, 100, 200, 150], angle: 0 });
  assert.equal(handleAt(wide, VIEW, 305, 205 - 26, 6, true), "turn");
  assert.equal(handleAt(wide, VIEW, 305, 205 - 26, 6, false), null);
});
