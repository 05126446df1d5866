/**
 * What of a person's time is work: events for the server, which counts, and a running count to
 * show meanwhile. Nothing of what is typed or where is recorded, only that something was done.
 *
 * @typedef {import("./types.js").ActivityKind} ActivityKind
 * @typedef {{now: () => number, newId: () => string,
 *   keep: (task: number, event: import("./types.js").Activity) => void}} Clerk
 */

const INPUT_EVERY_MS = 1_000;

export class ActivityLog {
  /** @param {Clerk} clerk @param {number} idleSeconds longer pauses are no work */
  constructor(clerk, idleSeconds) {
    this.clerk = clerk;
    this.idleMs = idleSeconds * 1000;
    /** @type {number | null} */
    this.task = null;
    this.lastInput = -Infinity;
    /** @type {number | null} the last event, while the page is in sight */
    this.lastSeen = null;
    this.activeMs = 0;
  }

  /** Work on a task begins; that on the one before ends. @param {number | null} task */
  open(task) {
    if (task === this.task) return;
    this.#add("close");
    this.lastSeen = null;
    this.task = task;
    this.#add("open");
  }

  /** Something was pressed or moved. */
  input() {
    const now = this.clerk.now();
    if (now - this.lastInput < INPUT_EVERY_MS) return;
    this.lastInput = now;
    this.#add("input");
  }

  /** @param {boolean} hidden */
  visibility(hidden) {
    this.#add(hidden ? "hidden" : "shown");
    if (hidden) this.lastSeen = null;
  }

  /** The page is closing. */
  close() {
    this.open(null);
  }

  /** @param {ActivityKind} kind */
  #add(kind) {
    if (this.task === null) return;
    const at = this.clerk.now();
    if (this.lastSeen !== null) this.activeMs += Math.min(at - this.lastSeen, this.idleMs);
    this.lastSeen = at;
    this.clerk.keep(this.task, { id: this.clerk.newId(), at, kind });
  }
}
