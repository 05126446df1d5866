/**
 * Which of the records that are kept go into the next request.
 *
 * @typedef {"edit" | "activity" | "submit" | "skip" | "release"} RecordKind
 *
 * @typedef {object} Kept one record
 * @property {string} id
 * @property {number} order of sending
 * @property {string} person
 * @property {number} task
 * @property {RecordKind} kind
 * @property {any} body
 * @property {number} notBefore milliseconds since 1970; a submission may wait to be undone
 * @property {string | null} gesture an unsent edit of the same gesture is replaced
 *
 * @typedef {{task: number, path: string, body: any, records: Kept[]}} Parcel one request
 */

/** Boxes in one request; a request with many edits stays far below what servers take. */
const PARCEL_BOXES = 1_500;
const PARCEL_RECORDS = 200;

/** With these a task ends, for this person. */
export const ENDS = new Set(["submit", "skip", "release"]);

/**
 * The request to send next: the records of the first task that has any to send, up to its end or
 * to one that must wait; null where there is nothing.
 *
 * @param {Kept[]} records in order @param {number} now
 * @param {Map<number, number>} [paused] tasks that must wait, and until when
 * @returns {Parcel | null}
 */
export function nextParcel(records, now, paused = new Map()) {
  /** @type {Set<number>} tasks whose records must wait */
  const stuck = new Set();
  for (const { task } of records) {
    if (stuck.has(task) || (paused.get(task) ?? 0) > now) continue;
    const chosen = upTo(records, task, now);
    if (chosen.length) return parcelOf(task, chosen);
    stuck.add(task);
  }
  return null;
}

/** @param {Kept[]} records @param {number} task @param {number} now */
function upTo(records, task, now) {
  /** @type {Kept[]} */
  const chosen = [];
  let boxes = 0;
  for (const record of records) {
    if (record.task !== task) continue;
    if (record.notBefore > now || chosen.length === PARCEL_RECORDS) break;
    const alone = record.kind === "skip" || record.kind === "release";
    if (alone && chosen.length) break;
    boxes += record.kind === "edit" ? record.body.boxes.length : 0;
    if (boxes > PARCEL_BOXES && chosen.length) break;
    chosen.push(record);
    if (ENDS.has(record.kind)) break;
  }
  return chosen;
}

/** @param {number} task @param {Kept[]} records @returns {Parcel} */
function parcelOf(task, records) {
  const end = /** @type {Kept} */ (records.at(-1));
  const path = `/api/tasks/${task}`;
  if (end.kind === "skip" || end.kind === "release") {
    return { task, path: `${path}/${end.kind}`, body: end.body, records };
  }
  const edits = records.filter((one) => one.kind === "edit").map((one) => one.body);
  const activity = records.filter((one) => one.kind === "activity").map((one) => one.body);
  if (end.kind === "submit") {
    return { task, path: `${path}/submit`, body: { ...end.body, edits, activity }, records };
  }
  return { task, path: `${path}/edits`, body: { edits, activity }, records };
}
