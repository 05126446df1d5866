/** A labelled bar with its number, for a value from 0 to 1. */

import { make } from "./elements.js";

/** @param {string} label @param {string} meaning */
export function meter(label, meaning) {
  const fill = make("i", { class: "meter-fill" });
  const number = make("span", { class: "meter-number" });
  const bar = make("div", { class: "meter-bar", role: "meter", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 1 }, fill);
  const element = make("div", { class: `meter meter-${label.toLowerCase()}`, title: meaning }, make("span", {}, label), bar, number);
  return {
    element,
    /** @param {number | null} value null: there is none */
    set(value) {
      fill.style.transform = `scaleX(${value ?? 0})`;
      number.textContent = value === null ? "–" : value.toFixed(2);
      bar.setAttribute("aria-valuenow", value === null ? "0" : value.toFixed(2));
      bar.setAttribute("aria-valuetext", value === null ? "none" : value.toFixed(2));
    },
  };
}
