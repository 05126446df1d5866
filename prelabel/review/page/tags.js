/**
 * The small name plates on boxes, drawn once each and kept, because text is slow to draw.
 *
 * @typedef {{image: HTMLCanvasElement, width: number, height: number}} Tag sizes in stage pixels
 */

const HEIGHT = 17;
const FONT = '600 11px system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif';
const DARK = "rgb(16 18 20)";
/** More plates than this are forgotten and drawn anew when needed. */
const KEPT = 3000;

export class Tags {
  constructor() {
    /** @type {Map<string, Tag>} */
    this.made = new Map();
    this.ratio = 0;
  }

  /**
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

/** Black or white, whichever is read better on a colour "#rrggbb". @param {string} color */
export function inkOn(color) {
  return luminance(color) > 0.18 ? DARK : "#fff";
}

/** Relative luminance as WCAG defines it, 0 to 1. @param {string} color "#rrggbb" */
export function luminance(color) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
