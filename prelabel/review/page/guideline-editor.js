/**
 * Writing the guidelines, with what comes of it beside the text.
 */

import { api } from "./api.js";
import { byId } from "./elements.js";
import { guidelineNodes } from "./guidelines.js";
import { attempt } from "./masthead.js";
import { moment } from "./wording.js";

const PREVIEW_AFTER_MS = 250;

/**
 * Make the part "Guidelines" work.
 *
 * @param {{ classes: { name: string }[] }} project
 */
export async function editGuidelines(project) {
  const source = byId("guideline-source");
  const save = byId("save-guidelines");
  let kept = await api.get("/api/guidelines");
  source.value = kept.text || outline(project.classes);
  source.readOnly = false; // not before: what somebody had typed by now would be gone
  say(kept);

  let waiting = 0;
  const changed = () => {
    save.disabled = source.value === kept.text;
    clearTimeout(waiting);
    waiting = setTimeout(() => preview().catch(() => undefined), PREVIEW_AFTER_MS); // the next change asks again
  };
  source.addEventListener("input", changed);
  window.addEventListener("beforeunload", (event) => {
    if (kept.text && source.value !== kept.text) event.preventDefault();
  });
  save.addEventListener("click", () =>
    attempt(byId("guideline-failure"), async () => {
      kept = await api.put("/api/guidelines", { text: source.value });
      say(kept);
      changed();
    }),
  );
  save.disabled = source.value === kept.text;
  await preview();
}

/** A text to begin with: a section for each class. */
function outline(classes) {
  const sections = classes.map((one) => `## ${one.name}\n\nWhat counts as ${one.name}, and what does not.`);
  return ["# What to label", "Draw each box tight around what can be seen.", ...sections].join("\n\n");
}

let previews = 0;

async function preview() {
  const turn = ++previews;
  const { html } = await api.post("/api/guidelines/preview", { text: byId("guideline-source").value });
  if (turn === previews) byId("guideline-preview").replaceChildren(...guidelineNodes(html));
}

function say(kept) {
  byId("guideline-state").textContent = kept.version
    ? `Version ${kept.version}, by ${kept.author}, ${moment(kept.at)}`
    : "Not saved yet.";
}
