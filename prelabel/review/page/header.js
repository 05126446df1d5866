/**
 * The line above the picture: which frame of how many, whether everything is saved, time today.
 *
 * @typedef {import("./types.js").TaskView} TaskView
 * @typedef {import("./types.js").Me} Me
 * @typedef {import("./types.js").ProjectInfo} ProjectInfo
 * @typedef {import("./outbox.js").Outbox} Outbox
 */

import { make } from "./elements.js";
import { icon } from "./icons.js";
import { keyFor } from "./keys.js";
import { placesFor } from "./masthead.js";
import { counted, duration } from "./wording.js";

/** @type {Record<import("./outbox.js").OutboxState, (waiting: number) => string>} */
const STATES = {
  saved: () => "Saved",
  saving: () => "Saving",
  offline: (waiting) => `Offline, ${counted(waiting, "change")} kept here`,
  login: (waiting) => `Logged out, ${counted(waiting, "change")} kept here`,
  unkept: () => "Not saved: keep this tab open",
};

export class Header {
  /**
   * @param {HTMLElement} root @param {Me} me @param {ProjectInfo} project
   * @param {(command: string) => void} run
   */
  constructor(root, me, project, run) {
    this.run = run;
    this.name = make("span", { class: "frame-name" });
    this.place = make("span", { class: "frame-place" });
    this.control = make("span", { class: "badge", hidden: true }, icon("dice", 14), "Random frame");
    this.bar = make("i", { class: "progress-fill" });
    this.progress = make("div", { class: "progress", role: "progressbar", "aria-label": "Frames handed in" }, this.bar);
    this.state = make("span", { class: "state", role: "status", "data-state": "saved" }, "Saved");
    this.time = make("span", { class: "time", title: "Time you worked today; pauses do not count" });
    root.replaceChildren(
      make("a", { class: "brand", href: "/" }, make("img", { src: "/page/icon.svg", alt: "", width: 22, height: 22 }), project.name),
      make(
        "div",
        { class: "frame-nav" },
        this.#button("previousFrame", "previous", "Previous frame"),
        this.place,
        this.#button("nextFrame", "next", "Next frame"),
        this.name,
        this.control,
      ),
      this.state,
      this.time,
      this.#button("guidelines", "book", "Guidelines"),
      this.#button("help", "keys", "All keys"),
      menu(me, project),
      this.progress,
    );
  }

  /** @param {string} command @param {string} drawing @param {string} label */
  #button(command, drawing, label) {
    const attributes = { type: "button", class: "tool", "aria-label": label, "data-tip": `${label}  ${keyFor(command)}` };
    return make("button", { ...attributes, onclick: () => this.run(command) }, icon(drawing));
  }

  /** @param {TaskView | null} task @param {number} done @param {number} left of everybody */
  frame(task, done, left) {
    const total = done + left;
    this.name.textContent = task?.name ?? "";
    this.name.title = task?.name ?? "";
    this.control.hidden = !task?.is_control;
    this.place.textContent = total ? `${done} of ${total} done` : "";
    this.bar.style.transform = `scaleX(${total ? done / total : 0})`;
    this.progress.setAttribute("aria-valuemax", String(total));
    this.progress.setAttribute("aria-valuenow", String(done));
  }

  /** @param {Outbox} outbox */
  saving({ state, waiting }) {
    const text = STATES[state](waiting);
    if (this.state.textContent !== text) this.state.textContent = text;
    this.state.dataset.state = state;
  }

  /** @param {number} seconds */
  worked(seconds) {
    const text = `${seconds < 60 ? "0 min" : duration(Math.floor(seconds / 60) * 60).replace(/ 00 s$/, "")} today`;
    if (this.time.textContent !== text) this.time.textContent = text;
  }
}

/** @param {Me} me @param {ProjectInfo} project */
function menu(me, project) {
  const links = placesFor(me, project).map(({ path, name }) =>
    make("a", { href: path, "aria-current": path === location.pathname && "page" }, name),
  );
  return make(
    "details",
    { class: "menu" },
    make("summary", { class: "tool", "aria-label": "Menu" }, icon("menu")),
    make("nav", { "aria-label": "Pages" }, make("p", { class: "menu-who" }, me.person), ...links),
  );
}
