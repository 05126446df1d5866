/**
 * The box in hand from the side: its points, the ground below them, and the two lines that say where
 * the object begins and ends. Lines are pulled; the space between them moves both.
 *
 * @typedef {import("./points.js").Points} Points
 * @typedef {import("./projection.js").Cuboid} Cuboid
 * @typedef {"bottom" | "top" | "both"} Grip
 */

import { make } from "../elements.js";
import { MARGIN_M } from "./points.js";

/** Shown beyond the box, metres along it and beside it. */
const BEYOND_M = 1.2;
const BESIDE_M = 0.4;
const BELOW_GROUND_M = 0.6;
const LEAST_SHOWN_M = 3;
const OVER_TOP_M = 0.8;
const GRIP_PX = 9;
const EDGE_PX = 8;
const RULER_PX = 26;

export class SideView {
  /** @param {{pull: (grip: Grip, metres: number) => void, settle: () => void, cancel: () => void}} actions */
  constructor(actions) {
    this.actions = actions;
    this.element = make("div", { class: "side-field" });
    const canvas = document.createElement("canvas");
    canvas.className = "layer";
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", "Points of the box in hand from the side");
    this.element.append(canvas);
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    this.size = { width: 1, height: 1 };
    this.ratio = 1;
    /** Which heights are shown, metres in the lidar's frame. */
    this.low = 0;
    this.high = 3;
    this.bottom = 0;
    this.top = 1;
    this.isOn = false;
    /** Whether the heights shown stay as they are, since a slider is pulled along them. */
    this.isHeld = false;
    /** @type {{grip: Grip, y: number} | null} */
    this.press = null;
    this.style = { ground: "#101113", line: "#555", ink: "#ddd" };
    this.#listen();
  }

  /** @param {() => void} redraw */
  resize(redraw) {
    const { width, height } = this.element.getBoundingClientRect();
    this.ratio = window.devicePixelRatio || 1;
    this.size = { width: Math.max(width, 1), height: Math.max(height, 1) };
    this.context.canvas.width = Math.max(Math.round(width * this.ratio), 1);
    this.context.canvas.height = Math.max(Math.round(height * this.ratio), 1);
    const style = getComputedStyle(this.element);
    this.style = { ground: style.backgroundColor, line: style.borderTopColor, ink: style.color };
    redraw();
  }

  /**
   * Draw a cuboid and its points; null: nothing in hand.
   *
   * @param {Cuboid | null} cuboid @param {Points | null} points @param {string} color
   */
  draw(cuboid, points, color) {
    const { context, ratio, style } = this;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = style.ground;
    context.fillRect(0, 0, this.size.width, this.size.height);
    this.isOn = cuboid !== null && points !== null;
    if (!cuboid || !points) return;
    const side = alongLonger(cuboid);
    this.bottom = cuboid.bottom;
    this.top = cuboid.top;
    if (!this.press && !this.isHeld) this.#frame(cuboid, points.groundAt(cuboid.x, cuboid.y));
    const half = side.length / 2 + BEYOND_M;
    const across = (this.size.width - RULER_PX) / (2 * half);
    const x = (/** @type {number} */ along) => RULER_PX + (along + half) * across;
    this.#ruler(points.groundAt(cuboid.x, cuboid.y));
    this.#ground(side, points, half, x);
    this.#points(side, points, x, color);
    this.#box(x(-side.length / 2), x(side.length / 2), color);
  }

  /** Choose which heights to show; they stay as they are while a line is pulled. @param {Cuboid} cuboid @param {number} ground */
  #frame(cuboid, ground) {
    this.low = Math.min(ground - BELOW_GROUND_M, cuboid.bottom - BELOW_GROUND_M / 2);
    this.high = Math.max(ground + LEAST_SHOWN_M, cuboid.top + OVER_TOP_M);
  }

  /** @param {number} z */
  y(z) {
    const { height } = this.size;
    return height - EDGE_PX - ((z - this.low) / (this.high - this.low)) * (height - 2 * EDGE_PX);
  }

  /** @param {number} y */
  z(y) {
    const { height } = this.size;
    return this.low + ((height - EDGE_PX - y) / (height - 2 * EDGE_PX)) * (this.high - this.low);
  }

  /** Metres over the ground at the left. @param {number} ground */
  #ruler(ground) {
    const { context, style } = this;
    context.font = "10px system-ui, sans-serif";
    context.textAlign = "right";
    context.textBaseline = "middle";
    const last = Math.floor(this.high - ground);
    for (let metres = 0; metres <= last; metres++) {
      const y = Math.round(this.y(ground + metres)) + 0.5;
      context.fillStyle = style.line;
      context.fillRect(RULER_PX, y - 0.5, this.size.width, 1);
      context.fillStyle = style.ink;
      context.fillText(`${metres} m`, RULER_PX - 4, y);
    }
  }

  /** @param {Cuboid} side @param {Points} points @param {number} half @param {(along: number) => number} x */
  #ground(side, points, half, x) {
    const { context } = this;
    const cos = Math.cos(side.yaw);
    const sin = Math.sin(side.yaw);
    context.beginPath();
    for (let step = 0; step <= 12; step++) {
      const along = (step / 6 - 1) * half;
      const y = this.y(points.groundAt(side.x + along * cos, side.y + along * sin));
      if (step) context.lineTo(x(along), y);
      else context.moveTo(x(along), y);
    }
    context.strokeStyle = "#a67c45";
    context.lineWidth = 2;
    context.stroke();
  }

  /** @param {Cuboid} side @param {Points} points @param {(along: number) => number} x @param {string} color */
  #points(side, points, x, color) {
    const { context } = this;
    const halfLength = side.length / 2 + MARGIN_M;
    const halfWidth = side.width / 2 + MARGIN_M;
    for (const own of [false, true]) {
      context.fillStyle = own ? color : "#8a8f96";
      context.globalAlpha = own ? 1 : 0.45;
      const dot = own ? 2.5 : 1.5;
      points.around(side, BEYOND_M, BESIDE_M, (along, across, z) => {
        if ((Math.abs(along) <= halfLength && Math.abs(across) <= halfWidth) !== own) return;
        if (z < this.low || z > this.high) return;
        context.fillRect(x(along) - dot / 2, this.y(z) - dot / 2, dot, dot);
      });
    }
    context.globalAlpha = 1;
  }

  /** @param {number} left @param {number} right @param {string} color */
  #box(left, right, color) {
    const { context } = this;
    const top = this.y(this.top);
    const bottom = this.y(this.bottom);
    context.globalAlpha = 0.1;
    context.fillStyle = color;
    context.fillRect(left, top, right - left, bottom - top);
    context.globalAlpha = 1;
    context.strokeStyle = color;
    context.lineWidth = 1;
    context.strokeRect(left, top, right - left, bottom - top);
    for (const y of [top, bottom]) {
      context.fillStyle = "rgb(0 0 0 / 0.6)";
      context.fillRect(left - 1, y - 2.5, right - left + 2, 5);
      context.fillStyle = "#fff";
      context.fillRect(left, y - 1.5, right - left, 3);
      context.fillRect((left + right) / 2 - 9, y - 3.5, 18, 7);
    }
  }

  #listen() {
    const { element } = this;
    element.addEventListener("pointerdown", (event) => {
      const y = event.clientY - element.getBoundingClientRect().top;
      const grip = this.isOn ? this.#gripAt(y) : null;
      if (!grip || event.button !== 0) return;
      event.preventDefault();
      element.setPointerCapture(event.pointerId);
      this.press = { grip, y };
    });
    element.addEventListener("pointermove", (event) => {
      const y = event.clientY - element.getBoundingClientRect().top;
      if (this.press) {
        this.actions.pull(this.press.grip, this.z(y) - this.z(this.press.y));
      } else {
        element.style.cursor = this.isOn && this.#gripAt(y) ? "ns-resize" : "";
      }
    });
    element.addEventListener("pointerup", () => this.#end(this.actions.settle));
    element.addEventListener("pointercancel", () => this.#end(this.actions.cancel));
  }

  /** @param {() => void} how */
  #end(how) {
    if (!this.press) return;
    this.press = null;
    how();
  }

  /** @param {number} y @returns {Grip | null} */
  #gripAt(y) {
    const top = this.y(this.top);
    const bottom = this.y(this.bottom);
    const isTop = Math.abs(y - top) <= Math.abs(y - bottom);
    if (Math.min(Math.abs(y - top), Math.abs(y - bottom)) <= GRIP_PX) return isTop ? "top" : "bottom";
    return y > top && y < bottom ? "both" : null;
  }
}

/** The same cuboid with its longer side as its length. @param {Cuboid} cuboid */
function alongLonger(cuboid) {
  if (cuboid.length >= cuboid.width) return cuboid;
  const turned = Object.assign(Object.create(Object.getPrototypeOf(cuboid)), cuboid);
  turned.length = cuboid.width;
  turned.width = cuboid.length;
  turned.yaw = cuboid.yaw + Math.PI / 2;
  return turned;
}
