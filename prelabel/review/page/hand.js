/**
 * The box in hand: its class, what the model said of it, where it is, and what to do with it.
 *
 * @typedef {import("./editor.js").Editor} Editor
 * @typedef {import("./types.js").Box} Box
 */

import { commandButton } from "./buttons.js";
import { make } from "./elements.js";
import { icon } from "./icons.js";
import { meter } from "./meter.js";

/** @type {Record<string, string>} */
const STATUS_WORDS = { proposed: "proposed", accepted: "accepted", rejected: "rejected" };

export class Hand {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    this.swatch = make("i", { class: "swatch" });
    this.name = make("span", { class: "hand-name" });
    this.status = make("span", { class: "hand-status" });
    this.confidence = meter("Confidence", "How sure the model is that this is such an object");
    this.uncertainty = meter("Uncertainty", "How undecided the model is between the classes");
    this.place = make("p", { class: "hand-place" });
    const choose = { command: "chooseClass", class: "hand-class", attributes: { title: "Another class" } };
    const key = make("kbd", {}, "C");
    this.classButton = commandButton(editor, choose, this.swatch, this.name, key);
    this.reject = commandButton(editor, { command: "reject", class: "reject", label: "Reject" }, icon("reject", 16));
    this.accept = commandButton(editor, { command: "accept", class: "accept", label: "Accept" }, icon("accept", 16));
    this.element = make(
      "section",
      { class: "hand", "aria-label": "Box in hand" },
      make("div", { class: "hand-head" }, this.classButton, this.status),
      this.confidence.element,
      this.uncertainty.element,
      this.place,
      make("div", { class: "hand-buttons" }, this.reject, this.accept),
    );
  }

  /** @param {Box | null} box */
  update(box) {
    const { editor } = this;
    const classId = box?.class_id ?? editor.drawClass;
    this.swatch.style.background = editor.classColor(classId);
    this.name.textContent = editor.className(classId);
    this.status.textContent = box ? statusOf(box) : "for new boxes";
    this.status.title = box?.rule ?? "";
    this.status.dataset.status = box?.status ?? "";
    this.confidence.set(box?.proposal?.score ?? null);
    this.uncertainty.set(box?.proposal?.uncertainty ?? null);
    this.place.textContent = box ? placeOf(box) : "No box in hand";
    this.classButton.disabled = !editor.draft;
    this.accept.disabled = !editor.draft || (!box && !editor.draft.undecided);
    this.reject.disabled = !box || box.status === "rejected";
  }
}

/** @param {Box} box */
function statusOf(box) {
  if (box.rule) return "accepted by rule";
  return box.proposal ? STATUS_WORDS[box.status] : "drawn";
}

/** @param {Box} box */
function placeOf({ xyxy, angle }) {
  const [left, top, right, bottom] = xyxy;
  const size = `${digits(right - left)} × ${digits(bottom - top)} px at ${digits(left)}, ${digits(top)}`;
  return angle ? `${size}, ${Math.round((angle * 180) / Math.PI)}°` : size;
}

/** @param {number} value */
const digits = (value) => String(Math.round(value * 10) / 10);
