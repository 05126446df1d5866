/** The keys of the reviewer's page: the editor's own, with what they mean to a reviewer. */

import { BINDINGS, helpRows } from "./keys.js";

const TITLES = {
  submit: "Accept what was handed in",
  skip: "Send back, with a reason",
  nextFrame: "Next waiting frame",
  previousFrame: "Previous waiting frame",
  nextBox: "Next change",
  previousBox: "Previous change",
  labels: "What was proposed: show, hide",
};
/** What has no meaning here. */
const NOT_HERE = new Set(["acceptRestAndSubmit"]);

/** The rows of the help. */
export function reviewKeys() {
  const here = new Map(
    BINDINGS.map(({ command, title }) => [title, NOT_HERE.has(command) ? "" : (TITLES[command] ?? title)]),
  );
  return helpRows().map(({ group, rows }) => ({
    group,
    rows: rows
      .map(({ keys, title }) => ({ keys, title: here.get(title) ?? title }))
      .filter(({ title }) => title),
  }));
}
