/**
 * The strip of tools at the left: everything the keyboard does to the look and the boxes, by hand.
 *
 * @typedef {import("./editor.js").Editor} Editor
 * @typedef {object} Tool
 * @property {string} command
 * @property {any} [argument]
 * @property {string} icon
 * @property {string} label
 * @property {(editor: Editor) => boolean} [isOn] for what is switched on and off
 * @property {(editor: Editor) => boolean} [isIdle] nothing to do at present
 */

import { commandButton } from "./buttons.js";
import { make } from "./elements.js";
import { icon } from "./icons.js";
import { keyFor } from "./keys.js";

/** Tools whose key does more than the tool. @type {Record<string, string>} */
const OTHER_KEYS = { selectTool: "Esc", zoomOut: "-" };

/** @type {Tool[][]} */
const GROUPS = [
  [
    { command: "selectTool", icon: "select", label: "Select", isOn: (editor) => editor.tool === "select" },
    { command: "draw", icon: "draw", label: "Draw", isOn: (editor) => editor.tool === "draw" },
    {
      command: "redraw",
      icon: "redraw",
      label: "Draw anew",
      isOn: (editor) => editor.tool === "redraw",
      isIdle: (editor) => !editor.selected,
    },
    { command: "duplicate", icon: "copy", label: "Duplicate", isIdle: (editor) => !editor.selected },
  ],
  [
    { command: "undo", icon: "undo", label: "Undo", isIdle: (editor) => !editor.draft?.done.length },
    { command: "redo", icon: "redo", label: "Redo", isIdle: (editor) => !editor.draft?.undone.length },
  ],
  [
    { command: "fit", icon: "fit", label: "Whole picture" },
    { command: "zoom", argument: 1.25, icon: "plus", label: "Zoom in" },
    { command: "zoomOut", icon: "minus", label: "Zoom out" },
    { command: "autoZoom", icon: "aim", label: "Zoom to boxes by itself", isOn: (editor) => editor.preferences.autoZoom },
  ],
  [
    { command: "hideAccepted", icon: "hide", label: "Hide accepted", isOn: (editor) => editor.hidesAccepted },
    { command: "labels", icon: "tag", label: "Class names", isOn: (editor) => editor.preferences.labels },
    { command: "opacity", icon: "opacity", label: "Opacity" },
  ],
];

export class Toolbar {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    /** @type {{tool: Tool, button: HTMLButtonElement}[]} */
    this.buttons = [];
    const groups = GROUPS.map((tools) =>
      make("div", { class: "tools", role: "group" }, ...tools.map((tool) => this.#button(tool))),
    );
    this.element = make(
      "div",
      { class: "toolbar", role: "toolbar", "aria-label": "Tools", "aria-orientation": "vertical" },
      ...groups,
    );
  }

  /** @param {Tool} tool */
  #button(tool) {
    const key = keyFor(tool.command) || OTHER_KEYS[tool.command];
    const attributes = { "aria-label": tool.label, "data-tip": `${tool.label}  ${key}` };
    const { command, argument } = tool;
    const button = commandButton(this.editor, { command, argument, class: "tool", attributes }, icon(tool.icon));
    this.buttons.push({ tool, button });
    return button;
  }

  update() {
    const isEmpty = !this.editor.draft;
    for (const { tool, button } of this.buttons) {
      if (tool.isOn) button.setAttribute("aria-pressed", String(tool.isOn(this.editor)));
      button.disabled = isEmpty || (tool.isIdle?.(this.editor) ?? false);
    }
  }
}
