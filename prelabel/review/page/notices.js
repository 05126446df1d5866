/** Messages that stay until a person has read them, over the top of the picture. */

import { make } from "./elements.js";

export class Notices {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
    place.setAttribute("role", "alert");
  }

  /**
   * @param {string} text @param {{label: string, run: () => void}[]} [actions]
   * @param {string} [kind] a message of the same kind takes the place of the one before
   */
  tell(text, actions = [], kind = text) {
    this.drop(kind);
    const close = make("button", { type: "button", class: "quiet", "aria-label": "Close", onclick: () => notice.remove() }, "×");
    const notice = make(
      "div",
      { class: "notice", "data-kind": kind },
      make("p", {}, text),
      ...actions.map(({ label, run }) => make("button", { type: "button", onclick: run }, label)),
      close,
    );
    this.place.append(notice);
  }

  /** @param {string} kind */
  drop(kind) {
    this.place.querySelector(`[data-kind="${CSS.escape(kind)}"]`)?.remove();
  }
}
