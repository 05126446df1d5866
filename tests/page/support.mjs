/** Values that tests of the page are made of. */

import { Draft } from "../../prelabel/review/page/boxes.js";

export const PICTURE = { width: 640, height: 480 };

/** A box with a proposal of this score, or without one (null). */
export function box(id, score = 0.5, more = {}) {
  const place = { xyxy: [10, 10, 50, 40], class_id: 0 };
  const proposal = score === null ? null : { model_id: "m", score, uncertainty: 0.5, ...place };
  const status = score === null ? "accepted" : "proposed";
  return { id, angle: null, status, ...place, ...more, proposal: proposal && { ...proposal, ...more.proposal } };
}

export function taskOf(boxes, more = {}) {
  const size = { width_px: PICTURE.width, height_px: PICTURE.height };
  return { task: 1, name: "one.jpg", picture: "/one", shown_score: 0.3, ...size, boxes, ...more };
}

/** A clock that a test moves, and ids that count. */
export function source() {
  let ids = 0;
  const clock = { at: 1_000_000, now: () => clock.at, newId: () => `id-${++ids}` };
  return clock;
}

export function draftOf(boxes, clock = source()) {
  return new Draft(taskOf(boxes), clock);
}
