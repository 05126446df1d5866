/**
 * The owner's page: how the batch stands, what became of the proposals, and the rest in its files.
 */

import { api } from "./api.js";
import { byId, make, table } from "./elements.js";
import { editGuidelines } from "./guideline-editor.js";
import { attempt, startPage } from "./masthead.js";
import { showPeople } from "./people.js";
import { showWebhooks } from "./webhooks.js";
import { counted, duration, moment, percent } from "./wording.js";

const REFRESH_MS = 15_000;
const STATES = [
  ["accepted", "accepted"],
  ["submitted", "waiting for review"],
  ["sent_back", "sent back"],
  ["in_work", "in work"],
  ["queued", "still to do"],
  ["set_aside", "set aside"],
];

/** A bar whose parts are as wide as their counts, with what each stands for below it. */
function stateBar(counts) {
  const known = STATES.filter(([state]) => counts[state]);
  const total = known.reduce((sum, [state]) => sum + counts[state], 0);
  if (!total) return make("p", { class: "empty" }, "No batch yet: run prelabel select.");
  const parts = known.map(([state]) => {
    const part = make("span", { class: `state-part state-${state}` });
    part.style.flexGrow = String(counts[state]);
    return part;
  });
  const legend = known.map(([state, says]) =>
    make("li", {}, make("i", { class: `state-${state}` }), `${counts[state]} ${says}`),
  );
  return make(
    "div",
    {},
    make("div", { class: "state-bar", "aria-hidden": "true" }, ...parts),
    make("ul", { class: "state-legend" }, ...legend),
  );
}

function showProgress(progress) {
  byId("states").replaceChildren(stateBar(progress.counts));
  const rows = progress.people.map((one) => [
    one.person,
    one.frames,
    one.frames ? duration(one.seconds) : null,
    one.frames ? duration(one.seconds / one.frames) : null,
    one.accepted,
    one.sent_back,
    one.in_work,
  ]);
  const heads = ["Person", "#Frames", "#Active time", "#A frame", "#Accepted", "#Sent back", "#At work on"];
  byId("by-person").replaceChildren(table("Work by person", heads, rows, "Nobody has begun yet."));
  showSetAside(progress.set_aside);
}

function showSetAside(tasks) {
  const rows = tasks.map((one) => [
    one.name,
    make("ul", { class: "reasons" }, ...one.skips.map((skip) => make("li", {}, make("q", {}, skip.reason), ` ${skip.person}`))),
    make("button", { type: "button", onclick: () => requeue(one.task) }, "Put back"),
  ]);
  byId("aside").replaceChildren(table("Frames set aside", ["Frame", "Why", ""], rows, "None."));
}

function requeue(task) {
  attempt(byId("aside-failure"), async () => {
    await api.post(`/api/tasks/${task}/requeue`, {});
    await refresh();
  });
}

function showStatistics(statistics) {
  const rows = statistics.rows.map((one) => {
    const proposed = one.right + one.moved + one.wrong;
    const share = (count) => (proposed ? `${count} (${percent(count / proposed)})` : "–");
    return [
      one.class_name,
      one.model_id && make("code", {}, one.model_id.slice(0, 8)),
      proposed,
      share(one.right),
      share(one.moved),
      share(one.wrong),
      one.missed,
    ];
  });
  const heads = ["Class", "Model", "#Proposed", "#Right", "#Moved", "#Wrong", "#Missed"];
  byId("statistics").replaceChildren(
    table("Proposals by class and model", heads, rows, "Nothing has been submitted yet."),
  );
}

async function refresh() {
  const [progress, statistics] = await Promise.all([
    api.get("/api/progress"),
    api.get("/api/statistics"),
  ]);
  showProgress(progress);
  showStatistics(statistics);
}

await startPage("owner", async (me, project) => {
  byId("title").textContent = project.name;
  byId("lead").textContent = `Round ${project.round ?? "–"} · ${counted(project.classes.length, "class", "classes")}`;
  await Promise.all([refresh(), showPeople(me), editGuidelines(project), showWebhooks()]);
  setInterval(() => document.hidden || refresh().catch(() => {}), REFRESH_MS);
});
