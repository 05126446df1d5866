/**
 * From key presses to commands. On the picture every key is ours; elsewhere the keys that buttons,
 * fields and lists need stay with them, so that the whole page can be walked by Tab.
 */

import { bindingOf, keyOf } from "./keys.js";

/** What a focused button or link takes for itself. */
const OF_CONTROLS = new Set([
  "Space", "Enter", "Tab", "Shift+Tab", "Escape",
  "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "PageUp", "PageDown",
]);

/** @param {import("./editor.js").Editor} editor */
export function listenToKeys(editor) {
  document.addEventListener("keydown", (event) => {
    const name = keyOf(event);
    const binding = bindingOf(name);
    if (!binding || !isOurs(event, name, editor.stage)) return;
    event.preventDefault();
    if (event.repeat && !binding.repeats) return;
    if (binding.command === "peek") editor.setPeek(true);
    else editor.run(binding.command, binding.argument);
  });
  document.addEventListener("keyup", (event) => {
    if (bindingOf(keyOf(event))?.command === "peek") editor.setPeek(false);
  });
  window.addEventListener("blur", () => editor.setPeek(false));
}

/** @param {KeyboardEvent} event @param {string} name @param {HTMLElement} stage */
function isOurs(event, name, stage) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.defaultPrevented || event.isComposing) return false;
  if (document.querySelector("dialog[open]")) return false;
  if (target === stage || target === document.body) return true;
  if (target.matches("input, textarea, select, [contenteditable]")) return name === "F6" || name === "F1";
  return !OF_CONTROLS.has(name);
}
