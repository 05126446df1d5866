/**
 * What keys and buttons do within a frame. The page adds the commands that reach beyond it.
 *
 * @typedef {import("./editor.js").Editor} Editor
 * @typedef {import("./types.js").Box} Box
 * @typedef {(editor: Editor, argument?: any) => void} Command
 */

import { bounds, moved, resized, wrapped } from "./geometry.js";
import { counted } from "./wording.js";

const OPACITIES = [1, 0.6, 0.3];
const DEGREE = Math.PI / 180;
/** How far a copy stands from its box, in pixels of the stage. */
const COPY_OFFSET_PX = 14;

/** @type {Record<string, Command>} */
export const COMMANDS = {
  accept,
  reject,
  classAt: (editor, at) => setClass(editor, editor.classes[at]?.id),
  classAtAndNext(editor, at) {
    if (!editor.selected || !editor.classes[at]) return;
    setClass(editor, editor.classes[at].id);
    goOn(editor);
  },
  setClass,
  chooseClass: (editor) => editor.chooser.open(),
  nextBox: (editor) => step(editor, 1),
  previousBox: (editor) => step(editor, -1),
  nextPlace,
  takePlace,
  acceptRest,
  escape,
  selectTool: (editor) => editor.setTool("select"),
  draw(editor) {
    if (!editor.classes.length) return editor.say("The project has no classes to draw");
    editor.setTool(editor.tool === "draw" ? "select" : "draw");
    if (editor.tool === "draw") editor.say(`Drawing ${editor.className(editor.drawClass)}`);
  },
  redraw(editor) {
    if (!editor.selected) return editor.say("No box in hand to draw anew");
    editor.setTool(editor.tool === "redraw" ? "select" : "redraw");
    if (editor.tool === "redraw") editor.say("Draw it from corner to corner: it stays what it was proposed as");
  },
  arrow(editor, [x, y]) {
    if (editor.selected) return nudge(editor, x, y);
    if (y === 0) editor.run(x > 0 ? "nextFrame" : "previousFrame");
  },
  stretch,
  rotate,
  duplicate,
  undo: (editor) => travel(editor, "undo"),
  redo: (editor) => travel(editor, "redo"),
  fit: (editor) => editor.camera.whole(),
  zoomToBox(editor) {
    if (editor.selected) editor.camera.towards(bounds(editor.selected.xyxy, editor.selected.angle));
  },
  zoom: (editor, factor) => editor.camera.zoom(factor, undefined, undefined, true),
  zoomOut: (editor) => editor.run("zoom", 0.8),
  autoZoom(editor) {
    editor.preferences.autoZoom = !editor.preferences.autoZoom;
    editor.toolbar.update();
    editor.say(editor.preferences.autoZoom ? "Zooms to boxes by itself" : "Stays where you look");
  },
  hideAccepted(editor) {
    editor.hideAccepted(!editor.hidesAccepted);
    editor.say(editor.hidesAccepted ? "Accepted boxes are hidden" : "Accepted boxes are shown");
  },
  opacity(editor) {
    const at = OPACITIES.indexOf(editor.preferences.opacity);
    const opacity = OPACITIES[(at + 1) % OPACITIES.length];
    editor.preferences.opacity = opacity;
    editor.scene.opacity = opacity;
    editor.refresh();
    editor.say(`Opacity ${opacity * 100} %`);
  },
  labels(editor) {
    editor.preferences.labels = !editor.preferences.labels;
    editor.scene.labels = editor.preferences.labels;
    editor.refresh();
  },
  filter(editor, change) {
    editor.setFilter(editor.filter + change);
    editor.say(`Boxes with a score of ${editor.filter.toFixed(2)} or more`);
  },
  nextRegion(editor) {
    const regions = [editor.stage, editor.toolbar.element, editor.panel.element];
    if (editor.around?.scene) regions.push(editor.around.element);
    const at = regions.findIndex((one) => one.contains(document.activeElement));
    const next = regions[(at + 1) % regions.length];
    const first = next === editor.stage ? next : next.querySelector("button:not(:disabled)");
    /** @type {HTMLElement | null} */ (first)?.focus();
  },
};

/** @param {Editor} editor */
function accept(editor) {
  const box = editor.selected;
  if (box && box.status !== "accepted") {
    editor.change("accept", [{ ...box, status: "accepted" }]);
    editor.say(`Accepted ${editor.className(box.class_id)}, ${left(editor)}`);
  }
  goOn(editor);
}

/** @param {Editor} editor */
function reject(editor) {
  const box = editor.selected;
  if (!box) return;
  if (box.status !== "rejected") {
    editor.change("reject", [{ ...box, status: "rejected" }]);
    const what = box.proposal ? "Rejected" : "Deleted";
    editor.say(`${what} ${editor.className(box.class_id)}, ${left(editor)}`);
  }
  goOn(editor);
}

/** @param {Editor} editor */
const left = (editor) => `${editor.draft?.undecided ?? 0} left`;

/**
 * On to the next box to decide on: those that must be first, then weak ones that are shown.
 *
 * @param {Editor} editor
 */
export function goOn(editor) {
  const { draft } = editor;
  if (!draft) return;
  if (editor.tool !== "select") editor.setTool("select");
  const seen = (/** @type {Box} */ box) => editor.isShown(box);
  const next =
    draft.after(editor.selectedId, 1, (box) => draft.isOpen(box) && seen(box)) ??
    draft.after(editor.selectedId, 1, (box) => box.status === "proposed" && seen(box));
  if (next) return editor.select(next.id);
  editor.select(null);
  editor.camera.whole();
  const hidden = draft.undecided;
  if (hidden) editor.say(`${counted(hidden, "box", "boxes")} to decide on, hidden by the score filter`);
  else if (draft.openPlaces.length) {
    const places = counted(draft.openPlaces.length, "place");
    editor.say(`All decided. Q shows ${places} where something may be missing; Enter submits.`);
  } else editor.say("All decided. Is anything missing? Enter submits.");
}

/** @param {Editor} editor @param {1 | -1} direction */
function step(editor, direction) {
  const { draft } = editor;
  const box = draft?.after(editor.selectedId, direction, (one) => editor.isVisible(one));
  if (!draft || !box) return editor.say("No box is shown");
  editor.select(box.id);
  const score = box.proposal ? `, score ${box.proposal.score.toFixed(2)}` : "";
  editor.say(`${editor.className(box.class_id)}, ${box.status}${score}`);
}

/** On to the next place where an object may have been missed, the likeliest first. @param {Editor} editor */
function nextPlace(editor) {
  const places = editor.draft?.openPlaces ?? [];
  if (!places.length) return editor.say("No place is marked where something may be missing");
  const at = places.findIndex((box) => box.id === editor.selectedId);
  const place = places[(at + 1) % places.length];
  editor.select(place.id);
  editor.say(`Is this a ${editor.className(place.class_id)}? Place ${((at + 1) % places.length) + 1} of ${places.length}`);
}

/** The place in hand becomes a box. @param {Editor} editor */
function takePlace(editor) {
  const { draft, selected } = editor;
  if (!draft || !selected || !draft.isPlace(selected)) return editor.say("No marked place is in hand: Q goes to one");
  editor.change("accept", [{ ...selected, status: "accepted" }]);
  editor.say(`Box of ${editor.className(selected.class_id)}, ${counted(draft.openPlaces.length, "place")} left to look at`);
}

/** @param {Editor} editor @param {number | undefined} classId */
function setClass(editor, classId) {
  if (classId === undefined || !editor.classById.has(classId)) return;
  editor.drawClass = classId;
  const box = editor.selected;
  const name = editor.className(classId);
  if (!box) {
    editor.refresh();
    return editor.say(`New boxes are ${name}`);
  }
  if (box.class_id === classId && box.status === "accepted") return;
  const action = box.class_id === classId ? "accept" : "class";
  editor.change(action, [{ ...box, class_id: classId, status: "accepted" }]);
  editor.options.onClass?.(name);
  editor.say(`${name}, ${left(editor)}`);
}

/** @param {Editor} editor */
export function acceptRest(editor) {
  const { draft } = editor;
  if (!draft) return;
  const rest = [...draft.boxes()].filter((box) => draft.isOpen(box) && editor.isVisible(box));
  editor.change("accept_rest", rest.map((box) => ({ ...box, status: "accepted" })));
  editor.select(null);
  editor.camera.whole();
  editor.say(rest.length ? `Accepted ${counted(rest.length, "box", "boxes")}, ${left(editor)}` : "All decided already");
}

/** @param {Editor} editor */
function escape(editor) {
  if (editor.pointer.cancel()) return;
  if (editor.tool !== "select") editor.setTool("select");
  else editor.select(null);
}

/** @param {Editor} editor @param {number} x @param {number} y in pixels of the picture */
function nudge(editor, x, y) {
  const box = editor.selected;
  if (!box) return;
  const xyxy = moved(box.xyxy, box.angle, x, y, editor.picture);
  editor.reshape("move", { xyxy, angle: box.angle }, `move ${box.id}`);
}

/** @type {Command} */
function stretch(editor, [x, y]) {
  const box = editor.selected;
  if (!box) return;
  const handle = { x: /** @type {0 | 1} */ (x ? 1 : 0), y: /** @type {0 | 1} */ (y ? 1 : 0) };
  const turn = box.angle ?? 0; // the edge moves along the box, whichever way it is turned
  const dx = x * Math.cos(turn) - y * Math.sin(turn);
  const dy = x * Math.sin(turn) + y * Math.cos(turn);
  const xyxy = resized(box.xyxy, box.angle, handle, dx, dy, editor.picture);
  editor.reshape("resize", { xyxy, angle: box.angle }, `resize ${box.id}`);
}

/** @param {Editor} editor @param {number} degrees */
function rotate(editor, degrees) {
  const box = editor.selected;
  if (!box) return;
  if (!editor.scene.turns) return editor.say("Boxes of this project are upright");
  const angle = wrapped((box.angle ?? 0) + degrees * DEGREE);
  editor.reshape("turn", { xyxy: box.xyxy, angle }, `turn ${box.id}`);
}

/** @param {Editor} editor */
function duplicate(editor) {
  const box = editor.selected;
  if (!box) return;
  const offset = COPY_OFFSET_PX / editor.scene.view.scale;
  const inside = box.xyxy[2] + offset <= editor.picture.width ? offset : -offset;
  const xyxy = moved(box.xyxy, box.angle, inside, offset, editor.picture);
  editor.add("duplicate", { xyxy, angle: box.angle, class_id: box.class_id, height_m: box.height_m });
  editor.say(`Duplicated ${editor.className(box.class_id)}`);
}

/** @param {Editor} editor @param {"undo" | "redo"} direction */
function travel(editor, direction) {
  const edit = editor.travel(direction);
  const done = direction === "undo" ? "Undone" : "Done again";
  if (!edit) return editor.say(direction === "undo" ? "Nothing to undo" : "Nothing to do again");
  const box = editor.selected;
  if (box) editor.camera.towards(bounds(box.xyxy, box.angle));
  return editor.say(`${done}, ${left(editor)}`);
}
