/**
 * What a person did, kept on this computer until the server has it.
 *
 * Records are stored as they happen and sent in order, a request a task, many edits at once. They
 * leave the store when the server has acknowledged them; what it refuses for good is put aside,
 * never thrown away. Every edit and submission carries an id made here, so that sending twice after
 * a lost answer changes nothing.
 *
 * @typedef {import("./types.js").Edit} Edit
 * @typedef {import("./types.js").Activity} Activity
 * @typedef {import("./api.js").ApiError} ApiError
 * @typedef {object} Shelf where records outlive the page
 * @property {() => Promise<Kept[]>} all
 * @property {(record: Kept) => Promise<void>} put
 * @property {(ids: string[]) => Promise<void>} remove
 * @property {(records: Kept[], why: string) => Promise<void>} setAside
 *
 * @typedef {import("./parcels.js").Kept} Kept
 * @typedef {import("./parcels.js").RecordKind} RecordKind
 * @typedef {import("./parcels.js").Parcel} Parcel
 * @typedef {"saved" | "saving" | "offline" | "login" | "unkept"} OutboxState
 *   unkept: this computer cannot store; what is unsent would be lost with the tab
 *
 * @typedef {object} Surroundings
 * @property {Shelf} shelf
 * @property {(path: string, body: any, options?: {keepalive?: boolean}) => Promise<any>} post
 * @property {string} person whose records these are; those of others stay untouched
 * @property {() => number} now milliseconds since 1970
 * @property {(run: () => void, ms: number) => unknown} later
 */

import { newId } from "./ids.js";
import { ENDS, nextParcel } from "./parcels.js";

/** Edits leave at most this long after they were made. */
export const BATCH_MS = 150;
/** Activity alone is no reason to hurry. */
export const ACTIVITY_MS = 8_000;
const BACKOFF_MS = [1_000, 2_000, 4_000, 8_000, 15_000];
/** Browsers send at most 64 KiB while a page closes. */
const LEAVING_BYTES = 60_000;

export class Outbox extends EventTarget {
  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    super();
    this.around = surroundings;
    /** @type {Kept[]} in their order */
    this.records = [];
    /** @type {"offline" | "login" | null} why nothing can be sent at present */
    this.trouble = null;
    this.storing = true;
    this.stopped = false;
    this.lastOrder = 0;
    this.failures = 0;
    this.forbidden = 0;
    /** @type {Map<number, number>} tasks the server fails on, and when to try them again */
    this.paused = new Map();
    this.dueAt = Infinity;
    /** @type {Set<string>} ids of records under way */
    this.flying = new Set();
    /** @type {Promise<void> | null} */
    this.sending = null;
  }

  /** Read what an earlier page could not send. */
  async open() {
    try {
      const kept = await this.around.shelf.all();
      const own = kept.filter((record) => record.person === this.around.person);
      this.records = own.sort((left, right) => left.order - right.order);
      this.lastOrder = this.records.at(-1)?.order ?? 0;
    } catch {
      this.storing = false;
    }
    this.#tell();
  }

  /** @returns {OutboxState} */
  get state() {
    if (!this.storing && this.waiting) return "unkept";
    if (this.trouble) return this.trouble;
    // A submission that waits to be undone is no reason to say "saving".
    const now = this.around.now();
    const isSending = this.records.some((one) => one.kind !== "activity" && one.notBefore <= now);
    return isSending ? "saving" : "saved";
  }

  /** Edits and submissions the server does not have yet. */
  get waiting() {
    return this.records.filter((record) => record.kind !== "activity").length;
  }

  /** Edits of a task that the server may not have. @param {number} task @returns {Edit[]} */
  unsent(task) {
    return this.records.filter((one) => one.task === task && one.kind === "edit").map((one) => one.body);
  }

  /** Whether a task is done here though the server does not know. @param {number} task */
  isEnding(task) {
    return this.records.some((record) => record.task === task && ENDS.has(record.kind));
  }

  /**
   * Keep something and send it soon.
   *
   * @param {number} task @param {RecordKind} kind @param {any} body
   * @param {{gesture?: string | null, holdMs?: number}} [options] gesture: replaces the last record
   *   of the task if that is an unsent edit of the same gesture; holdMs: not sent before
   */
  add(task, kind, body, { gesture = null, holdMs = 0 } = {}) {
    const replaced = gesture ? this.#replaceable(task, gesture) : null;
    if (replaced) {
      replaced.body = { ...body, edit_id: replaced.body.edit_id };
      this.#put(replaced);
    } else {
      const now = this.around.now();
      const { person } = this.around;
      const order = Math.max(this.lastOrder + 1, now * 1000);
      /** @type {Kept} */
      const record = { id: newId(), order, person, task, kind, body, notBefore: now + holdMs, gesture };
      this.lastOrder = order;
      this.records.push(record);
      this.#put(record);
    }
    this.#tell();
    this.#schedule(kind === "activity" ? ACTIVITY_MS : Math.max(holdMs, BATCH_MS));
  }

  /** @param {number} task @param {string} gesture */
  #replaceable(task, gesture) {
    const last = this.records.findLast((one) => one.task === task && one.kind !== "activity");
    const fits = last && last.kind === "edit" && last.gesture === gesture;
    return fits && !this.flying.has(last.id) ? last : null;
  }

  /**
   * Take back the end of a task that has not been sent; false where it is too late.
   *
   * @param {number} task
   */
  takeBack(task) {
    const end = this.records.find((one) => one.task === task && ENDS.has(one.kind));
    if (!end || this.flying.has(end.id)) return false;
    this.#drop([end]);
    return true;
  }

  /** Nothing waits to be undone any more: send it, after what is to be drawn now. */
  letGo() {
    for (const record of this.records) record.notBefore = 0;
    if (this.records.length) this.#schedule(BATCH_MS);
  }

  /** @param {Kept} record */
  #put(record) {
    this.around.shelf.put(record).catch(() => {
      this.storing = false;
      this.#tell();
    });
  }

  /** @param {Kept[]} records */
  #drop(records) {
    const ids = new Set(records.map((record) => record.id));
    this.records = this.records.filter((record) => !ids.has(record.id));
    this.around.shelf.remove([...ids]).catch(() => undefined); // sent again later: harmless
    this.#tell();
  }

  /** @param {number} ms */
  #schedule(ms) {
    const dueAt = this.around.now() + ms;
    if (dueAt >= this.dueAt) return;
    this.dueAt = dueAt;
    this.around.later(() => {
      if (this.dueAt !== dueAt) return;
      this.dueAt = Infinity;
      this.flush();
    }, ms);
  }

  /** Another tab has taken over all records: keep off them. */
  stop() {
    this.stopped = true;
  }

  /** Send all that may be sent now. Never fails; what could not be sent is tried again. */
  flush() {
    if (this.stopped) return Promise.resolve();
    this.sending ??= this.#sendAll().finally(() => {
      this.sending = null;
    });
    return this.sending;
  }

  async #sendAll() {
    for (;;) {
      const parcel = nextParcel(this.records, this.around.now(), this.paused);
      if (!parcel || this.stopped) break;
      for (const record of parcel.records) this.flying.add(record.id);
      this.#tell();
      try {
        const answer = await this.around.post(parcel.path, parcel.body);
        this.failures = this.forbidden = 0;
        this.paused.delete(parcel.task);
        if (!this.paused.size) this.trouble = null;
        this.#drop(parcel.records);
        this.#report("sent", parcel, { answer });
      } catch (error) {
        if (!(await this.#handle(parcel, /** @type {ApiError} */ (error)))) return;
      } finally {
        for (const record of parcel.records) this.flying.delete(record.id);
      }
    }
    this.#settle();
  }

  /**
   * What to do about a request that failed; true where the next one may be tried at once.
   *
   * @param {Parcel} parcel @param {ApiError} error
   */
  async #handle(parcel, error) {
    if (error.kind === "taken") {
      this.#drop(parcel.records); // the server has kept the edits
      this.#report("taken", parcel, { error });
      return true;
    }
    // A page token can be old: once more with a new one, then it is meant.
    this.forbidden += error.kind === "forbidden" ? 1 : 0;
    if (error.kind === "refused" || this.forbidden > 1) {
      this.forbidden = 0;
      await this.#refuse(parcel, error);
      return true;
    }
    this.trouble = error.kind === "login" || error.kind === "forbidden" ? "login" : "offline";
    this.failures += 1;
    this.#tell();
    this.#report(this.trouble, parcel, { error });
    const pause = BACKOFF_MS[Math.min(this.failures, BACKOFF_MS.length) - 1];
    this.#schedule(Math.max(pause, (error.waitSeconds ?? 0) * 1000));
    if (error.status < 500 || error.kind === "busy") return false;
    this.paused.set(parcel.task, this.around.now() + pause); // other tasks need not wait for it
    return true;
  }

  /** @param {Parcel} parcel @param {ApiError} error */
  async #refuse(parcel, error) {
    const harmless = parcel.records.every((one) => one.kind === "skip" || one.kind === "release");
    if (!harmless) {
      try {
        await this.around.shelf.setAside(parcel.records, error.message);
      } catch {
        this.storing = false;
      }
    }
    this.#drop(parcel.records);
    if (!harmless) this.#report("refused", parcel, { error });
  }

  #settle() {
    if (this.paused.size) return;
    this.trouble = null;
    const now = this.around.now();
    const held = this.records.map((record) => record.notBefore).filter((at) => at > now);
    if (held.length) this.#schedule(Math.min(...held) - now);
    this.#tell();
  }

  /** The connection is back, or somebody has logged in: try now. */
  retry() {
    this.failures = 0;
    this.paused.clear();
    this.dueAt = Infinity;
    return this.flush();
  }

  /**
   * The page may be closing: send what fits without waiting for answers. All of it stays on this
   * computer as well, and is sent again if no answer was seen.
   *
   * @param {{held?: boolean}} [options] whether also what waits to be undone goes
   */
  leave({ held = true } = {}) {
    if (this.stopped) return;
    let room = LEAVING_BYTES;
    let left = this.records.map((record) => (held ? { ...record, notBefore: 0 } : record));
    for (;;) {
      const parcel = nextParcel(left, this.around.now());
      if (!parcel) return;
      room -= JSON.stringify(parcel.body).length;
      if (room < 0) return;
      this.around.post(parcel.path, parcel.body, { keepalive: true }).catch(() => undefined);
      const gone = new Set(parcel.records.map((record) => record.id));
      left = left.filter((record) => !gone.has(record.id));
    }
  }

  #tell() {
    this.dispatchEvent(new Event("state"));
  }

  /** @param {string} name @param {Parcel} parcel @param {object} detail */
  #report(name, parcel, detail) {
    const { task, records } = parcel;
    this.dispatchEvent(new CustomEvent(name, { detail: { task, records, ...detail } }));
  }
}
