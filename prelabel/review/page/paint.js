/**
 * Drawing on the three layers of the stage: the picture, the boxes at rest, the box in hand.
 *
 * Contexts draw in device pixels; `ratio` is how many of them a stage pixel has.
 *
 * @typedef {import("./types.js").Box} Box
 * @typedef {import("./types.js").View} View
 * @typedef {import("./types.js").Size} Size
 * @typedef {import("./hit.js").Shape} Shape
 * @typedef {import("./pictures.js").Picture} Picture
 * @typedef {"open" | "weak" | "place" | "done" | "out"} Look
 * @typedef {{look: Look, color: string, name: string, boxes: Box[]}} Group drawn in one stroke
 */

import { HANDLES, bounds, corners } from "./geometry.js";
import { handleSpot, isOffered, turnSpot } from "./hit.js";
import { PIXELS_FROM_SCALE } from "./view.js";

const HALO = "rgb(0 0 0 / 0.55)";
/** @type {Record<Look, {width: number, alpha: number, dash: number[]}>} in stage pixels */
const LOOKS = {
  open: { width: 2.25, alpha: 1, dash: [] },
  weak: { width: 1.5, alpha: 0.6, dash: [5, 4] },
  place: { width: 1.5, alpha: 0.45, dash: [3, 6] },
  done: { width: 1.5, alpha: 0.9, dash: [] },
  out: { width: 1.25, alpha: 0.7, dash: [2, 4] },
};
/** Dashed, without outline and name. @param {Look} look */
const isFaint = (look) => look === "weak" || look === "place" || look === "out";
/** How far a name plate may be wider than its box. */
const TAG_EXCESS = 18;
const HANDLE_SIZE = 9;
/** Room that a selected box takes beyond its outline: handles, plate, the handle that turns. */
export const ACTIVE_MARGIN = 40;

/**
 * The part of the picture that is in sight, from the smallest copy of it that is sharp enough.
 *
 * @param {CanvasRenderingContext2D} context @param {Picture | null} picture @param {View} view
 * @param {number} ratio @param {string} ground colour of the stage
 */
export function paintPicture(context, picture, view, ratio, ground) {
  const { width, height } = context.canvas;
  context.fillStyle = ground;
  context.fillRect(0, 0, width, height);
  if (!picture) return;
  const scale = view.scale * ratio;
  const left = Math.max(Math.floor((-view.x * ratio) / scale), 0);
  const top = Math.max(Math.floor((-view.y * ratio) / scale), 0);
  const right = Math.min(Math.ceil((width - view.x * ratio) / scale), picture.width);
  const bottom = Math.min(Math.ceil((height - view.y * ratio) / scale), picture.height);
  if (right <= left || bottom <= top) return;
  const level = picture.levels.findLast((one) => one.width >= picture.width * scale) ?? picture.levels[0];
  const shrunkX = level.width / picture.width;
  const shrunkY = level.height / picture.height;
  context.imageSmoothingEnabled = view.scale < PIXELS_FROM_SCALE;
  context.imageSmoothingQuality = "low"; // between copies of half the size, that is enough
  context.drawImage(
    level,
    left * shrunkX, top * shrunkY, (right - left) * shrunkX, (bottom - top) * shrunkY,
    view.x * ratio + left * scale, view.y * ratio + top * scale,
    (right - left) * scale, (bottom - top) * scale,
  );
}

/**
 * All boxes at rest: first one dark outline under all of them, then a stroke a class and look.
 *
 * @param {CanvasRenderingContext2D} context @param {Group[]} groups @param {View} view
 * @param {number} ratio @param {number} opacity @param {import("./tags.js").Tags | null} tags
 */
export function paintBoxes(context, groups, view, ratio, opacity, tags) {
  context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  context.lineJoin = "miter";
  for (const { look, boxes } of groups) {
    if (isFaint(look)) continue;
    context.globalAlpha = opacity;
    context.strokeStyle = HALO;
    context.lineWidth = (LOOKS[look].width + (look === "done" ? 1.5 : 2.5)) * ratio;
    strokeAll(context, boxes, view, ratio);
  }
  for (const { look, color, boxes } of groups) {
    const { width, alpha, dash } = LOOKS[look];
    context.globalAlpha = opacity * alpha;
    context.strokeStyle = color;
    context.lineWidth = width * ratio;
    context.setLineDash(dash.map((length) => length * ratio));
    strokeAll(context, boxes, view, ratio);
  }
  context.setLineDash([]);
  context.globalAlpha = opacity;
  if (tags) for (const group of groups) paintTags(context, group, view, ratio, tags);
  context.globalAlpha = 1;
}

/**
 * One rectangle after the other: many times faster in software than one path with all of them.
 *
 * @param {CanvasRenderingContext2D} context @param {Box[]} boxes @param {View} view
 * @param {number} ratio
 */
function strokeAll(context, boxes, view, ratio) {
  const { width, height } = context.canvas;
  for (const box of boxes) {
    const scale = view.scale * ratio;
    const left = Math.round(box.xyxy[0] * scale + view.x * ratio);
    const top = Math.round(box.xyxy[1] * scale + view.y * ratio);
    const right = Math.round(box.xyxy[2] * scale + view.x * ratio);
    const bottom = Math.round(box.xyxy[3] * scale + view.y * ratio);
    if (box.angle) {
      context.beginPath();
      trace(context, box, view, ratio);
      context.stroke();
    } else if (right > -9 && bottom > -9 && left < width + 9 && top < height + 9) {
      context.strokeRect(left, top, Math.max(right - left, 1), Math.max(bottom - top, 1));
    }
  }
}

const turned = new Float64Array(8);

/**
 * @param {CanvasRenderingContext2D} context @param {Shape} shape @param {View} view
 * @param {number} ratio
 */
function trace(context, { xyxy, angle }, view, ratio) {
  corners(xyxy, angle, turned);
  const scale = view.scale * ratio;
  for (let at = 0; at < 8; at += 2) {
    const x = turned[at] * scale + view.x * ratio;
    const y = turned[at + 1] * scale + view.y * ratio;
    if (at) context.lineTo(x, y);
    else context.moveTo(x, y);
  }
  context.closePath();
}

/**
 * @param {CanvasRenderingContext2D} context @param {Group} group @param {View} view
 * @param {number} ratio @param {import("./tags.js").Tags} tags
 */
function paintTags(context, group, view, ratio, tags) {
  if (isFaint(group.look)) return;
  for (const box of group.boxes) {
    const room = (box.xyxy[2] - box.xyxy[0]) * view.scale + TAG_EXCESS;
    paintTag(context, box, group, view, ratio, tags, room);
  }
}

/**
 * The name of the class, with the score as long as it is to be decided on and there is room.
 *
 * @param {CanvasRenderingContext2D} context @param {Box} box
 * @param {{look: Look, color: string, name: string}} dress @param {View} view
 * @param {number} ratio @param {import("./tags.js").Tags} tags @param {number} [room] in stage pixels
 */
export function paintTag(context, box, dress, view, ratio, tags, room = Infinity) {
  const [left, above] = bounds(box.xyxy, box.angle);
  const x = left * view.scale + view.x;
  const y = above * view.scale + view.y;
  if (room < TAG_EXCESS + 14 || x > context.canvas.width || y > context.canvas.height) return;
  const isOpen = dress.look !== "done";
  const score = isOpen && box.proposal ? ` ${box.proposal.score.toFixed(2)}` : "";
  let tag = tags.get(dress.name + score, dress.color, isOpen, ratio);
  if (tag && tag.width > room && score) tag = tags.get(dress.name, dress.color, isOpen, ratio);
  if (!tag || tag.width > room) return;
  const top = y >= tag.height + 2 ? y - tag.height - 2 : Math.max(y + 2, 0);
  if (room < Infinity && !tags.take(x, top, tag.width)) return; // names on top of names help nobody
  context.drawImage(tag.image, Math.round((x - 1) * ratio), Math.round(top * ratio));
}

/**
 * The box in hand: a light line between two dark ones, and its handles. During a drag only a thin
 * line, so that nothing hides the edge of the object.
 *
 * @param {CanvasRenderingContext2D} context @param {Shape} shape @param {string} color
 * @param {View} view @param {number} ratio @param {{handles: boolean, turns: boolean}} options
 */
export function paintActive(context, shape, color, view, ratio, { handles, turns }) {
  context.lineJoin = "miter";
  context.beginPath();
  trace(context, shape, view, ratio);
  if (!handles) {
    strokeWith(context, HALO, 3.5 * ratio);
    strokeWith(context, "#fff", 1.5 * ratio);
    return;
  }
  strokeWith(context, HALO, 5.5 * ratio);
  strokeWith(context, "#fff", 3.75 * ratio);
  strokeWith(context, color, 2 * ratio);
  if (turns) paintTurn(context, shape, view, ratio);
  for (const handle of HANDLES) {
    if (isOffered(shape, handle, view)) paintHandle(context, handleSpot(shape, handle, view, spot), ratio);
  }
}

const spot = { x: 0, y: 0 };

/** @param {CanvasRenderingContext2D} context @param {string} style @param {number} width */
function strokeWith(context, style, width) {
  context.strokeStyle = style;
  context.lineWidth = width;
  context.stroke();
}

/** @param {CanvasRenderingContext2D} context @param {{x: number, y: number}} at @param {number} ratio */
function paintHandle(context, at, ratio) {
  const size = Math.round(HANDLE_SIZE * ratio);
  const left = Math.round(at.x * ratio - size / 2);
  const top = Math.round(at.y * ratio - size / 2);
  context.fillStyle = "rgb(16 18 20)";
  context.fillRect(left - ratio, top - ratio, size + 2 * ratio, size + 2 * ratio);
  context.fillStyle = "#fff";
  context.fillRect(left, top, size, size);
}

/** @param {CanvasRenderingContext2D} context @param {Shape} shape @param {View} view @param {number} ratio */
function paintTurn(context, shape, view, ratio) {
  handleSpot(shape, HANDLES[1], view, spot);
  context.beginPath();
  context.moveTo(spot.x * ratio, spot.y * ratio);
  turnSpot(shape, view, spot);
  context.lineTo(spot.x * ratio, spot.y * ratio);
  strokeWith(context, "#fff", 1.5 * ratio);
  context.beginPath();
  context.arc(spot.x * ratio, spot.y * ratio, 6 * ratio, 0, 7);
  context.fillStyle = "#fff";
  context.fill();
  strokeWith(context, "rgb(16 18 20)", ratio);
}

/**
 * A box under the pointer.
 *
 * @param {CanvasRenderingContext2D} context @param {Shape} shape @param {string} color
 * @param {View} view @param {number} ratio
 */
export function paintHover(context, shape, color, view, ratio) {
  context.beginPath();
  trace(context, shape, view, ratio);
  context.globalAlpha = 0.14;
  context.fillStyle = color;
  context.fill();
  context.globalAlpha = 1;
  strokeWith(context, "#fff", 1.5 * ratio);
}
