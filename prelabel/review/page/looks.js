/**
 * How boxes look on the stage, by what has become of them.
 *
 * @typedef {import("./types.js").Box} Box
 * @typedef {import("./canvas.js").Scene} Scene
 * @typedef {import("./paint.js").Group} Group
 * @typedef {import("./paint.js").Look} Look
 */

import { isWeak } from "./boxes.js";

/** @param {Box} box @param {number} shownScore @returns {Look} */
export function lookOf(box, shownScore) {
  if (box.status === "accepted") return "done";
  if (box.status === "rejected") return "out";
  return isWeak(box, shownScore) ? "weak" : "open";
}

/**
 * The boxes at rest, by look and class.
 *
 * @param {import("./editor.js").Editor} editor
 * @returns {Group[]}
 */
export function groupsOf(editor) {
  /** @type {Map<string, Group>} */
  const groups = new Map();
  for (const box of editor.visible()) {
    if (box.id === editor.selectedId) continue;
    const look = editor.lookOf(box);
    const key = `${look} ${box.class_id}`;
    const group = groups.get(key);
    if (group) group.boxes.push(box);
    else {
      const color = editor.classColor(box.class_id);
      groups.set(key, { look, color, name: editor.className(box.class_id), boxes: [box] });
    }
  }
  return [...groups.values()];
}

/**
 * A stage with nothing on it.
 *
 * @param {import("./preferences.js").Preferences} preferences @param {boolean} turns
 * @returns {Scene}
 */
export function newScene(preferences, turns) {
  return {
    picture: null,
    view: { scale: 1, x: 0, y: 0 },
    groups: [],
    selected: null,
    live: null,
    liveColor: "#ffffff",
    selectedLook: "open",
    selectedName: "",
    hovered: null,
    hoveredColor: "#ffffff",
    cross: false,
    pointer: { x: -100, y: -100 },
    opacity: preferences.opacity,
    labels: preferences.labels,
    peek: false,
    turns,
  };
}
