/** All classes with their numbers: a press sets the class of the box in hand, or of new boxes. */

import { commandButton } from "./buttons.js";
import { make } from "./elements.js";

export class ClassGrid {
  /** @param {import("./editor.js").Editor} editor */
  constructor(editor) {
    this.editor = editor;
    this.buttons = editor.classes.map((one, at) => {
      const swatch = make("i", { class: "swatch" });
      swatch.style.background = one.color;
      const key = at < 10 ? String((at + 1) % 10) : "";
      const what = { command: "setClass", argument: one.id, class: "class", attributes: { title: one.name } };
      return commandButton(editor, what, make("kbd", {}, key), swatch, make("span", {}, one.name));
    });
    this.element = make(
      "section",
      { class: "classes", "aria-label": "Classes" },
      make("div", { class: "class-grid" }, ...this.buttons),
    );
  }

  update() {
    const { editor } = this;
    const current = editor.selected?.class_id ?? editor.drawClass;
    editor.classes.forEach((one, at) => {
      const button = /** @type {HTMLButtonElement} */ (this.buttons[at]);
      button.setAttribute("aria-pressed", String(one.id === current));
      button.disabled = !editor.draft;
    });
  }
}
