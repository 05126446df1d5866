/**
 * All boxes of the frame, most doubtful first. Only the rows in sight exist, so that a frame of
 * five hundred boxes costs no more than one of ten.
 *
 * @typedef {import("./types.js").Box} Box
 * @typedef {import("./editor.js").Editor} Editor
 * @typedef {{element: HTMLElement, mark: HTMLElement, swatch: HTMLElement, name: HTMLElement,
 *   score: HTMLElement, doubt: HTMLElement, id: string | null}} Row
 */

import { doubt } from "./boxes.js";
import { make } from "./elements.js";

const ROW_PX = 28;
const SPARE_ROWS = 4;
const MARKS = { proposed: "", accepted: "✓", rejected: "×" };

export class BoxList {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    /** @type {Row[]} */
    this.rows = [];
    /** @type {Box[]} */
    this.boxes = [];
    this.height = 0;
    this.top = 0;
    this.held = make("div", { class: "rows", role: "listbox", "aria-label": "Boxes, most doubtful first" });
    this.element = make("div", { class: "box-list", tabindex: -1, onscroll: () => this.#scrolled() }, this.held);
    new ResizeObserver(([entry]) => {
      this.height = entry.contentRect.height;
      this.#fill();
    }).observe(this.element);
  }

  /** Another frame: from the top. */
  reset() {
    this.element.scrollTop = 0;
    this.top = 0;
  }

  update() {
    const { editor } = this;
    this.boxes = editor.draft ? [...editor.draft.boxes()].filter((box) => this.#isListed(box)) : [];
    this.held.style.height = `${this.boxes.length * ROW_PX}px`;
    this.#reveal();
    this.#fill();
  }

  /** Rejected proposals stay in the list, to be found again. @param {Box} box */
  #isListed(box) {
    const { editor } = this;
    if (editor.isVisible(box)) return true;
    return box.status === "rejected" && (box.proposal?.score ?? 0) >= editor.filter;
  }

  /** Bring the selected row into sight. */
  #reveal() {
    const at = this.boxes.findIndex((box) => box.id === this.editor.selectedId);
    if (at < 0 || !this.height) return;
    const top = at * ROW_PX;
    if (top >= this.top && top + ROW_PX <= this.top + this.height) return;
    this.top = Math.max(Math.min(top - this.height / 3, this.boxes.length * ROW_PX - this.height), 0);
    this.element.scrollTop = this.top;
  }

  #scrolled() {
    this.top = this.element.scrollTop;
    this.#fill();
  }

  #fill() {
    const first = Math.max(Math.floor(this.top / ROW_PX) - 1, 0);
    const wanted = Math.ceil(this.height / ROW_PX) + SPARE_ROWS;
    while (this.rows.length < wanted) this.rows.push(this.#newRow());
    this.rows.forEach((row, at) => this.#set(row, first + at));
  }

  /** @returns {Row} */
  #newRow() {
    const mark = make("span", { class: "row-mark" });
    const swatch = make("i", { class: "swatch" });
    const name = make("span", { class: "row-name" });
    const score = make("span", { class: "row-score" });
    const doubted = make("span", { class: "row-doubt" });
    /** @type {Row} */
    const row = {
      element: make("div", { class: "row", role: "option" }, mark, swatch, name, doubted, score),
      mark, swatch, name, score, doubt: doubted, id: null,
    };
    row.element.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.editor.stage.focus({ preventScroll: true });
      if (row.id) this.editor.select(row.id);
    });
    this.held.append(row.element);
    return row;
  }

  /** @param {Row} row @param {number} at */
  #set(row, at) {
    const box = this.boxes[at];
    row.element.hidden = !box;
    if (!box) return;
    const { editor } = this;
    row.id = box.id;
    row.element.style.transform = `translateY(${at * ROW_PX}px)`;
    row.element.setAttribute("aria-selected", String(box.id === editor.selectedId));
    row.element.setAttribute("aria-posinset", String(at + 1));
    row.element.setAttribute("aria-setsize", String(this.boxes.length));
    row.element.dataset.look = editor.lookOf(box);
    row.mark.textContent = MARKS[box.status];
    row.swatch.style.background = editor.classColor(box.class_id);
    row.name.textContent = editor.className(box.class_id);
    const by = box.rule ? `Accepted by rule: ${box.rule}. ` : "";
    row.element.title = by + (box.proposal ? `Score ${box.proposal.score.toFixed(2)}, uncertainty ${doubt(box).toFixed(2)}` : "");
    row.score.textContent = box.proposal ? (box.rule ? "rule " : "") + box.proposal.score.toFixed(2) : "drawn";
    row.doubt.style.setProperty("--part", box.proposal ? String(doubt(box)) : "0");
  }
}
