/**
 * Choosing a class by typing part of its name.
 *
 * @typedef {import("./editor.js").Editor} Editor
 */

import { make } from "./elements.js";
import { ranked } from "./fuzzy.js";

const SHOWN = 9;

export class ClassChooser {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    /** @type {{id: number, name: string, color: string}[]} */
    this.found = [];
    this.at = 0;
    this.field = /** @type {HTMLInputElement} */ (
      make("input", {
        type: "text",
        class: "chooser-field",
        placeholder: "Type a class",
        role: "combobox",
        "aria-label": "Class",
        "aria-expanded": "true",
        "aria-controls": "chooser-list",
        "aria-autocomplete": "list",
        autocomplete: "off",
        spellcheck: "false",
        oninput: () => this.#search(),
        onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
        onblur: () => this.close(),
      })
    );
    this.list = make("ul", { id: "chooser-list", class: "chooser-list", role: "listbox", "aria-label": "Classes" });
    this.element = make("div", { class: "chooser", hidden: true }, this.field, this.list);
  }

  open() {
    if (!this.editor.draft) return;
    this.element.hidden = false;
    this.field.value = "";
    this.#search();
    this.field.focus();
  }

  close() {
    if (this.element.hidden) return;
    this.element.hidden = true;
    this.editor.stage.focus({ preventScroll: true });
  }

  #search() {
    const { classes } = this.editor;
    const names = classes.map((one) => one.name);
    this.found = ranked(this.field.value, names).slice(0, SHOWN).map((at) => classes[at]);
    this.at = 0;
    this.list.replaceChildren(...this.found.map((one, at) => this.#row(one, at)));
    if (!this.found.length) this.list.replaceChildren(make("li", { class: "empty" }, "No class has such a name"));
    this.#mark();
  }

  /** @param {{id: number, name: string, color: string}} one @param {number} at */
  #row(one, at) {
    const swatch = make("i", { class: "swatch" });
    swatch.style.background = one.color;
    return make(
      "li",
      {
        id: `chooser-${at}`,
        role: "option",
        onpointerdown: (/** @type {Event} */ event) => {
          event.preventDefault();
          this.#take(at);
        },
      },
      swatch,
      one.name,
    );
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    event.stopPropagation();
    if (event.key === "Enter" || event.key === "Tab") this.#take(this.at);
    else if (event.key === "Escape") this.close();
    else if (event.key === "ArrowDown") this.#move(1);
    else if (event.key === "ArrowUp") this.#move(-1);
    else return;
    event.preventDefault();
  }

  /** @param {number} step */
  #move(step) {
    const count = this.found.length;
    this.at = count ? (this.at + step + count) % count : 0;
    this.#mark();
  }

  #mark() {
    [...this.list.children].forEach((row, at) => row.setAttribute("aria-selected", String(at === this.at)));
    this.field.setAttribute("aria-activedescendant", `chooser-${this.at}`);
  }

  /** @param {number} at */
  #take(at) {
    const chosen = this.found[at];
    this.close();
    if (chosen) this.editor.run("setClass", chosen.id);
  }
}
