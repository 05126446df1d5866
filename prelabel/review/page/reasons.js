/**
 * Asking a reviewer why a frame goes back, with the reasons given lately a key away.
 */

import { byId, make } from "./elements.js";

const KEPT = "prelabel.reasons";
const MOST = 6;

/**
 * Ask for a reason; null where the reviewer thought better of it.
 *
 * @param {string} whom who will read it
 * @param {Storage} [storage]
 * @returns {Promise<string | null>}
 */
export function askReason(whom, storage = localStorage) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("reason"));
  const form = /** @type {HTMLFormElement} */ (byId("reason-form"));
  const text = /** @type {HTMLTextAreaElement} */ (byId("reason-text"));
  byId("reason-whom").textContent = `${whom} reads this beside the picture and gets the frame next.`;
  showRecent(recent(storage), text);
  text.value = "";
  form.onkeydown = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  };
  form.onsubmit = (event) => {
    event.preventDefault();
    dialog.close("send");
  };
  byId("reason-cancel").onclick = () => dialog.close("");
  dialog.returnValue = "";
  dialog.showModal();
  text.focus();
  return new Promise((resolve) => {
    dialog.onclose = () => {
      const reason = dialog.returnValue === "send" ? text.value.trim() : "";
      if (reason) remember(reason, storage);
      resolve(reason || null);
    };
  });
}

/** @param {string[]} reasons @param {HTMLTextAreaElement} text */
function showRecent(reasons, text) {
  const take = (reason) => {
    text.value = text.value.trim() ? `${text.value.trim()}\n${reason}` : reason;
    text.focus();
  };
  byId("recent-reasons").replaceChildren(
    ...reasons.map((reason) => make("button", { type: "button", onclick: () => take(reason) }, reason)),
  );
}

/** @param {Storage} storage @returns {string[]} newest first */
function recent(storage) {
  try {
    const kept = JSON.parse(storage.getItem(KEPT) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => typeof one === "string") : [];
  } catch {
    return []; // somebody else's text under our name
  }
}

/** @param {string} reason @param {Storage} storage */
function remember(reason, storage) {
  const others = recent(storage).filter((one) => one !== reason);
  storage.setItem(KEPT, JSON.stringify([reason, ...others].slice(0, MOST)));
}
