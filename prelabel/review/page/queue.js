/**
 * The frames lent to this person: the one in hand, those before it, and the next ones with their
 * pictures decoded already.
 *
 * @typedef {import("./types.js").TaskView} TaskView
 * @typedef {"submitted" | "skipped" | "taken"} Ending
 * @typedef {{task: TaskView, draft: Draft, ending: Ending | null}} Frame
 *
 * @typedef {object} Sources
 * @property {{post: (path: string, body: any) => Promise<any>}} api
 * @property {{get: (url: string) => Promise<unknown>}} pictures
 * @property {{unsent: (task: number) => import("./types.js").Edit[],
 *   isEnding: (task: number) => boolean}} outbox
 * @property {import("./boxes.js").Source} source
 * @property {number} ahead frames to have ready beyond the one in hand
 */

import { Draft, folded } from "./boxes.js";

/** Finished frames that can be looked at again. */
const BEHIND = 20;

export class Queue {
  /** @param {Sources} sources */
  constructor(sources) {
    this.sources = sources;
    /** @type {Frame[]} in the order they came */
    this.frames = [];
    /** @type {Frame | null} */
    this.current = null;
    this.left = 0;
    this.done = 0;
    /** @type {Promise<number> | null} */
    this.asking = null;
  }

  /** Frames that are not finished. */
  get open() {
    return this.frames.filter((frame) => !frame.ending);
  }

  /**
   * See that enough frames are here; how many have come. Rejects where the server does not answer.
   */
  fill() {
    this.asking ??= this.#ask().finally(() => {
      this.asking = null;
    });
    return this.asking;
  }

  async #ask() {
    const { api, ahead, outbox } = this.sources;
    const wanted = ahead + 1 - this.open.length;
    if (wanted <= 0) return 0;
    // Also those that are handed in here: the server may hear of it only while it answers.
    const kept = this.frames.filter(({ task, ending }) => !ending || outbox.isEnding(task.task));
    const holding = kept.map((frame) => frame.task.task).slice(-100);
    const answer = await api.post("/api/queue/next", { count: wanted, holding });
    this.left = answer.left;
    this.done = answer.done;
    return answer.tasks.filter((/** @type {TaskView} */ task) => this.#take(task)).length;
  }

  /** See that the frames that are here stay this person's. */
  async renew() {
    if (this.open.length && !this.asking) await this.#post(0);
  }

  /** @param {number} count */
  async #post(count) {
    const holding = this.open.map((frame) => frame.task.task).slice(0, 100);
    const answer = await this.sources.api.post("/api/queue/next", { count, holding });
    this.left = answer.left;
    this.done = answer.done;
    return answer;
  }

  /** @param {TaskView} task */
  #take(task) {
    const { outbox, pictures, source } = this.sources;
    if (outbox.isEnding(task.task)) return false; // handed in, though the server cannot know yet
    if (this.open.some((frame) => frame.task.task === task.task)) return false;
    const boxes = folded(task.boxes, outbox.unsent(task.task));
    this.frames.push({ task, draft: new Draft({ ...task, boxes }, source), ending: null });
    pictures.get(task.picture).catch(() => undefined); // asked again when it is looked at
    return true;
  }

  /**
   * The frame to show after (or before) the one in hand: finished ones are passed over. Null where
   * there is none.
   *
   * @param {1 | -1} step
   */
  neighbour(step) {
    const at = this.current ? this.frames.indexOf(this.current) : -1;
    for (let place = at + step; place >= 0 && place < this.frames.length; place += step) {
      if (!this.frames[place].ending) return this.frames[place];
    }
    return null;
  }

  /** The next frame to work on, also one passed over before. */
  next() {
    return this.neighbour(1) ?? this.open[0] ?? null;
  }

  /** @param {Frame | null} frame */
  goTo(frame) {
    this.current = frame;
    const finished = this.frames.filter((one) => one.ending && one !== frame);
    const forgotten = new Set(finished.slice(0, Math.max(finished.length - BEHIND, 0)));
    if (forgotten.size) this.frames = this.frames.filter((one) => !forgotten.has(one));
  }

  /** @param {number} task */
  find(task) {
    return this.frames.findLast((frame) => frame.task.task === task) ?? null;
  }
}
