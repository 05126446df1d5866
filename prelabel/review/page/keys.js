/**
 * Every key of the page, in one table: what the keyboard does and what the help overlay shows.
 *
 * @typedef {"Boxes" | "Change" | "Frame" | "Look" | "Height and cameras" | "Mouse and touch"} KeyGroup
 * @typedef {object} Binding
 * @property {string[]} keys as `keyOf` names them
 * @property {string} command a name in the table of commands
 * @property {any} [argument]
 * @property {string} title what it does, for the help
 * @property {KeyGroup} group
 * @property {boolean} [repeats] goes on while the key is held
 * @property {string} [shown] how the help writes the keys, where that is shorter
 */

/** @type {readonly Binding[]} */
export const BINDINGS = Object.freeze([
  ...boxKeys(),
  ...changeKeys(),
  ...frameKeys(),
  ...lookKeys(),
]);

/** @returns {Binding[]} */
function boxKeys() {
  const group = /** @type {const} */ ("Boxes");
  return [
    { keys: ["Space"], command: "accept", title: "Right: accept, and on to the next", group },
    { keys: ["X", "Delete", "Backspace"], command: "reject", title: "Wrong: reject, and on to the next", group },
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 0].map((digit) => ({
      keys: [String(digit)],
      command: "classAt",
      argument: digit === 0 ? 9 : digit - 1,
      title: "Set the class by its number",
      shown: "1 … 9, 0",
      group,
    })),
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 0].map((digit) => ({
      keys: [`Shift+${digit}`],
      command: "classAtAndNext",
      argument: digit === 0 ? 9 : digit - 1,
      title: "Set the class, and on to the next",
      shown: "Shift+1 … 9, 0",
      group,
    })),
    { keys: ["C"], command: "chooseClass", title: "Set the class by typing its name", group },
    { keys: ["Tab", "N"], command: "nextBox", title: "Next box", group, repeats: true },
    { keys: ["Shift+Tab", "P"], command: "previousBox", title: "Previous box", group, repeats: true },
    { keys: ["A"], command: "acceptRest", title: "Accept the rest", group },
    { keys: ["Q"], command: "nextPlace", title: "Next place where something may be missing", group },
    { keys: ["Shift+Q"], command: "takePlace", title: "Make the marked place a box", group },
    { keys: ["Escape"], command: "escape", title: "Let go of the box or the tool", group },
  ];
}

/** @returns {Binding[]} */
function changeKeys() {
  const group = /** @type {const} */ ("Change");
  /** @type {[string, number, number][]} */
  const arrows = [["ArrowLeft", -1, 0], ["ArrowRight", 1, 0], ["ArrowUp", 0, -1], ["ArrowDown", 0, 1]];
  return [
    { keys: ["B"], command: "draw", title: "Draw boxes, until pressed again", group },
    { keys: ["R"], command: "redraw", title: "Draw the box in hand anew", group },
    ...arrows.flatMap(([key, x, y]) => [
      { keys: [key], command: "arrow", argument: [x, y], title: "Move by 1 pixel", shown: "Arrows", group, repeats: true },
      { keys: [`Shift+${key}`], command: "arrow", argument: [10 * x, 10 * y], title: "Move by 10 pixels", shown: "Shift+Arrows", group, repeats: true },
      { keys: [`Ctrl+${key}`], command: "stretch", argument: [x, y], title: "Move the right or bottom edge", shown: "Ctrl+Arrows", group, repeats: true },
      { keys: [`Ctrl+Shift+${key}`], command: "stretch", argument: [10 * x, 10 * y], title: "… by 10 pixels", shown: "Ctrl+Shift+Arrows", group, repeats: true },
    ]),
    { keys: ["["], command: "rotate", argument: -1, title: "Turn left by 1°", group, repeats: true },
    { keys: ["]"], command: "rotate", argument: 1, title: "Turn right by 1°", group, repeats: true },
    { keys: ["Shift+["], command: "rotate", argument: -15, title: "Turn left by 15°", group, repeats: true },
    { keys: ["Shift+]"], command: "rotate", argument: 15, title: "Turn right by 15°", group, repeats: true },
    { keys: ["D"], command: "duplicate", title: "Duplicate the box", group },
    { keys: ["Ctrl+Z"], command: "undo", title: "Undo", group, repeats: true },
    { keys: ["Ctrl+Shift+Z", "Ctrl+Y"], command: "redo", title: "Redo", group, repeats: true },
  ];
}

/** @returns {Binding[]} */
function frameKeys() {
  const group = /** @type {const} */ ("Frame");
  return [
    { keys: ["Enter"], command: "submit", title: "Submit, and on to the next frame", group },
    { keys: ["Shift+Enter"], command: "acceptRestAndSubmit", title: "Accept the rest and submit", group },
    { keys: ["PageDown"], command: "nextFrame", title: "Next frame (→ when no box is selected)", group },
    { keys: ["PageUp"], command: "previousFrame", title: "Previous frame (← when no box is selected)", group },
    { keys: ["S"], command: "skip", title: "Skip the frame, with a reason", group },
    { keys: ["G"], command: "guidelines", title: "Guidelines", group },
    { keys: ["?", "F1"], command: "help", title: "All keys", group },
  ];
}

/** @returns {Binding[]} */
function lookKeys() {
  const group = /** @type {const} */ ("Look");
  return [
    { keys: ["F"], command: "fit", title: "Whole picture", group },
    { keys: ["E"], command: "zoomToBox", title: "Zoom to the box", group },
    { keys: ["+", "="], command: "zoom", argument: 1.25, title: "Zoom in", group, repeats: true },
    { keys: ["-"], command: "zoom", argument: 0.8, title: "Zoom out", group, repeats: true },
    { keys: ["Z"], command: "autoZoom", title: "Zoom to boxes by itself: on, off", group },
    { keys: ["H"], command: "hideAccepted", title: "Hide accepted boxes", group },
    { keys: ["V"], command: "peek", title: "Hold: the picture without boxes", group },
    { keys: ["O"], command: "opacity", title: "Opacity of the boxes", group },
    { keys: ["L"], command: "labels", title: "Class names on the boxes: on, off", group },
    { keys: [","], command: "filter", argument: -0.05, title: "Show weaker proposals", group, repeats: true },
    { keys: ["."], command: "filter", argument: 0.05, title: "Show fewer proposals", group, repeats: true },
    { keys: ["F6"], command: "nextRegion", title: "To the tools, the panel, the picture", group },
  ];
}

/** What hands do on the picture, for the help. @type {readonly {keys: string[], title: string}[]} */
const BY_HAND = Object.freeze([
  { keys: ["Drag a box"], title: "Select and move it" },
  { keys: ["Drag an edge"], title: "Resize the selected box" },
  { keys: ["Click again"], title: "The box below" },
  { keys: ["Shift+Drag"], title: "Draw a box" },
  { keys: ["Drag the ground", "Middle button"], title: "Move the picture" },
  { keys: ["Wheel", "Two fingers"], title: "Zoom" },
]);

/** Keys that some frames bring. @type {Binding[]} */
const ADDED = [];

/** @type {Map<string, Binding>} */
const BY_KEY = new Map(BINDINGS.flatMap((binding) => binding.keys.map((key) => [key, binding])));

/** More keys, from now on, here and in the help. @param {readonly Binding[]} bindings */
export function addBindings(bindings) {
  ADDED.push(...bindings);
  for (const binding of bindings) for (const key of binding.keys) BY_KEY.set(key, binding);
}

/** @param {string} key as `keyOf` names it */
export const bindingOf = (key) => BY_KEY.get(key) ?? null;

/** The first key of a command, as it is shown on buttons. @param {string} command */
export function keyFor(command) {
  const binding = [...BINDINGS, ...ADDED].find((one) => one.command === command);
  return binding ? written(binding.keys[0]) : "";
}

/** How a key is written for people. @param {string} key */
export function written(key) {
  return key
    .replace("Escape", "Esc")
    .replace("ArrowLeft", "←")
    .replace("ArrowRight", "→")
    .replace("ArrowUp", "↑")
    .replace("ArrowDown", "↓")
    .replace("PageDown", "Page ↓")
    .replace("PageUp", "Page ↑");
}

/**
 * The rows of the help: each title once, with the keys that do it.
 *
 * @returns {{group: KeyGroup, rows: {keys: string[], title: string}[]}[]}
 */
export function helpRows() {
  /** @type {Map<KeyGroup, Map<string, string[]>>} */
  const groups = new Map();
  for (const { group, title, keys, shown } of [...BINDINGS, ...ADDED]) {
    const rows = groups.get(group) ?? new Map();
    if (!rows.has(title)) rows.set(title, shown ? [shown] : keys.map(written));
    groups.set(group, rows);
  }
  const byKey = [...groups].map(([group, rows]) => ({
    group,
    rows: [...rows].map(([title, keys]) => ({ keys, title })),
  }));
  return [...byKey, { group: "Mouse and touch", rows: [...BY_HAND] }];
}

/**
 * The name of a key press, such as "Ctrl+Shift+Z": letters by what they write, or by their place
 * where the keyboard writes another alphabet; digits and brackets by their place.
 *
 * @param {{key: string, code: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean,
 *   shiftKey: boolean}} event
 */
export function keyOf(event) {
  if (event.altKey && !event.ctrlKey) return "";
  const [name, isWritten] = bareKey(event);
  const ctrl = event.ctrlKey || event.metaKey ? "Ctrl+" : "";
  const shift = event.shiftKey && !isWritten ? "Shift+" : "";
  return ctrl + shift + name;
}

/**
 * @param {{key: string, code: string}} event
 * @returns {[string, boolean]} the name, and whether Shift is part of how it is written
 */
function bareKey({ key, code }) {
  const digit = /^(?:Digit|Numpad)([0-9])$/.exec(code);
  if (digit && (code.startsWith("Digit") || /^[0-9]$/.test(key))) return [digit[1], false];
  if (code === "BracketLeft" && !/^\p{L}$/u.test(key)) return ["[", false];
  if (code === "BracketRight" && !/^\p{L}$/u.test(key)) return ["]", false];
  if (key === " ") return ["Space", false];
  if (/^[a-z]$/i.test(key)) return [key.toUpperCase(), false];
  const place = /^Key([A-Z])$/.exec(code);
  if (place && /^[^\x00-\x7f]$/.test(key)) return [place[1], false];
  return [key, key.length === 1];
}
