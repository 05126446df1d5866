/**
 * The stage: three canvases over each other, of which only those are drawn anew that have changed,
 * once a frame of the screen.
 *
 * @typedef {import("./types.js").Box} Box
 * @typedef {import("./types.js").View} View
 * @typedef {import("./types.js").Size} Size
 * @typedef {import("./hit.js").Shape} Shape
 * @typedef {import("./paint.js").Group} Group
 * @typedef {import("./pictures.js").Picture} Picture
 *
 * @typedef {object} Scene what is to be seen; the editor changes it and calls `touch`
 * @property {Picture | null} picture
 * @property {View} view
 * @property {Group[]} groups boxes at rest, without the selected one
 * @property {Box | null} selected
 * @property {Shape | null} live where the box in hand is during a drag; also a box being drawn
 * @property {string} liveColor
 * @property {import("./paint.js").Look} selectedLook
 * @property {string} selectedName
 * @property {Box | null} hovered
 * @property {string} hoveredColor
 * @property {boolean} cross whether guide lines follow the pointer
 * @property {{x: number, y: number}} pointer
 * @property {number} opacity
 * @property {boolean} labels
 * @property {boolean} peek whether boxes are hidden while a key is held
 * @property {boolean} turns
 */

import { bounds } from "./geometry.js";
import { ACTIVE_MARGIN, paintActive, paintBoxes, paintHover, paintPicture, paintTag } from "./paint.js";
import { Tags } from "./tags.js";

export const PICTURE = 1;
export const BOXES = 2;
export const ACTIVE = 4;
export const ALL = PICTURE | BOXES | ACTIVE;

export class Canvas {
  /**
   * @param {HTMLElement} stage @param {Scene} scene
   * @param {(before: Size) => void} onResize
   */
  constructor(stage, scene, onResize) {
    this.stage = stage;
    this.scene = scene;
    /** @type {Size} in stage pixels */
    this.size = { width: 1, height: 1 };
    this.ratio = 1;
    this.tags = new Tags();
    this.picture = layer(stage, "picture", false);
    this.boxes = layer(stage, "boxes", true);
    this.active = layer(stage, "active", true);
    this.touched = 0;
    this.frame = 0;
    /** What the last drawing of the active layer covered, in device pixels. */
    this.covered = new Float64Array([0, 0, 0, 0]);
    this.crossed = false;
    this.crossAt = { x: 0, y: 0 };
    this.ground = "#101113";
    /** @type {(() => void)[]} called once after the next drawing */
    this.waiting = [];
    this.draw = this.draw.bind(this);
    new ResizeObserver(() => {
      const before = this.size;
      this.resize();
      onResize(before);
    }).observe(stage);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.resize());
    this.resize();
  }

  /** Take the size of the stage again; all is drawn anew. */
  resize() {
    const { width, height } = this.stage.getBoundingClientRect();
    this.ratio = window.devicePixelRatio || 1;
    this.size = { width: Math.max(width, 1), height: Math.max(height, 1) };
    for (const context of [this.picture, this.boxes, this.active]) {
      context.canvas.width = Math.max(Math.round(width * this.ratio), 1);
      context.canvas.height = Math.max(Math.round(height * this.ratio), 1);
    }
    this.ground = getComputedStyle(this.stage).backgroundColor;
    this.touch(ALL);
  }

  /** Draw these layers with the next frame of the screen. @param {number} layers */
  touch(layers) {
    this.touched |= layers;
    if (!this.frame) this.frame = requestAnimationFrame(this.draw);
  }

  /** Resolves when what is touched now has been drawn. */
  drawn() {
    if (!this.frame) return Promise.resolve();
    return new Promise((/** @type {(value: void) => void} */ resolve) => this.waiting.push(() => resolve()));
  }

  draw() {
    const { scene, touched, ratio } = this;
    this.frame = 0;
    this.touched = 0;
    this.tags.begin(this.size);
    if (touched & PICTURE) paintPicture(this.picture, scene.picture, scene.view, ratio, this.ground);
    if (touched & BOXES) {
      const opacity = scene.peek ? 0 : scene.opacity;
      paintBoxes(this.boxes, scene.groups, scene.view, ratio, opacity, scene.labels ? this.tags : null);
    }
    if (touched & ACTIVE) this.#drawActive();
    if (this.tags.isShort) this.touch(BOXES | ACTIVE);
    for (let waiting = this.waiting.pop(); waiting; waiting = this.waiting.pop()) waiting();
  }

  #drawActive() {
    const { scene, active, ratio } = this;
    this.#wipe();
    if (scene.cross) this.#drawCross();
    const shape = scene.live ?? scene.selected;
    if (scene.peek) return;
    if (scene.hovered && !scene.live) {
      paintHover(active, scene.hovered, scene.hoveredColor, scene.view, ratio);
      this.#cover(scene.hovered);
    }
    if (!shape) return;
    const handles = scene.selected !== null && !scene.live;
    paintActive(active, shape, scene.liveColor, scene.view, ratio, { handles, turns: scene.turns });
    this.#cover(shape);
    if (scene.selected && !scene.live && scene.labels) {
      const dress = { look: scene.selectedLook, color: scene.liveColor, name: scene.selectedName };
      paintTag(active, scene.selected, dress, scene.view, ratio, this.tags);
    }
  }

  /** Clear what the last drawing covered, and no more. */
  #wipe() {
    const { active, covered, ratio } = this;
    active.clearRect(covered[0], covered[1], covered[2] - covered[0], covered[3] - covered[1]);
    covered.fill(0);
    if (!this.crossed) return;
    const width = Math.ceil(3 * ratio);
    active.clearRect(0, this.crossAt.y - width, active.canvas.width, 2 * width);
    active.clearRect(this.crossAt.x - width, 0, 2 * width, active.canvas.height);
    this.crossed = false;
  }

  #drawCross() {
    const { active, ratio, scene } = this;
    this.crossAt.x = Math.round(scene.pointer.x * ratio);
    this.crossAt.y = Math.round(scene.pointer.y * ratio);
    this.crossed = true;
    const { width, height } = active.canvas;
    active.fillStyle = "rgb(0 0 0 / 0.45)";
    active.fillRect(0, this.crossAt.y - ratio, width, 3 * ratio);
    active.fillRect(this.crossAt.x - ratio, 0, 3 * ratio, height);
    active.fillStyle = "rgb(255 255 255 / 0.85)";
    active.fillRect(0, this.crossAt.y, width, ratio);
    active.fillRect(this.crossAt.x, 0, ratio, height);
  }

  /** @param {Shape} shape */
  #cover(shape) {
    const { covered, ratio, scene } = this;
    const box = bounds(shape.xyxy, shape.angle);
    const { scale, x, y } = scene.view;
    const plate = 160; // a name plate may be longer than its box
    const left = Math.floor((box[0] * scale + x - ACTIVE_MARGIN) * ratio);
    const top = Math.floor((box[1] * scale + y - ACTIVE_MARGIN) * ratio);
    const right = Math.ceil((Math.max(box[2] * scale, box[0] * scale + plate) + x + ACTIVE_MARGIN) * ratio);
    const bottom = Math.ceil((box[3] * scale + y + ACTIVE_MARGIN) * ratio);
    const isFirst = covered[2] === covered[0];
    covered[0] = isFirst ? left : Math.min(covered[0], left);
    covered[1] = isFirst ? top : Math.min(covered[1], top);
    covered[2] = isFirst ? right : Math.max(covered[2], right);
    covered[3] = isFirst ? bottom : Math.max(covered[3], bottom);
  }
}

/** @param {HTMLElement} stage @param {string} name @param {boolean} alpha */
function layer(stage, name, alpha) {
  const canvas = document.createElement("canvas");
  canvas.className = `layer layer-${name}`;
  canvas.setAttribute("aria-hidden", "true");
  stage.append(canvas);
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha }));
}
