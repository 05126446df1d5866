/** The line below the picture: what was done last, the keys that help most, the zoom. */

import { make } from "./elements.js";
import { keyFor } from "./keys.js";

/** @type {[string, string][]} */
const HINTS = [
  ["accept", "right"],
  ["reject", "wrong"],
  ["chooseClass", "class"],
  ["draw", "draw"],
  ["undo", "undo"],
  ["submit", "submit"],
  ["help", "all keys"],
];

export class Statusbar {
  constructor() {
    this.said = make("output", { class: "said", "aria-live": "polite" });
    this.scale = make("span", { class: "scale" });
    const hints = HINTS.map(([command, what]) => make("span", {}, make("kbd", {}, keyFor(command)), what));
    this.element = make(
      "div",
      { class: "statusbar" },
      this.said,
      make("span", { class: "hints", "aria-hidden": "true" }, ...hints),
      this.scale,
    );
    this.shown = 0;
  }

  /** @param {string} text */
  say(text) {
    // The same sentence twice is read twice only if it changes.
    this.said.textContent = this.said.textContent === text ? `${text}\u00a0` : text;
  }

  /** @param {number} scale */
  zoom(scale) {
    const percent = Math.round(scale * 100);
    if (percent === this.shown) return;
    this.shown = percent;
    this.scale.textContent = `${percent} %`;
  }
}
