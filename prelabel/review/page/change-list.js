/**
 * The list of what an annotator did to the boxes of a frame, to walk through and to look at.
 *
 * @typedef {import("./types.js").Box} Box
 * @typedef {import("./changes.js").Change} Change
 */

import { ACTIONS, changesOf, liesElsewhere, standsElsewhere } from "./changes.js";
import { make } from "./elements.js";
import { counted } from "./wording.js";

const TITLES = {
  deleted: "Deleted",
  drawn: "Drawn",
  reclassed: "Other class",
  moved: "Moved",
  accepted: "Accepted as proposed",
};

export class ChangeList {
  /**
   * @param {HTMLElement} root
   * @param {{ className: (id: number) => string, classColor: (id: number) => string,
   *   select: (id: string) => void }} around
   */
  constructor(root, around) {
    this.root = root;
    this.around = around;
    /** @type {Change[]} in the order shown */
    this.changes = [];
  }

  /** @param {Iterable<Box>} boxes @param {string | null} selectedId */
  show(boxes, selectedId) {
    this.changes = changesOf(boxes);
    const groups = ACTIONS.map((action) => ({
      action,
      changes: this.changes.filter((change) => change.actions[0] === action),
    })).filter((group) => group.changes.length);
    this.root.replaceChildren(
      ...groups.map((group) => this.#group(group, selectedId)),
      groups.length ? "" : make("p", { class: "empty" }, "There is no box on this frame."),
    );
  }

  /** The box of the change after this one, around the end. @param {string | null} id @param {1 | -1} step */
  after(id, step) {
    const count = this.changes.length;
    if (!count) return null;
    const at = this.changes.findIndex((change) => change.box.id === id);
    const next = at < 0 && step < 0 ? count - 1 : (at + step + count) % count;
    return this.changes[next].box.id;
  }

  #group({ action, changes }, selectedId) {
    const isOpen = action !== "accepted" || changes.some((change) => change.box.id === selectedId);
    return make(
      "details",
      { class: `change-group change-${action}`, open: isOpen },
      make(
        "summary",
        {},
        make("span", { class: "change-title" }, TITLES[action]),
        make("span", { class: "change-count" }, changes.length),
      ),
      make("ul", {}, ...changes.map((change) => this.#row(change, selectedId))),
    );
  }

  /** @param {Change} change @param {string | null} selectedId */
  #row({ box, actions }, selectedId) {
    const { className, classColor, select } = this.around;
    const dot = make("i", { class: "dot" });
    dot.style.background = classColor(box.class_id);
    const isSelected = box.id === selectedId;
    return make(
      "li",
      {},
      make(
        "button",
        { type: "button", "aria-current": isSelected && "true", onclick: () => select(box.id) },
        dot,
        make("span", { class: "change-what" }, ...this.#what(box, actions, className)),
        box.proposal && make("span", { class: "change-score" }, box.proposal.score.toFixed(2)),
      ),
    );
  }

  /** @param {Box} box @param {string[]} actions @param {(id: number) => string} className */
  #what(box, actions, className) {
    const name = className(box.class_id);
    const parts = actions.includes("reclassed") && box.proposal
      ? [make("del", {}, className(box.proposal.class_id)), " → ", make("ins", {}, name)]
      : [name];
    if (!actions.includes("moved") || !box.proposal) return parts;
    const by = liesElsewhere(box) ? [`by ${counted(farthest(box), "pixel")}`] : [];
    if (standsElsewhere(box)) by.push("in height");
    return [...parts, make("span", { class: "change-by" }, ` ${by.join(", ")}`)];
  }
}

/** How far the side that moved most has moved, in whole pixels. @param {Box} box */
function farthest(box) {
  const before = box.proposal?.xyxy ?? box.xyxy;
  return Math.max(1, Math.round(Math.max(...box.xyxy.map((edge, at) => Math.abs(edge - before[at])))));
}
