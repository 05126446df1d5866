/**
 * What lies under a point of the stage: a handle of the selected box, or a box.
 *
 * @typedef {import("./types.js").Box} Box
 * @typedef {import("./types.js").View} View
 * @typedef {import("./geometry.js").Handle} Handle
 * @typedef {{xyxy: import("./types.js").Xyxy, angle: number | null}} Shape
 */

import { HANDLES, area, outside } from "./geometry.js";

/** Handles of a small box stand at least this far from its centre, so that it can be grabbed. */
const SMALL_HALF = 11;
/** Sides shorter than twice this show no handle in their middle. */
const EDGE_HALF = 20;
/** How far above the box the handle stands that turns it. */
const TURN_REACH = 26;

/**
 * Where a handle stands on the stage.
 *
 * @param {Shape} shape @param {Handle} handle @param {View} view @param {{x: number, y: number}} out
 */
export function handleSpot(shape, handle, view, out) {
  return spot(shape, handle.x, handle.y, 0, view, out);
}

/** @param {Shape} shape @param {View} view @param {{x: number, y: number}} out */
export function turnSpot(shape, view, out) {
  return spot(shape, 0, -1, TURN_REACH, view, out);
}

/**
 * @param {Shape} shape @param {number} sideX @param {number} sideY @param {number} reach
 * @param {View} view @param {{x: number, y: number}} out
 */
function spot({ xyxy, angle }, sideX, sideY, reach, view, out) {
  const halfX = Math.max(((xyxy[2] - xyxy[0]) / 2) * view.scale, SMALL_HALF);
  const halfY = Math.max(((xyxy[3] - xyxy[1]) / 2) * view.scale, SMALL_HALF);
  const x = sideX * halfX;
  const y = sideY * (halfY + reach);
  const cos = Math.cos(angle ?? 0);
  const sin = Math.sin(angle ?? 0);
  out.x = ((xyxy[0] + xyxy[2]) / 2) * view.scale + view.x + x * cos - y * sin;
  out.y = ((xyxy[1] + xyxy[3]) / 2) * view.scale + view.y + x * sin + y * cos;
  return out;
}

/** Whether a handle is offered at the present size. @param {Shape} shape @param {Handle} handle @param {View} view */
export function isOffered({ xyxy }, handle, view) {
  if (handle.x !== 0 && handle.y !== 0) return true;
  const side = handle.x === 0 ? xyxy[2] - xyxy[0] : xyxy[3] - xyxy[1];
  return (side / 2) * view.scale >= EDGE_HALF;
}

const scratch = { x: 0, y: 0 };

/**
 * The handle under a point of the stage, "turn" for the one that turns, or null.
 *
 * @param {Shape} shape @param {View} view @param {number} x @param {number} y
 * @param {number} slack in pixels of the stage @param {boolean} turns whether boxes can be turned
 * @returns {Handle | "turn" | null}
 */
export function handleAt(shape, view, x, y, slack, turns) {
  if (turns && near(turnSpot(shape, view, scratch), x, y, slack)) return "turn";
  for (const handle of HANDLES) {
    if (!isOffered(shape, handle, view)) continue;
    if (near(handleSpot(shape, handle, view, scratch), x, y, slack)) return handle;
  }
  return edgeAt(shape, view, x, y, slack / 2);
}

/** @param {{x: number, y: number}} at @param {number} x @param {number} y @param {number} slack */
const near = (at, x, y, slack) => Math.abs(at.x - x) <= slack && Math.abs(at.y - y) <= slack;

/**
 * An edge can be pulled anywhere along it, where the box is large enough to leave an inside.
 *
 * @param {Shape} shape @param {View} view @param {number} x @param {number} y @param {number} slack
 * @returns {Handle | null}
 */
function edgeAt({ xyxy, angle }, view, x, y, slack) {
  const halfX = ((xyxy[2] - xyxy[0]) / 2) * view.scale;
  const halfY = ((xyxy[3] - xyxy[1]) / 2) * view.scale;
  const fromX = x - (((xyxy[0] + xyxy[2]) / 2) * view.scale + view.x);
  const fromY = y - (((xyxy[1] + xyxy[3]) / 2) * view.scale + view.y);
  const cos = Math.cos(angle ?? 0);
  const sin = Math.sin(angle ?? 0);
  const alongX = fromX * cos + fromY * sin;
  const alongY = fromY * cos - fromX * sin;
  if (Math.abs(alongX) > halfX + slack || Math.abs(alongY) > halfY + slack) return null;
  const isX = halfX >= EDGE_HALF && Math.abs(Math.abs(alongX) - halfX) <= slack;
  const isY = halfY >= EDGE_HALF && Math.abs(Math.abs(alongY) - halfY) <= slack;
  if (!isX && !isY) return null;
  const wantedX = isX ? Math.sign(alongX) : 0;
  const wantedY = isY ? Math.sign(alongY) : 0;
  return HANDLES.find((one) => one.x === wantedX && one.y === wantedY) ?? null;
}

/**
 * Boxes under a point of the stage, smallest first; `slack` makes tiny ones easy to hit.
 *
 * @param {Iterable<Box>} boxes @param {View} view @param {number} x @param {number} y
 * @param {number} slack in pixels of the stage
 */
export function boxesAt(boxes, view, x, y, slack) {
  const pictureX = (x - view.x) / view.scale;
  const pictureY = (y - view.y) / view.scale;
  const reach = slack / view.scale;
  /** @type {Box[]} */
  const found = [];
  for (const box of boxes) {
    if (outside(box.xyxy, box.angle, pictureX, pictureY) <= reach) found.push(box);
  }
  return found.sort((left, right) => area(left.xyxy) - area(right.xyxy));
}

/**
 * The box a press means: the selected one if it lies there, else the smallest.
 *
 * @param {Iterable<Box>} boxes @param {View} view @param {number} x @param {number} y
 * @param {number} slack @param {string | null} selectedId
 */
export function boxAt(boxes, view, x, y, slack, selectedId) {
  const found = boxesAt(boxes, view, x, y, slack);
  return found.find((box) => box.id === selectedId) ?? found[0] ?? null;
}
