/**
 * The panel at the right: why the frame is here, the box in hand, classes, filter, all boxes.
 *
 * @typedef {import("./editor.js").Editor} Editor
 * @typedef {import("./types.js").TaskView} TaskView
 * @typedef {{command: string, label: string, strong?: boolean}} Action the strong one comes last
 */

import { BoxList } from "./boxlist.js";
import { commandButton } from "./buttons.js";
import { ClassGrid } from "./classgrid.js";
import { make } from "./elements.js";
import { Hand } from "./hand.js";
import { icon } from "./icons.js";

export class Panel {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    this.why = make("section", { class: "why", "aria-label": "Why this frame" });
    this.hand = new Hand(editor);
    this.classes = new ClassGrid(editor);
    this.list = new BoxList(editor);
    this.count = make("span", { class: "count" });
    this.filterValue = make("output", { class: "filter-value" });
    const range = { type: "range", min: 0, max: 1, step: 0.05, "aria-label": "Show boxes from this score on" };
    const oninput = () => editor.setFilter(Number(this.filter.value));
    const onpointerup = () => editor.stage.focus({ preventScroll: true });
    this.filter = /** @type {HTMLInputElement} */ (make("input", { ...range, oninput, onpointerup }));
    this.buttons = (editor.options.actions ?? []).map(({ command, label, strong }) =>
      commandButton(editor, { command, label, class: strong ? "strong" : "" }),
    );
    this.element = make(
      "aside",
      { class: "panel", "aria-label": "Boxes of this frame" },
      this.why,
      this.hand.element,
      this.classes.element,
      this.#boxes(),
      make("footer", { class: "actions" }, ...this.buttons),
    );
  }

  #boxes() {
    return make(
      "section",
      { class: "boxes" },
      make("header", { class: "boxes-head" }, make("h2", {}, "Boxes"), this.count),
      make("label", { class: "filter" }, make("span", {}, "Score from"), this.filter, this.filterValue),
      this.list.element,
    );
  }

  /** Another frame, or none. @param {TaskView | null} task */
  show(task) {
    this.why.replaceChildren(...(task ? whyNodes(task) : []));
    this.list.reset();
  }

  update() {
    const { draft, selected, filter } = this.editor;
    const left = draft?.undecided ?? 0;
    this.hand.update(selected);
    this.classes.update();
    this.count.textContent = draft ? (left ? `${left} left to decide` : "all decided") : "";
    this.count.classList.toggle("is-done", draft !== null && !left);
    this.filter.value = String(filter);
    this.filter.disabled = !draft;
    this.filterValue.textContent = filter.toFixed(2);
    for (const button of this.buttons) button.disabled = !draft;
    this.buttons.at(-1)?.classList.toggle("is-ready", draft !== null && !left);
    this.list.update();
  }
}

/** @param {TaskView} task */
function whyNodes(task) {
  return [
    task.sent_back_reason &&
      make(
        "div",
        { class: "sent-back", role: "note" },
        icon("back", 16),
        make("div", {}, make("strong", {}, "Sent back to you"), make("p", {}, task.sent_back_reason)),
      ),
    make("h2", {}, task.is_control ? "A random frame" : "Why this frame"),
    make("p", { class: "reason" }, task.reason),
    task.is_control &&
      make("p", { class: "control" }, "Drawn by chance, to measure the proposals. Please look well for missing objects."),
  ].filter((node) => node instanceof Node);
}
