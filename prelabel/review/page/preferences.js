/** How a person likes to look at frames; kept in this browser. */

const KEY = "prelabel.editor";
const DEFAULTS = { opacity: 1, labels: true, autoZoom: true };

export class Preferences {
  /** @param {Pick<Storage, "getItem" | "setItem">} storage */
  constructor(storage = localStorage) {
    this.storage = storage;
    this.values = { ...DEFAULTS, ...read(storage) };
    /** The lowest score shown, where it was lowered in this tab; null: as the project says. @type {number | null} */
    this.filter = null;
  }

  get opacity() {
    return this.values.opacity;
  }

  set opacity(opacity) {
    this.#set({ opacity });
  }

  get labels() {
    return this.values.labels;
  }

  set labels(labels) {
    this.#set({ labels });
  }

  get autoZoom() {
    return this.values.autoZoom;
  }

  set autoZoom(autoZoom) {
    this.#set({ autoZoom });
  }

  /** @param {Partial<typeof DEFAULTS>} values */
  #set(values) {
    Object.assign(this.values, values);
    try {
      this.storage.setItem(KEY, JSON.stringify(this.values));
    } catch {
      // A browser that keeps nothing: as it was next time.
    }
  }
}

/** @param {Pick<Storage, "getItem">} storage @returns {Partial<typeof DEFAULTS>} */
function read(storage) {
  try {
    return JSON.parse(storage.getItem(KEY) ?? "{}");
  } catch {
    return {};
  }
}
