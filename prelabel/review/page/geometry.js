/**
 * Geometry of boxes in pixels of the picture, axis-aligned and turned.
 *
 * What a drag calls sixty times a second writes into the `out` it is given, so that dragging makes
 * no garbage.
 *
 * @typedef {import("./types.js").Xyxy} Xyxy
 * @typedef {import("./types.js").Size} Size
 * @typedef {{x: -1 | 0 | 1, y: -1 | 0 | 1}} Handle which edges of a box move
 */

/** The smallest side of a box, in pixels of the picture. */
export const MIN_SIDE = 1;

/** The eight handles, clockwise from the top left. @type {readonly Handle[]} */
export const HANDLES = Object.freeze(
  /** @type {Handle[]} */ ([
    { x: -1, y: -1 }, { x: 0, y: -1 }, { x: 1, y: -1 }, { x: 1, y: 0 },
    { x: 1, y: 1 }, { x: 0, y: 1 }, { x: -1, y: 1 }, { x: -1, y: 0 },
  ]),
);

/** @param {Xyxy} xyxy */
export const area = (xyxy) => (xyxy[2] - xyxy[0]) * (xyxy[3] - xyxy[1]);

/** @param {number} value @param {number} low @param {number} high */
export const clamp = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));

/**
 * The box moved by (dx, dy), kept inside the picture; a turned box keeps its centre inside.
 *
 * @param {Xyxy} xyxy @param {number | null} angle @param {number} dx @param {number} dy
 * @param {Size} picture @param {Xyxy} [out]
 * @returns {Xyxy}
 */
export function moved(xyxy, angle, dx, dy, picture, out = [0, 0, 0, 0]) {
  const width = xyxy[2] - xyxy[0];
  const height = xyxy[3] - xyxy[1];
  const slackX = angle ? width / 2 : 0;
  const slackY = angle ? height / 2 : 0;
  out[0] = clamp(xyxy[0] + dx, -slackX, picture.width - width + slackX);
  out[1] = clamp(xyxy[1] + dy, -slackY, picture.height - height + slackY);
  out[2] = out[0] + width;
  out[3] = out[1] + height;
  return out;
}

/**
 * The box after its handle was pulled by (dx, dy) on the picture; the opposite side stays.
 *
 * @param {Xyxy} xyxy @param {number | null} angle @param {Handle} handle
 * @param {number} dx @param {number} dy @param {Size} picture @param {Xyxy} [out]
 * @returns {Xyxy}
 */
export function resized(xyxy, angle, handle, dx, dy, picture, out = [0, 0, 0, 0]) {
  const turn = angle ?? 0;
  const cos = Math.cos(turn);
  const sin = Math.sin(turn);
  const alongX = dx * cos + dy * sin;
  const alongY = dy * cos - dx * sin;
  let [left, top, right, bottom] = xyxy;
  if (handle.x < 0) left = Math.min(left + alongX, right - MIN_SIDE);
  if (handle.x > 0) right = Math.max(right + alongX, left + MIN_SIDE);
  if (handle.y < 0) top = Math.min(top + alongY, bottom - MIN_SIDE);
  if (handle.y > 0) bottom = Math.max(bottom + alongY, top + MIN_SIDE);
  if (turn) return placed(xyxy, left, top, right, bottom, cos, sin, out);
  out[0] = handle.x < 0 ? Math.max(left, Math.min(0, xyxy[0])) : left;
  out[1] = handle.y < 0 ? Math.max(top, Math.min(0, xyxy[1])) : top;
  out[2] = handle.x > 0 ? Math.min(right, Math.max(picture.width, xyxy[2])) : right;
  out[3] = handle.y > 0 ? Math.min(bottom, Math.max(picture.height, xyxy[3])) : bottom;
  return out;
}

/**
 * Edges measured in the frame of the turned box `xyxy`, as a box about its new centre.
 *
 * @param {Xyxy} xyxy @param {number} left @param {number} top @param {number} right
 * @param {number} bottom @param {number} cos @param {number} sin @param {Xyxy} out
 */
function placed(xyxy, left, top, right, bottom, cos, sin, out) {
  const oldX = (xyxy[0] + xyxy[2]) / 2;
  const oldY = (xyxy[1] + xyxy[3]) / 2;
  const offsetX = (left + right) / 2 - oldX;
  const offsetY = (top + bottom) / 2 - oldY;
  const centreX = oldX + offsetX * cos - offsetY * sin;
  const centreY = oldY + offsetX * sin + offsetY * cos;
  out[0] = centreX - (right - left) / 2;
  out[1] = centreY - (bottom - top) / 2;
  out[2] = centreX + (right - left) / 2;
  out[3] = centreY + (bottom - top) / 2;
  return out;
}

/**
 * The box between two corners in any order, inside the picture and at least MIN_SIDE wide and high.
 *
 * @param {number} fromX @param {number} fromY @param {number} toX @param {number} toY
 * @param {Size} picture @param {Xyxy} [out]
 * @returns {Xyxy}
 */
export function spanned(fromX, fromY, toX, toY, picture, out = [0, 0, 0, 0]) {
  const startX = clamp(fromX, 0, picture.width);
  const startY = clamp(fromY, 0, picture.height);
  const endX = clamp(toX, 0, picture.width);
  const endY = clamp(toY, 0, picture.height);
  out[0] = Math.min(startX, endX, picture.width - MIN_SIDE);
  out[1] = Math.min(startY, endY, picture.height - MIN_SIDE);
  out[2] = Math.max(startX, endX, out[0] + MIN_SIDE);
  out[3] = Math.max(startY, endY, out[1] + MIN_SIDE);
  return out;
}

/**
 * The angle that turns the top of the box towards a point, in (-pi, pi].
 *
 * @param {Xyxy} xyxy @param {number} x @param {number} y @param {number} [step] snaps to multiples
 */
export function angleTowards(xyxy, x, y, step = 0) {
  const centreX = (xyxy[0] + xyxy[2]) / 2;
  const centreY = (xyxy[1] + xyxy[3]) / 2;
  const angle = Math.atan2(y - centreY, x - centreX) + Math.PI / 2;
  return wrapped(step ? Math.round(angle / step) * step : angle);
}

/** The same direction in (-pi, pi]. @param {number} angle */
export function wrapped(angle) {
  const turns = Math.ceil((angle - Math.PI) / (2 * Math.PI));
  return angle - turns * 2 * Math.PI;
}

/**
 * Corners clockwise from the one that is top left before the turn: x, y, x, y, ...
 *
 * @param {Xyxy} xyxy @param {number | null} angle @param {Float64Array} [out]
 */
export function corners(xyxy, angle, out = new Float64Array(8)) {
  const centreX = (xyxy[0] + xyxy[2]) / 2;
  const centreY = (xyxy[1] + xyxy[3]) / 2;
  const halfX = (xyxy[2] - xyxy[0]) / 2;
  const halfY = (xyxy[3] - xyxy[1]) / 2;
  const cos = Math.cos(angle ?? 0);
  const sin = Math.sin(angle ?? 0);
  for (let corner = 0; corner < 4; corner++) {
    const x = corner === 1 || corner === 2 ? halfX : -halfX;
    const y = corner >= 2 ? halfY : -halfY;
    out[2 * corner] = centreX + x * cos - y * sin;
    out[2 * corner + 1] = centreY + x * sin + y * cos;
  }
  return out;
}

/**
 * The upright box around a turned one.
 *
 * @param {Xyxy} xyxy @param {number | null} angle
 * @returns {Xyxy}
 */
export function bounds(xyxy, angle) {
  if (!angle) return xyxy;
  const halfX = (xyxy[2] - xyxy[0]) / 2;
  const halfY = (xyxy[3] - xyxy[1]) / 2;
  const cos = Math.abs(Math.cos(angle));
  const sin = Math.abs(Math.sin(angle));
  const centreX = (xyxy[0] + xyxy[2]) / 2;
  const centreY = (xyxy[1] + xyxy[3]) / 2;
  const reachX = halfX * cos + halfY * sin;
  const reachY = halfX * sin + halfY * cos;
  return [centreX - reachX, centreY - reachY, centreX + reachX, centreY + reachY];
}

/**
 * How far a point lies outside the box, in pixels of the picture; 0 or less inside.
 *
 * @param {Xyxy} xyxy @param {number | null} angle @param {number} x @param {number} y
 */
export function outside(xyxy, angle, x, y) {
  const offsetX = x - (xyxy[0] + xyxy[2]) / 2;
  const offsetY = y - (xyxy[1] + xyxy[3]) / 2;
  const cos = Math.cos(angle ?? 0);
  const sin = Math.sin(angle ?? 0);
  const localX = Math.abs(offsetX * cos + offsetY * sin) - (xyxy[2] - xyxy[0]) / 2;
  const localY = Math.abs(offsetY * cos - offsetX * sin) - (xyxy[3] - xyxy[1]) / 2;
  return Math.max(localX, localY);
}
