/**
 * Scenes around frames, fetched ahead: calibration, points and the pictures of the cameras.
 *
 * @typedef {import("./points.js").SceneInfo} SceneInfo
 * @typedef {{info: SceneInfo, models: CameraModel[], points: Points}} Scene
 */

import { KEPT_BYTES, Pictures } from "../pictures.js";
import { Points } from "./points.js";
import { CameraModel } from "./projection.js";

/** Scenes that are kept; a megabyte each. */
const KEPT = 24;

export class Scenes {
  constructor() {
    this.pictures = new Pictures(KEPT_BYTES / 2);
    /** @type {Map<string, Promise<Scene>>} by address, oldest use first */
    this.known = new Map();
  }

  /** The scene at an address; asking again costs nothing. @param {string} url */
  get(url) {
    const known = this.known.get(url) ?? this.#ask(url);
    this.known.delete(url);
    this.known.set(url, known);
    if (this.known.size > KEPT) this.known.delete(this.known.keys().next().value ?? "");
    return known;
  }

  /** @param {string} url */
  #ask(url) {
    const scene = this.#fetch(url);
    scene.catch(() => this.known.delete(url)); // asked anew next time
    return scene;
  }

  /** @param {string} url @returns {Promise<Scene>} */
  async #fetch(url) {
    const info = /** @type {SceneInfo} */ (await (await answered(url)).json());
    for (const camera of info.cameras) this.pictures.get(camera.picture).catch(() => undefined);
    const data = await (await answered(info.data)).arrayBuffer();
    const models = info.cameras.map((camera) => new CameraModel(camera));
    return { info, models, points: new Points(info, data) };
  }
}

/** @param {string} url */
async function answered(url) {
  const response = await fetch(url, { credentials: "same-origin" });
  if (!response.ok) throw new Error(`The cameras of this frame could not be read (${response.status}).`);
  return response;
}
