/**
 * The few questions the page asks. Each returns a promise; closing the dialog answers "no".
 */

import { make } from "./elements.js";

/** Why frames are skipped, most often. */
const SKIP_REASONS = ["The picture is broken or empty", "Too dark or too blurred to judge", "Not sure which class"];

/**
 * @param {string} title @param {string} text @param {string} yes @param {string} no
 * @returns {Promise<boolean>}
 */
export async function confirm(title, text, yes, no) {
  const answer = await asked(title, (close) => [
    make("p", {}, text),
    buttons(
      make("button", { type: "button", class: "quiet", onclick: () => close(null) }, no, make("kbd", {}, "Esc")),
      make("button", { type: "submit", class: "strong", autofocus: true }, yes, make("kbd", {}, "Enter")),
    ),
  ]);
  return answer !== null;
}

/** Why a frame is skipped; null where it is not. @returns {Promise<string | null>} */
export async function askSkipReason() {
  const answer = await asked("Skip this frame", (close) => [
    make("p", {}, "Somebody else gets it. Why can you not label it?"),
    make(
      "div",
      { class: "choices" },
      ...SKIP_REASONS.map((reason, at) =>
        make(
          "button",
          { type: "button", autofocus: at === 0, onclick: () => close(new FormData(reasonForm(reason))) },
          reason,
        ),
      ),
    ),
    make("label", { class: "field" }, "Or in your words", make("input", { name: "reason", maxlength: 500, autocomplete: "off" })),
    buttons(
      make("button", { type: "button", class: "quiet", onclick: () => close(null) }, "Keep it", make("kbd", {}, "Esc")),
      make("button", { type: "submit", class: "strong" }, "Skip"),
    ),
  ]);
  const reason = String(answer?.get("reason") ?? "").trim();
  return reason || null;
}

/** @param {string} reason */
function reasonForm(reason) {
  const input = make("input", { name: "reason", value: reason });
  return /** @type {HTMLFormElement} */ (make("form", {}, input));
}

/**
 * Ask for the password again, in place, so that nothing on the page is lost.
 *
 * @param {string} person
 * @param {(name: string, password: string) => Promise<void>} login rejects with what to say
 * @returns {Promise<boolean>}
 */
export async function askLogin(person, login) {
  const failure = make("p", { class: "failure", role: "alert" });
  const answer = await asked(
    "Please log in again",
    (close) => [
      make("p", {}, "What you did is kept on this computer and is sent as soon as you are logged in."),
      make("label", { class: "field" }, "Name", make("input", { name: "name", value: person, autocomplete: "username", required: true })),
      make(
        "label",
        { class: "field" },
        "Password",
        make("input", { name: "password", type: "password", autocomplete: "current-password", autofocus: true, required: true }),
      ),
      failure,
      buttons(
        make("button", { type: "button", class: "quiet", onclick: () => close(null) }, "Later", make("kbd", {}, "Esc")),
        make("button", { type: "submit", class: "strong" }, "Log in"),
      ),
    ],
    async (form) => {
      failure.textContent = "";
      try {
        await login(String(form.get("name")), String(form.get("password")));
        return true;
      } catch (error) {
        failure.textContent = error instanceof Error ? error.message : String(error);
        return false;
      }
    },
  );
  return answer !== null;
}

/** @param {...HTMLElement} children */
const buttons = (...children) => make("div", { class: "dialog-buttons" }, ...children);

/**
 * A dialog with a form: its data when it was sent and taken, null when it was closed.
 *
 * @param {string} title
 * @param {(close: (answer: FormData | null) => void) => HTMLElement[]} content
 * @param {(data: FormData) => Promise<boolean>} [take] false keeps the dialog open
 * @returns {Promise<FormData | null>}
 */
function asked(title, content, take = async () => true) {
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  return new Promise((resolve) => {
    /** @type {FormData | null} */
    let answer = null;
    /** @param {FormData | null} data */
    const close = (data) => {
      answer = data;
      dialog.close();
    };
    const form = make("form", { method: "dialog" }, make("h2", { id: "dialog-title" }, title), ...content(close));
    const dialog = /** @type {HTMLDialogElement} */ (
      make("dialog", { class: "dialog", "aria-labelledby": "dialog-title" }, form)
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const data = new FormData(/** @type {HTMLFormElement} */ (form));
      if (await take(data)) close(data);
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      before?.focus({ preventScroll: true });
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
