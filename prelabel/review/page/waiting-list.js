/** The frames that wait for a reviewer, as a list to choose from. */

import { byId, make } from "./elements.js";
import { counted } from "./wording.js";

/**
 * @param {any[]} waiting
 * @param {number | null} current the task on the stage
 * @param {(task: number) => void} choose
 */
export function showWaiting(waiting, current, choose) {
  const rows = waiting.map((one) =>
    make(
      "li",
      {},
      make(
        "button",
        { type: "button", "aria-current": one.task === current && "true", onclick: () => choose(one.task) },
        make("span", { class: "waiting-name" }, one.name),
        make("span", { class: "waiting-who" }, `${one.person} · ${counted(one.boxes, "box", "boxes")}`),
      ),
    ),
  );
  byId("waiting").replaceChildren(...rows);
  byId("waiting-head").textContent = rows.length ? `Waiting: ${rows.length}` : "Waiting";
  document.title = rows.length ? `(${rows.length}) Review – prelabel` : "Review – prelabel";
}
