/**
 * One camera's picture with the cuboids in it: wire boxes, and the upright box around each.
 *
 * @typedef {import("../types.js").View} View
 * @typedef {import("../pictures.js").Picture} Picture
 * @typedef {import("./projection.js").CameraModel} CameraModel
 * @typedef {{id: string, color: string, look: import("../paint.js").Look, corners: Float64Array,
 *   sighting: Sighting}} Drawn a box at rest; its sighting is of the camera that draws it
 */

import { make } from "../elements.js";
import { clamp } from "../geometry.js";
import { icon } from "../icons.js";
import { paintPicture } from "../paint.js";
import { Sighting } from "./projection.js";

const HALO = "rgb(0 0 0 / 0.5)";
/** The part of a view that a box is brought to, and how far it is zoomed at most. */
const COMFORT = 0.42;
const MAX_SCALE = 12;
const WHEEL_SPEED = 0.0016;
const DRAG_FROM_PX = 3;
/** @type {Record<string, {width: number, alpha: number}>} of wires, in stage pixels */
const LOOKS = {
  open: { width: 1.75, alpha: 1 },
  weak: { width: 1, alpha: 0.55 },
  place: { width: 1, alpha: 0.4 },
  done: { width: 1.25, alpha: 0.9 },
  out: { width: 1, alpha: 0.4 },
};

export class CameraView {
  /**
   * @param {CameraModel} model
   * @param {{select: (id: string | null) => void, enlarge: () => void, redraw: () => void}} actions
   */
  constructor(model, actions) {
    this.model = model;
    this.actions = actions;
    /** @type {View} */
    this.view = { scale: 1, x: 0, y: 0 };
    this.size = { width: 1, height: 1 };
    this.ratio = 1;
    /** @type {"whole" | "hand" | "free"} what the view keeps to when its size changes */
    this.aim = "whole";
    /** @type {Picture | null} */
    this.picture = null;
    /** @type {Drawn[]} */
    this.drawn = [];
    this.live = new Sighting();
    this.isEmpty = true;
    /** @type {{x: number, y: number, viewX: number, viewY: number, drags: boolean} | null} */
    this.press = null;
    this.failure = make("p", { class: "camera-failure", hidden: true });
    this.news = make("span", { class: "camera-news" });
    this.enlarger = make("button", {
      type: "button", class: "camera-enlarge", "aria-pressed": "false",
      "aria-label": `${model.name} alone`, title: "This camera alone, or all", onclick: actions.enlarge,
    }, icon("fit", 14));
    this.field = make("div", { class: "camera-field" });
    this.element = make(
      "section",
      { class: "camera", "aria-label": `Camera ${model.name}` },
      this.field,
      make("header", { class: "camera-head" }, make("h3", { title: model.name }, model.name), this.news, this.enlarger),
      this.failure,
    );
    this.ground = layer(this.field, false);
    this.rest = layer(this.field, true);
    this.hand = layer(this.field, true);
    this.watch = new ResizeObserver(() => this.resize());
    this.watch.observe(this.field);
    this.#listen();
  }

  remove() {
    this.watch.disconnect();
    this.element.remove();
  }

  /** @param {Picture | null} picture @param {string} [failure] why there is none */
  setPicture(picture, failure = "") {
    this.picture = picture && { levels: picture.levels, width: this.model.width, height: this.model.height };
    this.failure.textContent = failure;
    this.failure.hidden = !failure;
    this.actions.redraw();
  }

  resize() {
    const { width, height } = this.field.getBoundingClientRect();
    this.ratio = window.devicePixelRatio || 1;
    this.size = { width: Math.max(width, 1), height: Math.max(height, 1) };
    for (const { canvas } of [this.ground, this.rest, this.hand]) {
      canvas.width = Math.max(Math.round(width * this.ratio), 1);
      canvas.height = Math.max(Math.round(height * this.ratio), 1);
    }
    if (this.aim === "whole") this.whole();
    else if (this.aim === "hand") this.towards();
    this.#keep();
    this.actions.redraw();
  }

  /** The whole picture, as large as it goes. */
  whole() {
    this.aim = "whole";
    const { width, height } = this.model;
    const scale = this.#smallest();
    this.view = { scale, x: (this.size.width - width * scale) / 2, y: (this.size.height - height * scale) / 2 };
    this.actions.redraw();
  }

  #smallest() {
    return Math.min(this.size.width / this.model.width, this.size.height / this.model.height);
  }

  /** Bring the box in hand to where it can be judged; the whole picture where it is not in sight. */
  towards() {
    if (!this.live.isSeen) return this.whole();
    this.aim = "hand";
    const [left, top, right, bottom] = this.live.box;
    const wanted = (COMFORT * Math.min(this.size.width, this.size.height)) / Math.max(right - left, bottom - top, 1);
    const scale = clamp(wanted, this.#smallest(), MAX_SCALE);
    const { width, height } = this.size;
    this.view = { scale, x: width / 2 - ((left + right) / 2) * scale, y: height / 2 - ((top + bottom) / 2) * scale };
    this.#keep();
    return this.actions.redraw();
  }

  /** No part of a view stays empty while there is picture to fill it. */
  #keep() {
    const { view, size, model } = this;
    view.x = keptAxis(view.x, model.width * view.scale, size.width);
    view.y = keptAxis(view.y, model.height * view.scale, size.height);
  }

  /** @param {Drawn[]} boxes at rest; their sightings are made here */
  setBoxes(boxes) {
    this.drawn = boxes.map((box) => ({ ...box, sighting: this.model.see(box.corners, new Sighting()) }));
  }

  /** @param {string} ground colour behind the picture */
  drawPicture(ground) {
    paintPicture(this.ground, this.picture, this.view, this.ratio, ground);
  }

  /** @param {number} opacity */
  drawBoxes(opacity) {
    const { rest, drawn } = this;
    rest.clearRect(0, 0, rest.canvas.width, rest.canvas.height);
    for (const { sighting, color, look } of drawn) {
      if (!sighting.isSeen) continue;
      const { width, alpha } = LOOKS[look];
      rest.globalAlpha = alpha * opacity;
      this.#upright(rest, sighting, color);
      this.#wires(rest, sighting);
      stroke(rest, HALO, (width + 1.5) * this.ratio);
      stroke(rest, color, width * this.ratio);
    }
    rest.globalAlpha = 1;
  }

  /** The box in hand; null: none. @param {Float64Array | null} corners @param {string} color */
  drawHand(corners, color) {
    const { hand, live } = this;
    if (!this.isEmpty) hand.clearRect(0, 0, hand.canvas.width, hand.canvas.height);
    this.isEmpty = true;
    live.isSeen = false;
    if (corners) this.model.see(corners, live);
    this.#tell(corners !== null);
    if (!live.isSeen) return;
    this.isEmpty = false;
    this.#upright(hand, live, "#fff");
    this.#wires(hand, live);
    stroke(hand, HALO, 4.5 * this.ratio);
    stroke(hand, "#fff", 3 * this.ratio);
    stroke(hand, color, 1.5 * this.ratio);
  }

  /** @param {boolean} isInHand */
  #tell(isInHand) {
    const isOut = isInHand && !this.live.isSeen;
    this.element.classList.toggle("is-out", isOut);
    const news = isOut ? "not in sight" : "";
    if (this.news.textContent !== news) this.news.textContent = news;
  }

  /** @param {CanvasRenderingContext2D} context @param {Sighting} sighting */
  #wires(context, { lines, lineCount }) {
    const scale = this.view.scale * this.ratio;
    const x = this.view.x * this.ratio;
    const y = this.view.y * this.ratio;
    context.lineJoin = "round";
    context.beginPath();
    for (let at = 0; at < 4 * lineCount; at += 4) {
      context.moveTo(lines[at] * scale + x, lines[at + 1] * scale + y);
      context.lineTo(lines[at + 2] * scale + x, lines[at + 3] * scale + y);
    }
  }

  /** @param {CanvasRenderingContext2D} context @param {Sighting} sighting @param {string} color */
  #upright(context, { box }, color) {
    const scale = this.view.scale * this.ratio;
    const left = Math.round(box[0] * scale + this.view.x * this.ratio) + 0.5;
    const top = Math.round(box[1] * scale + this.view.y * this.ratio) + 0.5;
    context.strokeStyle = color;
    context.lineWidth = this.ratio;
    context.setLineDash(DASH);
    context.strokeRect(left, top, (box[2] - box[0]) * scale, (box[3] - box[1]) * scale);
    context.setLineDash(NO_DASH);
  }

  /** The box at a place of the view that is nearest to the camera; after `last` where that is it. @param {number} x @param {number} y @param {string | null} last */
  boxAt(x, y, last) {
    const at = { x: (x - this.view.x) / this.view.scale, y: (y - this.view.y) / this.view.scale };
    const found = this.drawn
      .filter(({ sighting }) => sighting.isSeen && sighting.covers(at.x, at.y))
      .sort((left, right) => left.sighting.depth - right.sighting.depth);
    const isLast = last !== null && this.live.isSeen && this.live.covers(at.x, at.y);
    if (!isLast) return found[0]?.id ?? null;
    // The box in hand was clicked again: the one behind it, around to the nearest.
    return (found.find(({ sighting }) => sighting.depth > this.live.depth) ?? found[0])?.id ?? last;
  }

  #listen() {
    const { field } = this;
    field.addEventListener("pointerdown", (event) => this.#down(event));
    field.addEventListener("pointermove", (event) => this.#move(event));
    field.addEventListener("pointerup", (event) => this.#up(event));
    field.addEventListener("pointercancel", () => (this.press = null));
    field.addEventListener("dblclick", () => this.whole());
    field.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  /** @param {PointerEvent} event */
  #down(event) {
    event.preventDefault();
    this.field.setPointerCapture(event.pointerId);
    const { x, y } = this.view;
    this.press = { x: event.clientX, y: event.clientY, viewX: x, viewY: y, drags: event.button !== 0 };
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const { press } = this;
    if (!press) return;
    const dx = event.clientX - press.x;
    const dy = event.clientY - press.y;
    press.drags ||= Math.hypot(dx, dy) >= DRAG_FROM_PX;
    if (!press.drags) return;
    this.aim = "free";
    this.view.x = press.viewX + dx;
    this.view.y = press.viewY + dy;
    this.#keep();
    this.actions.redraw();
  }

  /** @param {PointerEvent} event */
  #up(event) {
    const { press } = this;
    this.press = null;
    if (!press || press.drags) return;
    const { left, top } = this.field.getBoundingClientRect();
    this.actions.select(this.boxAt(event.clientX - left, event.clientY - top, this.selected));
  }

  /** The id of the box in hand. @type {string | null} */
  selected = null;

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    const { left, top } = this.field.getBoundingClientRect();
    const { view } = this;
    const scale = clamp(view.scale * Math.exp(-event.deltaY * WHEEL_SPEED), this.#smallest(), MAX_SCALE);
    const x = event.clientX - left;
    const y = event.clientY - top;
    view.x = x - ((x - view.x) * scale) / view.scale;
    view.y = y - ((y - view.y) * scale) / view.scale;
    view.scale = scale;
    this.aim = scale === this.#smallest() ? "whole" : "free";
    this.#keep();
    this.actions.redraw();
  }
}

const DASH = [4, 3];
/** @type {number[]} */
const NO_DASH = [];

/** @param {CanvasRenderingContext2D} context @param {string} style @param {number} width */
function stroke(context, style, width) {
  context.strokeStyle = style;
  context.lineWidth = width;
  context.stroke();
}

/** @param {number} start @param {number} length @param {number} room */
function keptAxis(start, length, room) {
  return length <= room ? (room - length) / 2 : clamp(start, room - length, 0);
}

/** @param {HTMLElement} field @param {boolean} alpha */
function layer(field, alpha) {
  const canvas = document.createElement("canvas");
  canvas.className = "layer";
  canvas.setAttribute("aria-hidden", "true");
  field.append(canvas);
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha }));
}
