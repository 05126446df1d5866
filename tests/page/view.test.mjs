/** Zoom and pan. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { MAX_SCALE, between, fit, isComfortable, panned, towards, zoomedAt } from "../../prelabel/review/page/view.js";

const PICTURE = { width: 4000, height: 3000 };
const STAGE = { width: 1000, height: 800 };
const close = (left, right) => assert.ok(Math.abs(left - right) < 1e-6, `${left} is not ${right}`);

test("the whole picture fits, in the middle", () => {
  const view = fit(PICTURE, STAGE);
  close(view.scale, 960 / 4000);
  close(view.x, 20);
  close(view.y, (800 - 720) / 2);
});

test("zooming keeps the point under the pointer where it is", () => {
  const before = fit(PICTURE, STAGE);
  for (const factor of [1.3, 4, 0.8]) {
    const after = zoomedAt(before, factor, 333, 444, PICTURE, STAGE);
    close((333 - before.x) / before.scale, (333 - after.x) / after.scale);
    close((444 - before.y) / before.scale, (444 - after.y) / after.scale);
  }
});

test("the zoom ends at 3200 %, and at half the size that fits", () => {
  const whole = fit(PICTURE, STAGE);
  assert.equal(zoomedAt(whole, 1e6, 500, 400, PICTURE, STAGE).scale, MAX_SCALE);
  close(zoomedAt(whole, 1e-6, 500, 400, PICTURE, STAGE).scale, whole.scale / 2);
});

test("however far it is pushed, some of the picture stays in sight", () => {
  const view = fit(PICTURE, STAGE);
  for (const [dx, dy] of [[1e6, 0], [-1e6, 0], [0, 1e6], [0, -1e6]]) {
    const after = panned(view, dx, dy, PICTURE, STAGE);
    assert.ok(after.x < STAGE.width && after.x + PICTURE.width * after.scale > 0);
    assert.ok(after.y < STAGE.height && after.y + PICTURE.height * after.scale > 0);
  }
});

test("a box that is seen well moves nothing", () => {
  const view = fit(PICTURE, STAGE);
  const box = [1000, 1000, 1900, 1500];
  assert.ok(isComfortable(view, box, STAGE));
  assert.equal(towards(view, box, PICTURE, STAGE), view);
});

test("a small box is brought near, whole and in sight, wherever it lies", () => {
  for (const box of [[0, 0, 20, 10], [3980, 2990, 4000, 3000], [2000, 1500, 2001, 1501]]) {
    const view = towards(fit(PICTURE, STAGE), box, PICTURE, STAGE);
    assert.ok(view.scale > 5 && view.scale <= MAX_SCALE);
    assert.ok(box[0] * view.scale + view.x >= 0 && box[2] * view.scale + view.x <= STAGE.width);
    assert.ok(box[1] * view.scale + view.y >= 0 && box[3] * view.scale + view.y <= STAGE.height);
  }
});

test("a box as large as the picture is seen by seeing the whole", () => {
  const near = { scale: 10, x: -500, y: -700 };
  assert.deepEqual(towards(near, [0, 0, 4000, 3000], PICTURE, STAGE), fit(PICTURE, STAGE));
});

test("a move begins where it was, ends where it leads, and holds a fixed point on the way", () => {
  const from = fit(PICTURE, STAGE);
  const to = zoomedAt(from, 8, 300, 300, PICTURE, STAGE);
  for (const [part, end] of [[0, from], [1, to]]) {
    const view = between(from, to, part);
    close(view.scale, end.scale);
    close(view.x, end.x);
    close(view.y, end.y);
  }
  const half = between(from, to, 0.5);
  close((300 - half.x) / half.scale, (300 - from.x) / from.scale);
});
