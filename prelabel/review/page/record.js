/**
 * A person's own record: frames, time, and what was accepted or sent back and why.
 */

import { api } from "./api.js";
import { byId, make, table } from "./elements.js";
import { startPage } from "./masthead.js";
import { counted, duration, moment } from "./wording.js";

/** @param {string} what @param {string | number} value @param {string} [beside] */
function figure(what, value, beside) {
  return make(
    "div",
    { class: "figure" },
    make("span", { class: "figure-value" }, value),
    make("span", { class: "figure-name" }, what),
    beside && make("span", { class: "figure-beside" }, beside),
  );
}

function showFigures(record) {
  const pace = record.frames ? `${duration(record.seconds / record.frames)} a frame` : null;
  byId("figures").replaceChildren(
    figure("frames submitted", record.frames.toLocaleString("en")),
    figure("active time", duration(record.seconds), pace),
    figure("accepted", record.accepted.toLocaleString("en")),
    figure("waiting for a reviewer", record.waiting.toLocaleString("en")),
    figure("sent back", record.sent_back.length.toLocaleString("en")),
  );
}

function showJudgements(record) {
  const rows = record.sent_back.map((one) => [
    moment(one.at),
    one.name,
    make("q", {}, one.reason),
    one.reviewer,
  ]);
  byId("judgements").replaceChildren(
    table("Frames sent back to you", ["When", "Frame", "Why", "Who"], rows, "Nothing was sent back to you."),
  );
}

await startPage("annotator", async (_, project) => {
  const record = await api.get("/api/record");
  showFigures(record);
  showJudgements(record);
  byId("how").textContent =
    "Time runs while a frame is open in front of you and you do something. A pause counts for at most " +
    `${counted(project.settings.idle_s, "second")}; while another tab or window hides the page, nothing counts.`;
});
