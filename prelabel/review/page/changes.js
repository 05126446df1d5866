/**
 * What a person made of the proposals of a frame, and how far two people agree.
 *
 * @typedef {import("./types.js").Box} Box
 * @typedef {"deleted" | "reclassed" | "moved" | "drawn" | "accepted"} Action
 * @typedef {{ box: Box, actions: Action[] }} Change  The most telling action first.
 */

/** As on the server: tools round what they save, and a box off by less has not moved. */
const UNMOVED_PX = 0.05;
const UNRAISED_M = 0.001;
/** In the order a reviewer looks at them: what was taken away is the easiest to overlook. */
export const ACTIONS = /** @type {Action[]} */ (["deleted", "drawn", "reclassed", "moved", "accepted"]);

/** From this overlap on two boxes are about the same object. */
const SAME_OBJECT_IOU = 0.5;

/**
 * What was done about each box that a person decided on; weak proposals that nobody looked at are
 * left out.
 *
 * @param {Iterable<Box>} boxes
 * @returns {Change[]}
 */
export function changesOf(boxes) {
  const changes = [];
  for (const box of boxes) {
    const actions = actionsOf(box);
    if (actions.length) changes.push({ box, actions });
  }
  const rank = (change) => ACTIONS.indexOf(change.actions[0]);
  return changes.sort((left, right) => rank(left) - rank(right));
}

/**
 * @param {Box} box
 * @returns {Action[]}
 */
function actionsOf(box) {
  if (box.status === "proposed") return [];
  if (box.status === "rejected") return box.proposal ? ["deleted"] : [];
  if (!box.proposal) return ["drawn"];
  /** @type {Action[]} */
  const actions = [];
  if (box.class_id !== box.proposal.class_id) actions.push("reclassed");
  if (hasMoved(box)) actions.push("moved");
  return actions.length ? actions : ["accepted"];
}

/** Whether a box lies or stands elsewhere than it was proposed. @param {Box} box */
const hasMoved = (box) => liesElsewhere(box) || standsElsewhere(box);

/** Whether a box has another height than it was proposed with, mostly none. @param {Box} box */
export function standsElsewhere({ proposal, height_m }) {
  if (!proposal) return false;
  const before = proposal.height_m ?? null;
  const after = height_m ?? null;
  if (!before || !after) return before !== after;
  return after.some((end, at) => Math.abs(end - before[at]) > UNRAISED_M);
}

/**
 * Whether a box lies elsewhere on the picture than it was proposed.
 *
 * @param {Box} box
 */
export function liesElsewhere(box) {
  const { proposal } = box;
  if (!proposal) return false;
  const turned = Math.abs((box.angle ?? 0) - (proposal.angle ?? 0)) > 1e-3;
  return turned || box.xyxy.some((edge, side) => Math.abs(edge - proposal.xyxy[side]) > UNMOVED_PX);
}

/**
 * How far two people agree on a frame: the share of boxes that have one of the same class on the
 * same place with the other, 0 to 1; two empty frames agree.
 *
 * @param {Box[]} left
 * @param {Box[]} right
 */
export function agreement(left, right) {
  const mine = accepted(left);
  const theirs = accepted(right);
  if (!mine.length && !theirs.length) return 1;
  return (2 * pairs(mine, theirs).length) / (mine.length + theirs.length);
}

/**
 * The ids of those boxes of one person that have a partner with the other.
 *
 * @param {Box[]} left
 * @param {Box[]} right
 */
export function partnered(left, right) {
  return new Set(pairs(accepted(left), accepted(right)).map(([one]) => one.id));
}

/** @param {Box[]} boxes */
const accepted = (boxes) => boxes.filter((box) => box.status === "accepted");

/**
 * Boxes of two people that mean the same object, those that overlap most first; none twice.
 *
 * @param {Box[]} mine
 * @param {Box[]} theirs
 * @returns {[Box, Box][]}
 */
function pairs(mine, theirs) {
  const candidates = mine
    .flatMap((one) => theirs.map((other) => ({ one, other, iou: overlap(one.xyxy, other.xyxy) })))
    .filter(({ one, other, iou }) => one.class_id === other.class_id && iou >= SAME_OBJECT_IOU)
    .sort((left, right) => right.iou - left.iou);
  const taken = new Set();
  /** @type {[Box, Box][]} */
  const found = [];
  for (const { one, other } of candidates) {
    if (taken.has(one) || taken.has(other)) continue;
    taken.add(one).add(other);
    found.push([one, other]);
  }
  return found;
}

/** @param {number[]} a @param {number[]} b */
function overlap(a, b) {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const area = ([left, top, right, bottom]) => (right - left) * (bottom - top);
  return (width * height) / (area(a) + area(b) - width * height);
}
