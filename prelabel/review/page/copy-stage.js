/**
 * A second stage that shows what somebody else made of the same frame, looking where the editor
 * looks. Boxes that have no partner with the editor's stand out.
 *
 * @typedef {import("./types.js").Box} Box
 */

import { partnered } from "./changes.js";
import { ALL, BOXES, Canvas, PICTURE } from "./canvas.js";

export class CopyStage {
  /**
   * @param {HTMLElement} stage
   * @param {import("./editor.js").Editor} editor
   */
  constructor(stage, editor) {
    this.editor = editor;
    this.scene = { ...editor.scene, groups: [], selected: null, live: null, hovered: null, cross: false };
    this.canvas = new Canvas(stage, this.scene, () => undefined);
    /** @type {Box[] | null} */
    this.boxes = null;
    this.#follow();
  }

  /** What the editor draws anew, this stage does too: the view is the same object. */
  #follow() {
    const { canvas } = this.editor;
    const touch = canvas.touch.bind(canvas);
    canvas.touch = (layers) => {
      touch(layers);
      if (this.boxes && layers & (PICTURE | BOXES)) this.#draw(layers & (PICTURE | BOXES));
    };
  }

  /** @param {Box[] | null} boxes null: nobody else's are shown */
  show(boxes) {
    this.boxes = boxes;
    if (boxes) this.#draw(ALL);
  }

  #draw(layers) {
    const { editor, scene } = this;
    scene.picture = editor.scene.picture;
    scene.peek = editor.scene.peek;
    scene.opacity = editor.scene.opacity;
    const mine = [...(editor.draft?.boxes() ?? [])];
    const alike = partnered(this.boxes ?? [], mine);
    scene.groups = (this.boxes ?? [])
      .filter((box) => box.status === "accepted")
      .map((box) => ({
        look: alike.has(box.id) ? "done" : "open",
        color: editor.classColor(box.class_id),
        name: editor.className(box.class_id),
        boxes: [box],
      }));
    this.canvas.touch(layers);
  }
}
