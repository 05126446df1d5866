/**
 * The overlay that shows every key, made from the table that the keyboard itself goes by.
 */

import { make } from "./elements.js";

/** @typedef {{ group: string, rows: { keys: string[], title: string }[] }} KeyRows */

/** A dialog with all keys, opened and closed by the same key. */
export class Help {
  /** @param {() => KeyRows[]} groups  As `helpRows` of keys.js; asked whenever the help opens. */
  constructor(groups) {
    this.groups = groups;
    this.rows = make("div", { class: "help-groups" });
    const title = make("h2", { id: "help-title" }, "Keys");
    const close = make(
      "button",
      { type: "button", class: "quiet", "aria-label": "Close", onclick: () => this.close() },
      "×",
    );
    this.dialog = /** @type {HTMLDialogElement} */ (
      make(
        "dialog",
        { class: "help", "aria-labelledby": "help-title", tabindex: -1, autofocus: true },
        make("header", {}, title, close),
        this.rows,
      )
    );
    this.dialog.addEventListener("keydown", (event) => {
      if (event.key !== "?" && event.key !== "F1") return;
      event.preventDefault();
      event.stopPropagation();
      this.close();
    });
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.close());
    document.body.append(this.dialog);
  }

  get isOpen() {
    return this.dialog.open;
  }

  open() {
    if (this.dialog.open) return;
    this.rows.replaceChildren(...this.groups().map(groupView));
    this.dialog.showModal();
  }

  close() {
    this.dialog.close();
  }

  toggle() {
    if (this.isOpen) this.close();
    else this.open();
  }
}

/** @param {KeyRows} group */
function groupView({ group, rows }) {
  return make(
    "section",
    {},
    make("h3", {}, group),
    make("dl", {}, ...rows.map(({ keys, title }) => make("div", {}, make("dt", {}, ...caps(keys)), make("dd", {}, title)))),
  );
}

/** Each way to press it as key caps. @param {string[]} keys */
function caps(keys) {
  return keys.flatMap((key, at) => [at ? " or " : null, make("kbd", {}, key)]);
}
