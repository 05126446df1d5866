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
/** Plates keep apart from each other by fields of this many stage pixels. */
const FIELD = { width: 16, height: 9 };
/** New plates that one drawing may make; the others follow with the next one. */
const NEW_AT_ONCE = 40;

export class Tags {
  constructor() {
    /** @type {Map<string, Tag>} */
    this.made = new Map();
    this.ratio = 0;
    this.room = NEW_AT_ONCE;
    this.columns = 1;
    /** Which fields of the stage have a plate. */
    this.taken = new Uint8Array(1);
  }

  /**
   * Begin a drawing; what was left out of the one before can be made now.
   *
   * @param {import("./types.js").Size} stage
   */
  begin(stage) {
    this.room = NEW_AT_ONCE;
    this.columns = Math.ceil(stage.width / FIELD.width) + 1;
    const fields = this.columns * (Math.ceil(stage.height / FIELD.height) + 1);
    if (this.taken.length === fields) this.taken.fill(0);
    else this.taken = new Uint8Array(fields);
  }

  /**
   * Take a place for a plate; false where another one has part of it.
   *
   * @param {number} x @param {number} y of the top left corner, in stage pixels
   * @param {number} width
   */
  take(x, y, width) {
    const { columns, taken } = this;
    const left = Math.max(Math.floor(x / FIELD.width), 0);
    const right = Math.min(Math.floor((x + width - 1) / FIELD.width), columns - 1);
    const top = Math.max(Math.floor(y / FIELD.height), 0);
    const bottom = Math.min(Math.floor((y + HEIGHT - 1) / FIELD.height), taken.length / columns - 1);
    for (let row = top; row <= bottom; row++) {
      for (let at = left; at <= right; at++) if (taken[row * columns + at]) return false;
    }
    for (let row = top; row <= bottom; row++) taken.fill(1, row * columns + left, row * columns + right + 1);
    return true;
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
