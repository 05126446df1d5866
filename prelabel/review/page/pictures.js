/**
 * Pictures decoded ahead, off the main thread, with smaller copies for fast drawing.
 *
 * @typedef {{levels: ImageBitmap[], width: number, height: number}} Picture levels: the picture
 *   itself, then copies of half the size each
 */

/** Decoded pictures that are kept; beyond this, the ones used longest ago go. */
export const KEPT_BYTES = 600 * 1024 * 1024;
const KEPT_AT_LEAST = 2;

export class Pictures {
  /** @param {number} [keptBytes] */
  constructor(keptBytes = KEPT_BYTES) {
    this.keptBytes = keptBytes;
    this.worker = new Worker(new URL("./picture_worker.js", import.meta.url), { type: "module" });
    /** @type {Map<string, {ready: Promise<Picture>, picture: Picture | null}>} oldest use first */
    this.known = new Map();
    /** @type {Map<number, {resolve: (picture: Picture) => void, reject: (why: Error) => void}>} */
    this.asked = new Map();
    this.lastAsk = 0;
    this.worker.addEventListener("message", ({ data }) => this.#answer(data));
  }

  /** The decoded picture, once it is there; asking again costs nothing. @param {string} url */
  get(url) {
    const known = this.known.get(url) ?? this.#ask(url);
    this.known.delete(url);
    this.known.set(url, known);
    return known.ready;
  }

  /** The picture if it is decoded already. @param {string} url */
  peek(url) {
    return this.known.get(url)?.picture ?? null;
  }

  /** @param {string} url */
  #ask(url) {
    const id = ++this.lastAsk;
    /** @type {Promise<Picture>} */
    const ready = new Promise((resolve, reject) => this.asked.set(id, { resolve, reject }));
    /** @type {{ready: Promise<Picture>, picture: Picture | null}} */
    const entry = { ready, picture: null };
    ready.then(
      (picture) => {
        entry.picture = picture;
        this.#tidy();
      },
      () => this.known.delete(url), // asked anew next time
    );
    this.worker.postMessage({ id, url });
    return entry;
  }

  /** @param {{id: number, levels?: ImageBitmap[], error?: string}} answer */
  #answer({ id, levels, error }) {
    const asked = this.asked.get(id);
    this.asked.delete(id);
    if (levels) asked?.resolve({ levels, width: levels[0].width, height: levels[0].height });
    else asked?.reject(new Error(error));
  }

  #tidy() {
    let bytes = 0;
    for (const { picture } of this.known.values()) bytes += picture ? bytesOf(picture) : 0;
    for (const [url, { picture }] of this.known) {
      if (bytes <= this.keptBytes || this.known.size <= KEPT_AT_LEAST) return;
      if (!picture) continue;
      bytes -= bytesOf(picture);
      this.known.delete(url); // not closed: it may still be on the stage
    }
  }
}

/** @param {Picture} picture */
const bytesOf = ({ width, height }) => width * height * 4 * 1.34;
