/**
 * Where the stage looks: short, interruptible moves of the view, or none for people who want none.
 *
 * @typedef {import("./types.js").View} View
 * @typedef {import("./types.js").Xyxy} Xyxy
 * @typedef {import("./types.js").Size} Size
 */

import { ALL } from "./canvas.js";
import { between, fit, panned, towards, zoomedAt } from "./view.js";

const MOVE_MS = 110;

export class Camera {
  /** @param {import("./canvas.js").Canvas} canvas @param {() => void} onMove */
  constructor(canvas, onMove) {
    this.canvas = canvas;
    this.onMove = onMove;
    /** @type {Size} */
    this.picture = { width: 1, height: 1 };
    /** @type {View} */
    this.from = { scale: 1, x: 0, y: 0 };
    /** @type {View | null} where a move under way leads */
    this.goal = null;
    this.startedAt = 0;
    this.isWhole = true;
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.step = this.step.bind(this);
  }

  get view() {
    return this.canvas.scene.view;
  }

  /** Another picture, seen whole. @param {Size} picture */
  reset(picture) {
    this.picture = picture;
    this.whole(false);
  }

  /** @param {boolean} [animated] */
  whole(animated = true) {
    this.#go(fit(this.picture, this.canvas.size), animated);
    this.isWhole = true;
  }

  /** The stage has another size: what was in its middle stays there. @param {Size} before */
  resized(before) {
    if (this.isWhole) return this.whole(false);
    const { width, height } = this.canvas.size;
    return this.pan((width - before.width) / 2, (height - before.height) / 2);
  }

  /** @param {Xyxy} box upright @param {boolean} [animated] */
  towards(box, animated = true) {
    this.#go(towards(this.goal ?? this.view, box, this.picture, this.canvas.size), animated);
  }

  /** @param {number} factor @param {number} [x] @param {number} [y] @param {boolean} [animated] */
  zoom(factor, x = this.canvas.size.width / 2, y = this.canvas.size.height / 2, animated = false) {
    this.#go(zoomedAt(this.goal ?? this.view, factor, x, y, this.picture, this.canvas.size), animated);
  }

  /** @param {number} dx @param {number} dy in pixels of the stage */
  pan(dx, dy) {
    this.#go(panned(this.view, dx, dy, this.picture, this.canvas.size), false);
  }

  /** @param {View} goal @param {boolean} animated */
  #go(goal, animated) {
    if (isSame(goal, this.goal ?? this.view)) return;
    this.isWhole = false;
    if (!animated || this.calm.matches) {
      this.goal = null;
      Object.assign(this.view, goal);
      this.#moved();
      return;
    }
    const isMoving = this.goal !== null;
    this.from = { ...this.view };
    this.goal = goal;
    this.startedAt = performance.now();
    if (!isMoving) requestAnimationFrame(this.step);
  }

  /** @param {number} now */
  step(now) {
    if (!this.goal) return;
    const part = Math.min(Math.max((now - this.startedAt) / MOVE_MS, 0), 1);
    between(this.from, this.goal, 1 - (1 - part) ** 3, this.view);
    if (part === 1) {
      Object.assign(this.view, this.goal);
      this.goal = null;
    } else {
      requestAnimationFrame(this.step);
    }
    this.#moved();
  }

  #moved() {
    this.canvas.touch(ALL);
    this.onMove();
  }
}

/** @param {View} left @param {View} right */
function isSame(left, right) {
  return left.scale === right.scale && left.x === right.x && left.y === right.y;
}
