/**
 * What is shown around a bird's-eye frame: every camera with the cuboids in it, and the height of
 * the box in hand. It follows the editor, a drag included, and changes boxes only through it.
 *
 * @typedef {import("../editor.js").Editor} Editor
 * @typedef {import("../types.js").Box} Box
 * @typedef {import("../types.js").Heights} HeightsM
 * @typedef {import("../types.js").TaskView} TaskView
 * @typedef {import("../hit.js").Shape} Shape
 * @typedef {import("./scenes.js").Scene} Scene
 */

import { make } from "../elements.js";
import { addBindings } from "../keys.js";
import { CameraView } from "./camera-view.js";
import { Heights } from "./heights.js";
import { LIDAR_KEYS, lidarCommands } from "./lidar-keys.js";
import { Cuboid, Sighting } from "./projection.js";
import { Scenes } from "./scenes.js";

const PICTURES = 1;
const BOXES = 2;
const HAND = 4;
const ALL = PICTURES | BOXES | HAND;
const MOST_IN_A_ROW = 3;
/** Behind pictures, whatever the theme: light around a picture blinds. */
const GROUND = "#101113";

/**
 * Put them below the stage of an editor, where they stay hidden until a frame needs them. Fails
 * where their style cannot be fetched.
 *
 * @param {Editor} editor
 */
export async function mountSurroundings(editor) {
  const style = make("link", { rel: "stylesheet", href: new URL("./lidar.css", import.meta.url) });
  await new Promise((resolve, reject) => {
    style.addEventListener("load", resolve);
    style.addEventListener("error", () => reject(new Error("the style of the cameras is not there")));
    document.head.append(style);
  });
  return new Surroundings(editor);
}

export class Surroundings {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    this.scenes = new Scenes();
    /** @type {Scene | null} */
    this.scene = null;
    /** @type {CameraView[]} */
    this.views = [];
    /** @type {CameraView | null} the one that is shown alone */
    this.alone = null;
    /** @type {CameraView | null} */
    this.clicked = null;
    /** @type {string | null} */
    this.selectedId = null;
    /** @type {TaskView | null} */
    this.task = null;
    this.touched = 0;
    this.frame = 0;
    this.hand = new Cuboid();
    this.corners = new Float64Array(24);
    /** Cuboids of boxes at rest; a changed box is another object. @type {WeakMap<Box, Float64Array>} */
    this.known = new WeakMap();
    addBindings(LIDAR_KEYS); // first, as buttons say their keys
    this.heights = new Heights(editor, { preview: () => this.touch(HAND), redraw: () => this.touch(HAND) });
    this.cameras = make("div", { class: "cameras", role: "group", "aria-label": "Cameras" });
    this.element = make(
      "section",
      { class: "surroundings", "aria-label": "Cameras and height", tabindex: -1, hidden: true },
      this.cameras,
      this.heights.element,
    );
    editor.root.append(this.element);
    Object.assign(editor.commands, lidarCommands(this, { ...editor.commands }));
    this.draw = this.draw.bind(this);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.heights.side.resize(() => this.touch(ALL));
    });
  }

  /** Fetch what a frame will need. @param {TaskView} task */
  want(task) {
    if (task.scene) this.scenes.get(task.scene).catch(() => undefined); // asked again when it is looked at
  }

  /** The frame on the stage is another one. @param {TaskView} task */
  async show(task) {
    this.task = task;
    this.scene = null;
    this.heights.letGo();
    this.#toggle(Boolean(task.scene));
    if (!task.scene) return;
    this.element.classList.add("is-loading"); // nobody may take the frame before's cameras for these
    try {
      const scene = await this.scenes.get(task.scene);
      if (this.task === task) this.#enter(scene);
    } catch (error) {
      if (this.task !== task) return;
      this.#clear(error instanceof Error ? error.message : String(error), () => this.show(task));
    }
  }

  /** No frame is on the stage, or none of a lidar. */
  hide() {
    this.task = this.scene = null;
    this.#toggle(false);
  }

  /** @param {boolean} isShown */
  #toggle(isShown) {
    this.element.hidden = !isShown;
    this.editor.root.classList.toggle("has-lidar", isShown);
  }

  /** @param {string} text @param {() => void} again */
  #clear(text, again) {
    this.element.classList.remove("is-loading");
    for (const view of this.views.splice(0)) view.remove();
    const button = make("button", { type: "button", onclick: again }, "Try again");
    this.cameras.replaceChildren(make("div", { class: "cameras-failure", role: "status" }, make("p", {}, text), button));
  }

  /** @param {Scene} scene */
  #enter(scene) {
    this.element.classList.remove("is-loading");
    this.scene = scene;
    this.selectedId = null;
    this.known = new WeakMap();
    this.#place(scene);
    scene.info.cameras.forEach(({ picture }, at) => this.#await(this.views[at], picture));
    this.refresh();
  }

  /** Views for the cameras; those of the frame before are kept where the cameras are the same. @param {Scene} scene */
  #place(scene) {
    const isSame = scene.models.length === this.views.length && scene.models.every((model, at) => {
      const before = this.views[at].model;
      return model.name === before.name && model.width === before.width && model.height === before.height;
    });
    if (isSame) {
      scene.models.forEach((model, at) => (this.views[at].model = model));
    } else {
      for (const view of this.views.splice(0)) view.remove();
      this.views = scene.models.map((model) => this.#newView(model));
      this.alone = null;
    }
    const none = make("p", { class: "cameras-failure" }, "This sweep has no cameras.");
    this.cameras.replaceChildren(...(this.views.length ? this.views.map((view) => view.element) : [none]));
    this.#arrange();
    for (const view of this.views) view.whole();
  }

  /** @param {import("./projection.js").CameraModel} model */
  #newView(model) {
    /** @type {CameraView} */
    const view = new CameraView(model, {
      select: (id) => this.#select(id, view),
      enlarge: () => this.enlarge(this.alone === view ? null : view),
      redraw: () => this.touch(ALL),
    });
    return view;
  }

  /** @param {string | null} id @param {CameraView} view where it was clicked */
  #select(id, view) {
    const { editor } = this;
    editor.options.onInput?.();
    this.clicked = view;
    editor.select(id);
    this.clicked = null;
    editor.stage.focus({ preventScroll: true });
  }

  /** Show one camera alone; null: all. @param {CameraView | null} view */
  enlarge(view) {
    this.alone = view;
    this.#arrange();
    this.editor.say(view ? `${view.model.name} alone` : "All cameras");
  }

  #arrange() {
    for (const view of this.views) {
      view.element.hidden = this.alone !== null && view !== this.alone;
      view.enlarger.setAttribute("aria-pressed", String(view === this.alone));
    }
    this.cameras.classList.toggle("is-many", this.views.length > MOST_IN_A_ROW && !this.alone);
  }

  /** @param {CameraView} view @param {string} url */
  async #await(view, url) {
    const { scene } = this;
    view.setPicture(this.scenes.pictures.peek(url));
    try {
      const picture = await this.scenes.pictures.get(url);
      if (this.scene === scene) view.setPicture(picture);
    } catch {
      if (this.scene === scene) view.setPicture(null, "Its picture is not there.");
    }
  }

  /** Boxes, the box in hand or the look have changed. */
  refresh() {
    if (!this.scene) return;
    const { selectedId } = this.editor;
    const isOther = selectedId !== this.selectedId;
    if (isOther) this.heights.letGo();
    this.selectedId = selectedId;
    for (const view of this.views) view.selected = selectedId;
    this.touch(BOXES | HAND);
    if (isOther && selectedId) this.#turn(this.editor.preferences.autoZoom);
  }

  /** The box in hand is being dragged, or no longer. */
  follow() {
    if (this.scene) this.touch(HAND);
  }

  /** Every camera looks at the box in hand. */
  zoomToHand() {
    this.#turn(true);
  }

  /**
   * More room for the cameras that see the box in hand, and a look at it; but where it was clicked
   * in a camera, nothing moves under the pointer.
   *
   * @param {boolean} zooms
   */
  #turn(zooms) {
    if (!this.scene || this.#setHand() === null) return;
    for (const view of this.views) view.drawHand(this.corners, this.editor.scene.liveColor);
    const isSeen = this.views.some((view) => view.live.isSeen);
    for (const view of this.views) {
      if (!this.clicked) view.element.classList.toggle("is-narrow", isSeen && !view.live.isSeen);
      if (zooms && view !== this.clicked) view.towards();
    }
  }

  whole() {
    for (const view of this.views) view.whole();
  }

  /** The camera in which the box in hand is largest. */
  best() {
    const seen = this.views.filter((view) => view.live.isSeen);
    return seen.sort((left, right) => areaOf(right.live) - areaOf(left.live))[0] ?? null;
  }

  /** Draw with the next frame of the screen. @param {number} layers */
  touch(layers) {
    this.touched |= layers;
    if (!this.frame) this.frame = requestAnimationFrame(this.draw);
  }

  draw() {
    const { touched, editor, scene } = this;
    this.frame = 0;
    this.touched = 0;
    if (!scene || this.element.hidden) return;
    const shown = this.views.filter((view) => !view.element.hidden);
    if (touched & PICTURES) for (const view of shown) view.drawPicture(GROUND);
    if (touched & BOXES) this.#setBoxes();
    if (touched & (BOXES | PICTURES)) for (const view of shown) view.drawBoxes(editor.scene.opacity);
    this.#drawHand(shown, scene);
  }

  /** @param {CameraView[]} shown @param {Scene} scene */
  #drawHand(shown, scene) {
    const { liveColor } = this.editor.scene;
    const count = this.#setHand();
    for (const view of shown) view.drawHand(count === null ? null : this.corners, liveColor);
    const isSaid = this.heights.live !== null || Boolean(this.editor.selected?.height_m);
    if (count === null) this.heights.draw(null, null, liveColor, { isSaid, count: 0 });
    else this.heights.draw(this.hand, scene.points, liveColor, { isSaid, count });
  }

  #setBoxes() {
    const { editor } = this;
    const boxes = [...editor.visible()].filter((box) => box.id !== editor.selectedId);
    const drawn = boxes.map((box) => ({
      id: box.id,
      color: editor.classColor(box.class_id),
      look: editor.lookOf(box),
      corners: this.#cornersOf(box),
      sighting: NOT_SEEN,
    }));
    for (const view of this.views) view.setBoxes(drawn);
  }

  /** @param {Box} box */
  #cornersOf(box) {
    const known = this.known.get(box);
    if (known) return known;
    const cuboid = new Cuboid();
    this.#stand(cuboid, box, box.height_m ?? null);
    const corners = cuboid.corners(new Float64Array(24));
    this.known.set(box, corners);
    return corners;
  }

  /** The cuboid of the box in hand, or of what is drawn; how many points told its height, null: there is none. */
  #setHand() {
    const { scene: stage, selected } = this.editor;
    const shape = stage.live ?? selected;
    if (!shape || stage.peek) return null;
    const count = this.#stand(this.hand, shape, this.heights.live ?? selected?.height_m ?? null);
    this.hand.corners(this.corners);
    return count;
  }

  /**
   * Put a cuboid over a box: between these heights, or as its points tell; how many points did.
   *
   * @param {Cuboid} cuboid @param {Shape} shape @param {HeightsM | null} heights
   */
  #stand(cuboid, shape, heights) {
    const { info, points } = /** @type {Scene} */ (this.scene);
    cuboid.cover(shape, info.grid);
    if (!heights) return points.lift(cuboid);
    cuboid.bottom = heights[0];
    cuboid.top = heights[1];
    return 0;
  }
}

const NOT_SEEN = new Sighting();

/** @param {Sighting} sighting */
const areaOf = ({ box }) => (box[2] - box[0]) * (box[3] - box[1]);
