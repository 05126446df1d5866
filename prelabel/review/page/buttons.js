/** Buttons that run commands, say their key, and leave the focus on the picture. */

import { make } from "./elements.js";
import { keyFor } from "./keys.js";

/**
 * @param {import("./editor.js").Editor} editor
 * @param {{command: string, argument?: any, label?: string, class?: string, attributes?: object}} what
 * @param {...Node} content before the label
 */
export function commandButton(editor, what, ...content) {
  const { command, argument, label = "" } = what;
  const key = keyFor(command);
  const onclick = () => {
    editor.stage.focus({ preventScroll: true });
    editor.run(command, argument);
  };
  const attributes = { type: "button", class: what.class, onclick, ...what.attributes };
  const button = make("button", attributes, ...content, label, label && key && make("kbd", {}, key));
  return /** @type {HTMLButtonElement} */ (button);
}
