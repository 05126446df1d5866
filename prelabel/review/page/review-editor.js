/**
 * The editor as a reviewer sees it: what was proposed lies dashed below what became of it.
 *
 * @typedef {import("./types.js").Box} Box
 * @typedef {import("./paint.js").Group} Group
 */

import { liesElsewhere } from "./changes.js";
import { Editor } from "./editor.js";

export class ReviewEditor extends Editor {
  /** Whether the proposals behind changed boxes are shown. */
  showsOriginals = true;

  /** Called after every change of the boxes. @type {(() => void) | null} */
  onRefresh = null;

  refresh() {
    super.refresh();
    if (this.showsOriginals) this.scene.groups.unshift(...this.#originals());
    this.onRefresh?.();
  }

  toggleOriginals() {
    this.showsOriginals = !this.showsOriginals;
    this.refresh();
    this.say(this.showsOriginals ? "What was proposed is shown dashed" : "Only the result is shown");
  }

  /** @returns {Group[]} */
  #originals() {
    const boxes = [...(this.draft?.boxes() ?? [])].filter(isTellingOriginal);
    return boxes.map((box) => {
      const proposal = /** @type {import("./types.js").Proposal} */ (box.proposal);
      const gone = box.status === "rejected";
      return {
        look: gone ? "out" : "weak",
        color: this.classColor(proposal.class_id),
        name: `${gone ? "deleted" : "was"} ${this.className(proposal.class_id)}`,
        boxes: [{ ...box, ...proposal, id: `${box.id} as proposed`, status: "proposed" }],
      };
    });
  }
}

/** Whether the proposal behind a box shows something that the box does not. @param {Box} box */
function isTellingOriginal(box) {
  return box.proposal !== null && (box.status === "rejected" || (box.status === "accepted" && liesElsewhere(box)));
}
