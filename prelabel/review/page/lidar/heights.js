/**
 * Where the object of the box in hand begins and ends: a view from the side and two sliders, in
 * metres over the ground below it.
 *
 * @typedef {import("../types.js").Box} Box
 * @typedef {import("../types.js").Heights} HeightsM
 * @typedef {import("./points.js").Points} Points
 * @typedef {import("./projection.js").Cuboid} Cuboid
 * @typedef {import("./side-view.js").Grip} Grip
 */

import { commandButton } from "../buttons.js";
import { make } from "../elements.js";
import { SideView } from "./side-view.js";

/** The least height of an object, metres. */
export const LEAST_M = 0.1;
const STEP_M = 0.05;

export class Heights {
  /**
   * @param {import("../editor.js").Editor} editor
   * @param {{preview: (heights: HeightsM | null) => void, redraw: () => void}} actions preview: show
   *   these heights of the box in hand without keeping them; null: as they are
   */
  constructor(editor, actions) {
    this.editor = editor;
    this.actions = actions;
    /** @type {HeightsM | null} while a line or a slider is pulled */
    this.live = null;
    /** @type {HeightsM | null} of the box in hand as it was when the pulling began */
    this.before = null;
    /** @type {HeightsM} as shown last */
    this.shown = [0, 1];
    this.ground = 0;
    this.side = new SideView({
      pull: (grip, metres) => this.#pull(grip, metres),
      settle: () => this.#settle(),
      cancel: () => this.#cancel(),
    });
    this.told = make("output", { class: "height-told", title: "Over the ground below the box" });
    this.source = make("span", { class: "height-source" });
    this.reset = commandButton(editor, { command: "heightFromPoints", label: "From the points" });
    this.top = this.#slider("top", "Top");
    this.bottom = this.#slider("bottom", "Bottom");
    this.nothing = make("p", { class: "height-nothing" }, "A box in hand is shown here from the side, with its points.");
    this.element = make(
      "section",
      { class: "heights", "aria-label": "Height of the box in hand" },
      make("header", {}, make("h3", {}, "Height"), this.told, this.source),
      make("div", { class: "height-body" }, this.side.element, this.bottom.element, this.top.element, this.nothing),
      make("footer", {}, this.reset),
    );
    new ResizeObserver(() => this.side.resize(actions.redraw)).observe(this.side.element);
  }

  /** @param {"top" | "bottom"} end @param {string} name */
  #slider(end, name) {
    const label = `${name} of the object, metres over the ground`;
    const input = /** @type {HTMLInputElement} */ (
      make("input", {
        type: "range", step: STEP_M, class: "height-slider", "aria-label": label, "aria-orientation": "vertical",
        oninput: () => this.#slide(end, Number(input.value)),
        onchange: () => this.#settle(),
        onpointerup: () => this.editor.stage.focus({ preventScroll: true }),
      })
    );
    return { input, element: make("label", { class: "height-part" }, input, make("span", {}, name)) };
  }

  /** @param {"top" | "bottom"} end @param {number} over metres over the ground */
  #slide(end, over) {
    this.before ??= this.shown;
    this.side.isHeld = true;
    const z = this.ground + over;
    this.#preview(end === "top" ? [this.shown[0], z] : [z, this.shown[1]], end);
  }

  /** @param {Grip} grip @param {number} metres */
  #pull(grip, metres) {
    this.before ??= this.shown;
    const [bottom, top] = this.before;
    if (grip === "both") this.#preview([bottom + metres, top + metres], "top");
    else this.#preview(grip === "top" ? [bottom, top + metres] : [bottom + metres, top], grip);
  }

  /** @param {HeightsM} heights @param {"top" | "bottom"} end that is moved */
  #preview(heights, end) {
    this.live = apart(heights, end);
    this.actions.preview(this.live);
  }

  #settle() {
    const { live, before } = this;
    this.#cancel();
    if (live && before) this.set(live);
  }

  #cancel() {
    this.live = this.before = null;
    this.side.isHeld = false;
    this.actions.preview(null);
  }

  /** Another box is in hand: what was pulled stays as it was. */
  letGo() {
    this.side.press = null;
    if (this.live) this.#cancel();
  }

  /** Raise or lower an end by so many metres. @param {"top" | "bottom"} end @param {number} metres */
  nudge(end, metres) {
    if (!this.editor.selected) return this.editor.say("No box in hand");
    const [bottom, top] = this.shown;
    return this.set(apart(end === "top" ? [bottom, top + metres] : [bottom + metres, top], end));
  }

  /** Keep heights of the box in hand; null: as the points tell. @param {HeightsM | null} heights */
  set(heights) {
    const { editor } = this;
    const box = editor.selected;
    if (!box) return editor.say("No box in hand");
    if (!heights && !box.height_m) return editor.say("The height is as the points tell already");
    /** @type {HeightsM | null} */
    const height_m = heights && [rounded(heights[0]), rounded(heights[1])];
    editor.change("height", [{ ...box, height_m, status: "accepted" }], heights ? `height ${box.id}` : null);
    return editor.say(heights ? `Height ${this.#words(heights)}` : "Height as the points tell");
  }

  /** @param {HeightsM} heights */
  #words([bottom, top]) {
    return `${metres(bottom - this.ground)} to ${metres(top - this.ground)} m`;
  }

  /**
   * Draw the box in hand, null: none.
   *
   * @param {Cuboid | null} cuboid @param {Points | null} points @param {string} color
   * @param {{isSaid: boolean, count: number}} source whether a person gave the height, points that tell it
   */
  draw(cuboid, points, color, { isSaid, count }) {
    this.side.draw(cuboid, points, color);
    const isOff = !cuboid || !points;
    this.element.classList.toggle("is-off", isOff);
    const isIdle = isOff || !this.editor.selected;
    this.top.input.disabled = this.bottom.input.disabled = isIdle;
    this.reset.disabled = isIdle || !isSaid;
    if (isOff) {
      this.told.textContent = this.source.textContent = "";
      return;
    }
    this.shown = [cuboid.bottom, cuboid.top];
    this.ground = points.groundAt(cuboid.x, cuboid.y);
    setText(this.told, this.#words(this.shown));
    setText(this.source, isSaid ? "set by hand" : count ? `by ${count} points` : "no points: a guess");
    this.#show(this.top.input, cuboid.top);
    this.#show(this.bottom.input, cuboid.bottom);
  }

  /** @param {HTMLInputElement} input @param {number} z */
  #show(input, z) {
    const low = floorTo(this.side.low - this.ground);
    const high = floorTo(this.side.high - this.ground);
    const value = (z - this.ground).toFixed(2);
    if (input.min !== low) input.min = low;
    if (input.max !== high) input.max = high;
    if (document.activeElement !== input || this.before === null) input.value = value;
    input.setAttribute("aria-valuetext", `${value} m`);
  }
}

/** Heights at least so far apart that there is an object. @param {HeightsM} heights @param {"top" | "bottom"} end @returns {HeightsM} */
function apart([bottom, top], end) {
  if (end === "top") return [bottom, Math.max(top, bottom + LEAST_M)];
  return [Math.min(bottom, top - LEAST_M), top];
}

/** To the millimetre. @param {number} value */
const rounded = (value) => Math.round(value * 1000) / 1000;
/** @param {number} value */
const metres = (value) => (Math.abs(value) < 0.005 ? 0 : value).toFixed(2);
/** @param {number} value */
const floorTo = (value) => (Math.floor(value / STEP_M) * STEP_M).toFixed(2);

/** @param {HTMLElement} element @param {string} text */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
