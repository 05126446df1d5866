/**
 * The editor of one frame: stage, tools and panel, for annotators and for reviewers.
 *
 * `mountEditor` builds it into an element; the page gives it frames by `show`, is told of every
 * edit, and adds the commands that reach beyond a frame (submit, skip, next frame).
 *
 * @typedef {import("./boxes.js").Draft} Draft
 * @typedef {import("./types.js").Box} Box
 * @typedef {import("./types.js").Edit} Edit
 * @typedef {import("./types.js").TaskView} TaskView
 * @typedef {import("./types.js").ProjectInfo} ProjectInfo
 * @typedef {import("./canvas.js").Scene} Scene
 * @typedef {import("./hit.js").Shape} Shape
 * @typedef {import("./pictures.js").Picture} Picture
 * @typedef {import("./commands.js").Command} Command
 * @typedef {import("./panel.js").Action} Action
 * @typedef {import("./lidar/surroundings.js").Surroundings} Surroundings
 *
 * @typedef {object} EditorOptions
 * @property {"annotate" | "review"} mode
 * @property {ProjectInfo} project
 * @property {(task: TaskView, edit: Edit, gesture: string | null) => void} onEdit
 * @property {() => void} [onInput] something was pressed, moved or typed
 * @property {(className: string | null) => void} [onClass] another class is in hand
 * @property {Record<string, Command>} [commands] more commands, or others for the same names
 * @property {Action[]} [actions] the buttons below the list of boxes
 * @property {() => number} [now]
 */

import { Camera } from "./camera.js";
import { ACTIVE, ALL, BOXES, Canvas } from "./canvas.js";
import { ClassChooser } from "./classes.js";
import { bright } from "./colors.js";
import { COMMANDS } from "./commands.js";
import { make } from "./elements.js";
import { bounds } from "./geometry.js";
import { newId } from "./ids.js";
import { listenToKeys } from "./keyboard.js";
import { groupsOf, lookOf, newScene } from "./looks.js";
import { Panel } from "./panel.js";
import { Pointer } from "./pointer.js";
import { Preferences } from "./preferences.js";
import { Statusbar } from "./statusbar.js";
import { Toolbar } from "./toolbar.js";

/**
 * Build an editor into an element.
 *
 * @param {HTMLElement} root emptied first
 * @param {EditorOptions} options
 */
export function mountEditor(root, options) {
  return new Editor(root, options);
}

export class Editor {
  /** @param {HTMLElement} root @param {EditorOptions} options */
  constructor(root, options) {
    this.options = options;
    this.root = root;
    this.mode = options.mode;
    this.classes = options.project.classes.map((one) => ({ ...one, color: bright(one.color) }));
    this.classById = new Map(this.classes.map((one) => [one.id, one]));
    /** @type {Record<string, Command>} */
    this.commands = { ...COMMANDS, ...options.commands };
    /** @type {Draft | null} */
    this.draft = null;
    /** @type {string | null} */
    this.selectedId = null;
    /** @type {"select" | "draw" | "redraw"} redraw: the box in hand gets the shape drawn next */
    this.tool = "select";
    this.drawClass = this.classes[0]?.id ?? 0;
    this.filter = 0;
    this.hidesAccepted = false;
    this.preferences = new Preferences();
    /** What is around a frame made of a lidar sweep. @type {Surroundings | null} */
    this.around = null;
    /** @type {Promise<Surroundings | null> | null} */
    this.surrounding = null;
    /** @type {Scene} */
    this.scene = newScene(this.preferences, options.project.rotated);
    this.stage = make("div", {
      class: "stage",
      tabindex: 0,
      role: "application",
      "aria-label": "Picture and its boxes. Press question mark for all keys, F6 for tools and panel.",
    });
    this.message = make("div", { class: "stage-message", role: "status", hidden: true });
    this.statusbar = new Statusbar();
    this.canvas = new Canvas(this.stage, this.scene, (before) => this.camera.resized(before));
    this.camera = new Camera(this.canvas, () => this.statusbar.zoom(this.scene.view.scale));
    this.toolbar = new Toolbar(this);
    this.panel = new Panel(this);
    this.chooser = new ClassChooser(this);
    this.pointer = new Pointer(this);
    this.#place();
    listenToKeys(this);
  }

  #place() {
    const frame = make("div", { class: "stage-frame" }, this.stage, this.message, this.chooser.element);
    this.root.classList.add("editor", "is-empty");
    this.root.replaceChildren(this.toolbar.element, frame, this.panel.element, this.statusbar.element);
    this.canvas.resize();
    this.refresh();
  }

  get selected() {
    return this.draft?.get(this.selectedId) ?? null;
  }

  get picture() {
    return this.camera.picture;
  }

  /** @param {number} id */
  className(id) {
    return this.classById.get(id)?.name ?? `class ${id}`;
  }

  /** @param {number} id */
  classColor(id) {
    return this.classById.get(id)?.color ?? "#cccccc";
  }

  /**
   * Put a frame on the stage.
   *
   * @param {Draft} draft @param {Picture | null} picture null: not there yet
   */
  show(draft, picture) {
    this.pointer.cancel();
    this.draft = draft;
    this.root.classList.remove("is-empty");
    this.message.hidden = true;
    this.filter = Math.min(this.preferences.filter ?? draft.shownScore, draft.shownScore);
    this.hidesAccepted = false;
    this.setTool("select");
    this.setPicture(picture);
    this.camera.reset(draft.picture);
    const first = draft.after(null, 1, (box) => draft.isOpen(box));
    this.panel.show(draft.task);
    this.#surround(draft.task);
    this.select(first?.id ?? null, { zoom: false });
    this.toolbar.update();
    if (first) this.canvas.drawn().then(() => this.#zoomIfTiny(first));
  }

  /**
   * Fetch what a frame will need beyond its picture: what only frames made of lidar sweeps need is
   * loaded when the first one comes. Null where there is nothing, or it cannot be fetched now.
   *
   * @param {TaskView} task
   */
  async prepare(task) {
    if (!task.scene) return null;
    this.surrounding ??= this.#loadSurroundings();
    const around = await this.surrounding;
    around?.want(task);
    return around;
  }

  async #loadSurroundings() {
    try {
      const { mountSurroundings } = await import("./lidar/surroundings.js");
      this.around = await mountSurroundings(this);
    } catch {
      this.surrounding = null; // tried again with the next frame
      this.say("The cameras cannot be shown: the server does not answer");
    }
    return this.around;
  }

  /** @param {TaskView} task */
  async #surround(task) {
    if (!task.scene) return this.around?.hide();
    const around = this.around ?? (await this.prepare(task));
    if (this.draft?.task === task) around?.show(task);
  }

  /** The picture of the frame on the stage has come. @param {Picture | null} picture */
  setPicture(picture) {
    const size = this.draft?.picture;
    this.scene.picture = picture && size ? { levels: picture.levels, ...size } : null;
    this.stage.classList.toggle("is-loading", !picture && this.draft !== null);
    this.canvas.touch(ALL);
  }

  /** Nothing to edit: say so in place of a picture. @param {...(Node | string)} content */
  clear(...content) {
    this.pointer.cancel();
    this.draft = null;
    this.root.classList.add("is-empty");
    this.selectedId = null;
    this.around?.hide();
    this.setPicture(null);
    this.message.replaceChildren(...content);
    this.message.hidden = false;
    this.panel.show(null);
    this.refresh();
    this.toolbar.update();
  }

  /** On a new frame a person sees the whole first, unless the first box is too small to judge. @param {Box} box */
  #zoomIfTiny(box) {
    if (this.selectedId !== box.id) return;
    const [left, top, right, bottom] = bounds(box.xyxy, box.angle);
    const side = Math.max(right - left, bottom - top) * this.scene.view.scale;
    if (side < 40 && this.preferences.autoZoom) this.camera.towards([left, top, right, bottom]);
  }

  /** Boxes that can be seen now, in the order of looking. */
  *visible() {
    if (!this.draft || this.scene.peek) return;
    for (const box of this.draft.boxes()) if (this.isVisible(box)) yield box;
  }

  /** @param {Box} box */
  isVisible(box) {
    return this.isShown(box) || (this.draft?.isPlace(box) ?? false);
  }

  /** Whether a box is seen even if it is no place to look at. @param {Box} box */
  isShown(box) {
    if (box.id === this.selectedId) return true;
    if (box.status === "rejected") return false;
    if (box.status === "accepted") return !this.hidesAccepted;
    return !box.proposal || box.proposal.score >= this.filter - 1e-9;
  }

  /** @param {string | null} id @param {{zoom?: boolean}} [options] */
  select(id, { zoom = this.preferences.autoZoom } = {}) {
    this.selectedId = id;
    this.refresh();
    const box = this.selected;
    if (box && zoom) this.camera.towards(bounds(box.xyxy, box.angle));
    this.options.onClass?.(box ? this.className(box.class_id) : null);
  }

  /**
   * Put new states of boxes in place; the page is told, and the server through it.
   *
   * @param {string} action @param {Box[]} boxes @param {string | null} [gesture]
   */
  change(action, boxes, gesture = null) {
    if (!this.draft || !boxes.length) return;
    this.#keep(this.draft.change(action, boxes, gesture), gesture);
  }

  /** @param {"undo" | "redo"} direction @returns {Edit | null} */
  travel(direction) {
    const edit = this.draft?.[direction]() ?? null;
    if (!edit) return null;
    const box = this.draft?.get(edit.boxes[0].id);
    if (box && edit.boxes.length === 1) this.selectedId = box.status === "rejected" && !box.proposal ? null : box.id;
    this.#keep(edit, null);
    return edit;
  }

  /** @param {Edit} edit @param {string | null} gesture */
  #keep(edit, gesture) {
    if (!this.draft) return;
    this.options.onEdit(this.draft.task, edit, gesture);
    this.refresh();
  }

  /** A new box of the class in use, accepted and in hand. @param {string} action @param {Shape & Partial<Box>} shape */
  add(action, { xyxy, angle, class_id = this.drawClass, height_m = null }) {
    /** @type {Box} */
    const box = { id: newId(), xyxy: [...xyxy], angle, class_id, status: "accepted", height_m, proposal: null };
    this.selectedId = box.id;
    this.change(action, [box]);
    this.options.onClass?.(this.className(class_id));
    return box;
  }

  /** What is drawn follows what is known. */
  refresh() {
    const { scene, selected } = this;
    scene.groups = groupsOf(this);
    scene.selected = selected;
    scene.liveColor = this.classColor(selected?.class_id ?? this.drawClass);
    scene.selectedLook = selected ? this.lookOf(selected) : "open";
    scene.selectedName = selected ? this.className(selected.class_id) : "";
    if (scene.hovered) scene.hovered = null;
    this.canvas.touch(BOXES | ACTIVE);
    this.around?.refresh();
    this.panel.update();
    this.toolbar.update();
  }

  /** @param {Box} box */
  lookOf(box) {
    return this.draft?.isPlace(box) ? "place" : lookOf(box, this.draft?.shownScore ?? 0);
  }

  /** @param {Shape} live changed in place by whoever drags */
  beginLive(live) {
    this.scene.live = live;
    this.scene.hovered = null;
    this.canvas.touch(ACTIVE);
    this.around?.follow();
  }

  /** @param {number} x @param {number} y where the pointer is on the stage */
  moveLive(x, y) {
    this.scene.pointer.x = x;
    this.scene.pointer.y = y;
    this.canvas.touch(ACTIVE);
    this.around?.follow();
  }

  /** The drag is over: its shape becomes an edit, if it is another one. @param {string} action */
  endLive(action) {
    const { live } = this.scene;
    this.scene.live = null;
    if (!live) return;
    if (action === "draw") this.say(`Drew ${this.className(this.add("draw", live).class_id)}`);
    else this.reshape(action, live);
    this.canvas.touch(ACTIVE);
    this.around?.follow();
  }

  cancelLive() {
    if (!this.scene.live) return;
    this.scene.live = null;
    this.canvas.touch(ACTIVE);
    this.around?.follow();
  }

  /**
   * Give the selected box another shape; whoever corrects a proposal has accepted it.
   *
   * @param {string} action @param {Shape} shape @param {string | null} [gesture]
   */
  reshape(action, { xyxy, angle }, gesture = null) {
    const box = this.selected;
    if (!box || (xyxy.every((value, at) => value === box.xyxy[at]) && angle === box.angle)) return;
    this.change(action, [{ ...box, xyxy: [...xyxy], angle, status: "accepted" }], gesture);
  }

  /** @param {Box | null} box @param {number} x @param {number} y */
  hover(box, x, y) {
    const { scene } = this;
    scene.pointer.x = x;
    scene.pointer.y = y;
    if (scene.hovered === box && !scene.cross) return;
    scene.hovered = box;
    if (box) scene.hoveredColor = this.classColor(box.class_id);
    this.canvas.touch(ACTIVE);
  }

  /** @param {"select" | "draw" | "redraw"} tool */
  setTool(tool) {
    this.tool = tool;
    this.scene.cross = tool !== "select";
    this.stage.classList.toggle("is-drawing", tool !== "select");
    this.canvas.touch(ACTIVE);
    this.toolbar.update();
  }

  /** @param {number} filter 0 to 1 */
  setFilter(filter) {
    this.filter = Math.min(Math.max(Math.round(filter * 100) / 100, 0), 1);
    this.preferences.filter = this.filter < (this.draft?.shownScore ?? 0) ? this.filter : null;
    this.refresh();
  }

  /** @param {boolean} hides */
  hideAccepted(hides) {
    this.hidesAccepted = hides;
    this.refresh();
  }

  /** @param {boolean} peek */
  setPeek(peek) {
    if (this.scene.peek === peek) return;
    this.scene.peek = peek;
    this.refresh();
  }

  /** @param {string} name @param {any} [argument] */
  run(name, argument) {
    this.options.onInput?.();
    this.commands[name]?.(this, argument);
  }

  /** Tell what was done, to eyes and to screen readers. @param {string} text */
  say(text) {
    this.statusbar.say(text);
  }
}
