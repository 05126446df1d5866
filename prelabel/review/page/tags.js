/**
 * The small name plates on boxes, drawn once each and kept, because text is slow to draw.
 *
 * @typedef {{image: HTMLCanvasElement, width: number, height: number}} Tag sizes in stage pixels
 */

import { DARK, inkOn } from "./colors.js";

const HEIGHT = 17;
const FONT = '600 11px system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif';
/** More plates than this are forgotten and drawn anew when needed. */
const KEPT = 3000;
/** New plates that one drawing may make; the others follow with the next one. */
const NEW_AT_ONCE = 40;

export class Tags {
  constructor() {
    /** @type {Map<string, Tag>} */
    this.made = new Map();
    this.ratio = 0;
    this.room = NEW_AT_ONCE;
  }

  /** Begin a drawing; what was left out of the one before can be made now. */
  begin() {
    this.room = NEW_AT_ONCE;
  }

  /** Whether plates were left out. */
  get isShort() {
    return this.room < 0;
  }

  /**
   * The plate; null where too many new ones were made for now.
   *
   * @param {string} text @param {string} color of the class
   * @param {boolean} filled filled: still to be decided; else a dark plate with a tick
   * @param {number} ratio device pixels a stage pixel
   */
  get(text, color, filled, ratio) {
    if (ratio !== this.ratio || this.made.size > KEPT) this.made.clear();
    this.ratio = ratio;
    const key = `${text}|${color}|${filled}`;
    let tag = this.made.get(key);
    if (!tag) {
      this.room -= 1;
      if (this.room < 0) return null;
      tag = drawn(filled ? text : `✓ ${text}`, color, filled, ratio);
      this.made.set(key, tag);
    }
    return tag;
  }
}

/** @param {string} text @param {string} color @param {boolean} filled @param {number} ratio */
function drawn(text, color, filled, ratio) {
  const image = document.createElement("canvas");
  const context = /** @type {CanvasRenderingContext2D} */ (image.getContext("2d"));
  context.font = FONT;
  const width = Math.ceil(context.measureText(text).width) + 10;
  image.width = Math.ceil(width * ratio);
  image.height = Math.ceil(HEIGHT * ratio);
  context.scale(ratio, ratio);
  context.font = FONT;
  context.textBaseline = "middle";
  context.globalAlpha = filled ? 1 : 0.85;
  context.fillStyle = filled ? color : DARK;
  context.beginPath();
  context.roundRect(0, 0, width, HEIGHT, 3);
  context.fill();
  context.globalAlpha = 1;
  context.fillStyle = filled ? inkOn(color) : color;
  context.fillText(text, 5, HEIGHT / 2 + 0.5);
  return { image, width, height: HEIGHT };
}
