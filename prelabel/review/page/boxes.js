/**
 * The boxes of one frame while a person works on them: what they are, in which order they are
 * looked at, and every change as an edit that can be sent, undone and done again.
 *
 * @typedef {import("./types.js").Box} Box
 * @typedef {import("./types.js").BoxState} BoxState
 * @typedef {import("./types.js").Edit} Edit
 * @typedef {import("./types.js").Status} Status
 * @typedef {import("./types.js").TaskView} TaskView
 * @typedef {{now: () => number, newId: () => string}} Source
 * @typedef {{before: (Box | null)[], after: Box[], gesture: string | null, at: number}} Step
 */

/** Steps of one gesture (a held arrow key) this close in time are undone as one. */
const GESTURE_GAP_MS = 800;

/**
 * How doubtful a proposal is, 0 to 1: its uncertainty, or how near its score is to one half.
 *
 * @param {Box} box
 */
export function doubt(box) {
  if (!box.proposal) return 0;
  return box.proposal.uncertainty ?? 1 - Math.abs(2 * box.proposal.score - 1);
}

/**
 * Whether a box is a proposal below the score from which the project shows them: nobody has to
 * decide on it.
 *
 * @param {Box} box @param {number} shownScore
 */
export function isWeak(box, shownScore) {
  return box.status === "proposed" && box.proposal !== null && box.proposal.score < shownScore;
}

/** A rejected box that no model proposed is one the person drew and took back. @param {Box} box */
export const isGone = (box) => box.status === "rejected" && !box.proposal;

/**
 * Ids in the order they are looked at: proposals most doubtful first, boxes without a proposal,
 * then the weak ones, best score first.
 *
 * @param {Iterable<Box>} boxes @param {number} shownScore
 */
export function looked(boxes, shownScore) {
  /** @param {Box} box */
  const rank = (box) => (box.proposal ? (box.proposal.score < shownScore ? 2 : 0) : 1);
  return [...boxes]
    .sort((left, right) => {
      const ranks = rank(left) - rank(right);
      if (ranks) return ranks;
      if (rank(left) === 2) return score(right) - score(left) || byId(left, right);
      return doubt(right) - doubt(left) || score(left) - score(right) || byId(left, right);
    })
    .map((box) => box.id);
}

/** @param {Box} box */
const score = (box) => box.proposal?.score ?? 1;
/** @param {Box} left @param {Box} right */
const byId = (left, right) => (left.id < right.id ? -1 : 1);

/** @param {Box} box @returns {BoxState} */
export function stateOf({ id, xyxy, angle, class_id, status, height_m }) {
  const state = { id, xyxy, angle, class_id, status };
  return height_m ? { ...state, height_m } : state;
}

/**
 * Boxes with later states laid over them, such as edits the server does not have yet.
 *
 * @param {Box[]} boxes @param {Edit[]} edits
 */
export function folded(boxes, edits) {
  const found = new Map(boxes.map((box) => [box.id, box]));
  for (const edit of edits) {
    for (const state of edit.boxes) {
      found.set(state.id, { ...state, proposal: found.get(state.id)?.proposal ?? null });
    }
  }
  return [...found.values()];
}

/** The boxes of one task and all that was done to them since it was opened. */
export class Draft {
  /** @param {TaskView} task @param {Source} source */
  constructor(task, source) {
    this.task = task;
    this.picture = { width: task.width_px, height: task.height_px };
    this.shownScore = task.shown_score;
    /** Where an object may have been missed, likeliest first: proposals too weak to be shown. */
    this.places = task.places ?? [];
    /** @type {Map<string, Box>} */
    this.byId = new Map(task.boxes.map((box) => [box.id, box]));
    this.order = looked(task.boxes, task.shown_score);
    this.source = source;
    /** @type {Step[]} */
    this.done = [];
    /** @type {Step[]} */
    this.undone = [];
  }

  /** @param {string | null} id */
  get(id) {
    return id === null ? null : this.byId.get(id) ?? null;
  }

  /** Every box that is not gone, in the order of looking. */
  *boxes() {
    for (const id of this.order) {
      const box = this.byId.get(id);
      if (box && !isGone(box)) yield box;
    }
  }

  /** How many boxes must still be decided on. */
  get undecided() {
    let count = 0;
    for (const box of this.byId.values()) count += this.isOpen(box) ? 1 : 0;
    return count;
  }

  get accepted() {
    let count = 0;
    for (const box of this.byId.values()) count += box.status === "accepted" ? 1 : 0;
    return count;
  }

  /** Whether this is a place to look at, about which nothing has been said. @param {Box} box */
  isPlace(box) {
    return isWeak(box, this.shownScore) && this.places.includes(box.id);
  }

  /** Places that nobody has looked at yet, likeliest first. */
  get openPlaces() {
    return this.places.map((id) => this.byId.get(id)).filter((box) => box !== undefined && this.isPlace(box));
  }

  /** Whether a person must still decide on this box. @param {Box} box */
  isOpen(box) {
    return box.status === "proposed" && !isWeak(box, this.shownScore);
  }

  /**
   * Put new states in place of the old ones.
   *
   * @param {string} action a word for the record
   * @param {Box[]} boxes whole new states
   * @param {string | null} [gesture] steps of the same one that follow each other are one step
   * @returns {Edit}
   */
  change(action, boxes, gesture = null) {
    const at = this.source.now();
    const last = this.done.at(-1);
    this.undone.length = 0;
    if (last && gesture && last.gesture === gesture && at - last.at < GESTURE_GAP_MS) {
      last.after = boxes;
      last.at = at;
    } else {
      const before = boxes.map((box) => this.byId.get(box.id) ?? null);
      this.done.push({ before, after: boxes, gesture, at });
    }
    this.#set(boxes);
    return this.#edit(action, boxes);
  }

  /** Take back the last step; null where there is none. @returns {Edit | null} */
  undo() {
    const step = this.done.pop();
    if (!step) return null;
    this.undone.push(step);
    return this.#back("undo", step.after.map((box, at) => step.before[at] ?? takenBack(box)));
  }

  /** Do again what was taken back last. @returns {Edit | null} */
  redo() {
    const step = this.undone.pop();
    if (!step) return null;
    this.done.push({ ...step, gesture: null });
    return this.#back("redo", step.after);
  }

  /** @param {string} action @param {Box[]} boxes */
  #back(action, boxes) {
    this.#set(boxes);
    return this.#edit(action, boxes);
  }

  /** @param {Box[]} boxes */
  #set(boxes) {
    for (const box of boxes) {
      if (!this.byId.has(box.id)) this.#insert(box.id);
      this.byId.set(box.id, box);
    }
  }

  /** A new box stands before the weak proposals. @param {string} id */
  #insert(id) {
    const weak = this.order.findIndex((other) => {
      const proposal = this.byId.get(other)?.proposal;
      return proposal ? proposal.score < this.shownScore : false;
    });
    this.order.splice(weak < 0 ? this.order.length : weak, 0, id);
  }

  /** @param {string} action @param {Box[]} boxes @returns {Edit} */
  #edit(action, boxes) {
    const { newId, now } = this.source;
    return { edit_id: newId(), at: now(), action, boxes: boxes.map(stateOf) };
  }

  /**
   * The next box after `id` in the order of looking that passes a test, around the end; `id`
   * itself comes last. Null where none passes.
   *
   * @param {string | null} id @param {1 | -1} step @param {(box: Box) => boolean} wanted
   */
  after(id, step, wanted) {
    const count = this.order.length;
    const start = id === null ? (step > 0 ? -1 : count) : this.order.indexOf(id);
    for (let turn = 1; turn <= count; turn++) {
      const at = (((start + step * turn) % count) + count) % count;
      const box = this.byId.get(this.order[at]);
      if (box && !isGone(box) && wanted(box)) return box;
    }
    return null;
  }
}

/** @param {Box} box @returns {Box} */
const takenBack = (box) => ({ ...box, status: "rejected" });
