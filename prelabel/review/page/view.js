/**
 * Zoom and pan: a view maps a pixel of the picture to the stage by x * scale + view.x.
 *
 * @typedef {import("./types.js").View} View
 * @typedef {import("./types.js").Size} Size
 * @typedef {import("./types.js").Xyxy} Xyxy
 */

import { clamp } from "./geometry.js";

/** 3200 %: one pixel of the picture covers 32 of the stage. */
export const MAX_SCALE = 32;
/** From this scale on, pixels of the picture are shown as squares. */
export const PIXELS_FROM_SCALE = 3;
/** Free room around a picture that fits, in pixels of the stage. */
const MARGIN = 20;
/** How much of the picture stays on the stage when it is pushed aside. */
const KEPT = 48;
/** A box whose longer side is between these parts of the stage is looked at as it is. */
const COMFORT_MIN = 0.1;
const COMFORT_MAX = 0.75;
/** The part of the stage that a box is brought to. */
const COMFORT = 0.32;

/** The whole picture, centred. @param {Size} picture @param {Size} stage @returns {View} */
export function fit(picture, stage) {
  const roomX = Math.max(stage.width - 2 * MARGIN, 1);
  const roomY = Math.max(stage.height - 2 * MARGIN, 1);
  const scale = Math.min(roomX / picture.width, roomY / picture.height, MAX_SCALE);
  return centred(picture.width / 2, picture.height / 2, scale, stage);
}

/**
 * The view with a point of the picture at the middle of the stage.
 *
 * @param {number} x @param {number} y @param {number} scale @param {Size} stage @returns {View}
 */
export function centred(x, y, scale, stage) {
  return { scale, x: stage.width / 2 - x * scale, y: stage.height / 2 - y * scale };
}

/**
 * Zoomed by a factor about a point of the stage, which stays under the pointer.
 *
 * @param {View} view @param {number} factor @param {number} stageX @param {number} stageY
 * @param {Size} picture @param {Size} stage @returns {View}
 */
export function zoomedAt(view, factor, stageX, stageY, picture, stage) {
  const smallest = Math.min(fit(picture, stage).scale / 2, 1);
  const scale = clamp(view.scale * factor, smallest, MAX_SCALE);
  const ratio = scale / view.scale;
  const x = stageX - (stageX - view.x) * ratio;
  const y = stageY - (stageY - view.y) * ratio;
  return kept({ scale, x, y }, picture, stage);
}

/** @param {View} view @param {number} dx @param {number} dy @param {Size} picture @param {Size} stage */
export function panned(view, dx, dy, picture, stage) {
  return kept({ scale: view.scale, x: view.x + dx, y: view.y + dy }, picture, stage);
}

/**
 * The view, moved so that a strip of the picture stays on the stage.
 *
 * @param {View} view @param {Size} picture @param {Size} stage @returns {View}
 */
export function kept(view, picture, stage) {
  const { scale } = view;
  const x = clamp(view.x, KEPT - picture.width * scale, stage.width - KEPT);
  const y = clamp(view.y, KEPT - picture.height * scale, stage.height - KEPT);
  return { scale, x, y };
}

/**
 * The view that shows a box well: the present one where it already does, else a zoom to the box.
 * It is never further away than the whole picture.
 *
 * @param {View} view @param {Xyxy} box upright @param {Size} picture @param {Size} stage
 * @returns {View}
 */
export function towards(view, box, picture, stage) {
  if (isComfortable(view, box, stage)) return view;
  const whole = fit(picture, stage);
  const wanted = (COMFORT * Math.min(stage.width, stage.height)) / longest(box);
  const scale = clamp(wanted, whole.scale, MAX_SCALE / 2);
  if (scale === whole.scale) return whole;
  const aimed = centred((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, scale, stage);
  return filled(aimed, picture, stage);
}

/** @param {View} view @param {Xyxy} box @param {Size} stage */
export function isComfortable(view, box, stage) {
  const part = (longest(box) * view.scale) / Math.min(stage.width, stage.height);
  return (
    part >= COMFORT_MIN &&
    part <= COMFORT_MAX &&
    box[0] * view.scale + view.x >= 0 &&
    box[1] * view.scale + view.y >= 0 &&
    box[2] * view.scale + view.x <= stage.width &&
    box[3] * view.scale + view.y <= stage.height
  );
}

/**
 * The view, moved so that no stage is left empty while there is picture to fill it.
 *
 * @param {View} view @param {Size} picture @param {Size} stage @returns {View}
 */
function filled(view, picture, stage) {
  const x = filledAxis(view.x, picture.width * view.scale, stage.width);
  const y = filledAxis(view.y, picture.height * view.scale, stage.height);
  return { scale: view.scale, x, y };
}

/** @param {number} start @param {number} length @param {number} room */
function filledAxis(start, length, room) {
  if (length + 2 * MARGIN <= room) return (room - length) / 2;
  return clamp(start, room - length - MARGIN, MARGIN);
}

/**
 * A view on the way from one to another; scale grows by equal factors in equal times.
 *
 * @param {View} from @param {View} to @param {number} part 0 to 1 @param {View} [out]
 * @returns {View}
 */
export function between(from, to, part, out = { scale: 1, x: 0, y: 0 }) {
  const growth = to.scale / from.scale;
  out.scale = from.scale * growth ** part;
  const weight = Math.abs(growth - 1) < 1e-6 ? part : (growth ** part - 1) / (growth - 1);
  out.x = from.x + (to.x - from.x) * weight;
  out.y = from.y + (to.y - from.y) * weight;
  return out;
}

/** @param {Xyxy} box */
const longest = (box) => Math.max(box[2] - box[0], box[3] - box[1], 1);
