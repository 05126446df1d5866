/**
 * Mouse, pen and fingers on the stage: select, move, pull at handles, turn, draw, pan and zoom.
 *
 * A press becomes a drag only after a few pixels, so that a click never moves a box. During a drag
 * only numbers are changed in place; the edit is made when the pointer is let go.
 *
 * @typedef {import("./types.js").Box} Box
 * @typedef {import("./types.js").Xyxy} Xyxy
 * @typedef {import("./geometry.js").Handle} Handle
 * @typedef {"press" | "pan" | "move" | "resize" | "turn" | "draw" | "pinch"} DragKind
 */

import { angleTowards, moved, resized, spanned } from "./geometry.js";
import { boxAt, boxesAt, handleAt } from "./hit.js";

const DRAG_FROM_PX = { mouse: 3, pen: 4, touch: 8 };
const SLACK_PX = { mouse: 6, pen: 9, touch: 20 };
/** Smaller drawings are clicks that slipped. */
const DRAWN_FROM_PX = 4;
const SNAP = Math.PI / 12;
const WHEEL_SPEED = 0.0016;
const LINE_PX = 24;

export class Pointer {
  /** @param {import("./editor.js").Editor} editor */
  constructor(editor) {
    this.editor = editor;
    this.stage = editor.canvas.stage;
    this.left = 0;
    this.top = 0;
    /** @type {DragKind | null} */
    this.kind = null;
    /** @type {Box | null} the box in hand as it was at the press */
    this.box = null;
    /** @type {Handle | null} */
    this.handle = null;
    this.wasSelected = false;
    this.id = -1;
    this.slack = SLACK_PX.mouse;
    this.dragFrom = DRAG_FROM_PX.mouse;
    this.start = { x: 0, y: 0, pictureX: 0, pictureY: 0 };
    this.last = { x: 0, y: 0 };
    this.live = { xyxy: /** @type {Xyxy} */ ([0, 0, 0, 0]), angle: /** @type {number | null} */ (null) };
    /** @type {Map<number, {x: number, y: number}>} fingers on the stage */
    this.fingers = new Map();
    this.cursor = "";
    this.#listen();
  }

  #listen() {
    const { stage } = this;
    stage.addEventListener("pointerdown", (event) => this.#down(event));
    stage.addEventListener("pointermove", (event) => this.#move(event));
    stage.addEventListener("pointerup", (event) => this.#up(event));
    stage.addEventListener("pointercancel", (event) => {
      this.fingers.delete(event.pointerId);
      this.cancel();
    });
    stage.addEventListener("pointerleave", () => this.#leave());
    stage.addEventListener("pointerenter", () => this.#measure());
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    stage.addEventListener("contextmenu", (event) => event.preventDefault());
    stage.addEventListener("dblclick", (event) => this.#double(event));
  }

  get isDragging() {
    return this.kind !== null && this.kind !== "press";
  }

  /** The only reading of the layout; none happens during a drag. */
  #measure() {
    const { left, top } = this.stage.getBoundingClientRect();
    this.left = left;
    this.top = top;
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (!this.editor.draft) return;
    this.#measure();
    this.stage.focus({ preventScroll: true });
    this.stage.setPointerCapture(event.pointerId);
    const device = /** @type {keyof typeof SLACK_PX} */ (event.pointerType in SLACK_PX ? event.pointerType : "mouse");
    this.slack = SLACK_PX[device];
    this.dragFrom = DRAG_FROM_PX[device];
    const x = event.clientX - this.left;
    const y = event.clientY - this.top;
    if (device === "touch") this.fingers.set(event.pointerId, { x, y });
    if (this.fingers.size === 2) return this.#pinch();
    if (this.kind) return;
    this.id = event.pointerId;
    this.#begin(x, y, event);
  }

  /** @param {number} x @param {number} y @param {PointerEvent} event */
  #begin(x, y, event) {
    const { view } = this.editor.scene;
    this.start = { x, y, pictureX: (x - view.x) / view.scale, pictureY: (y - view.y) / view.scale };
    this.last = { x, y };
    this.box = null;
    this.handle = null;
    if (event.button === 1 || event.button === 2) {
      event.preventDefault();
      this.kind = "pan";
      return;
    }
    const selected = this.editor.selected;
    const isDrawing = this.editor.tool !== "select" || event.shiftKey;
    const mayGrip = !event.altKey && this.editor.tool !== "redraw";
    const grip = selected && mayGrip ? this.#handleAt(selected, x, y) : null;
    if (grip) return this.#grip(/** @type {Box} */ (selected), grip);
    if (isDrawing) return this.#beginDrawing();
    this.kind = "press";
    this.box = boxAt(this.editor.visible(), view, x, y, this.slack, this.editor.selectedId);
    this.wasSelected = this.box !== null && this.box.id === this.editor.selectedId;
    if (this.box && event.pointerType !== "touch") this.editor.select(this.box.id, { zoom: false });
  }

  /** @param {Box} box @param {number} x @param {number} y */
  #handleAt(box, x, y) {
    const { scene } = this.editor;
    return handleAt(box, scene.view, x, y, this.slack, scene.turns);
  }

  /** @param {Box} box @param {Handle | "turn"} grip */
  #grip(box, grip) {
    this.kind = grip === "turn" ? "turn" : "resize";
    this.handle = grip === "turn" ? null : grip;
    this.#take(box);
  }

  /** @param {Box} box */
  #take(box) {
    this.box = box;
    for (let at = 0; at < 4; at++) this.live.xyxy[at] = box.xyxy[at];
    this.live.angle = box.angle;
    this.editor.beginLive(this.live);
  }

  #beginDrawing() {
    this.kind = "draw";
    this.live.angle = this.editor.scene.turns ? 0 : null;
    if (this.editor.tool !== "redraw") this.editor.select(null);
    const { pictureX, pictureY } = this.start;
    spanned(pictureX, pictureY, pictureX, pictureY, this.editor.picture, this.live.xyxy);
    this.editor.beginLive(this.live);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const x = event.clientX - this.left;
    const y = event.clientY - this.top;
    const finger = this.fingers.get(event.pointerId);
    if (this.kind === "pinch" && finger) return this.#pinchTo(finger, x, y);
    if (finger) Object.assign(finger, { x, y });
    if (this.kind === null) return this.#hover(x, y, event.pointerType);
    if (event.pointerId !== this.id) return;
    if (this.kind === "press") this.#maybeDrag(x, y, event.pointerType);
    if (this.kind === "pan") this.editor.camera.pan(x - this.last.x, y - this.last.y);
    else if (this.kind !== "press") this.#drag(x, y, event.shiftKey);
    this.last.x = x;
    this.last.y = y;
  }

  /** @param {number} x @param {number} y @param {string} device */
  #maybeDrag(x, y, device) {
    if (Math.hypot(x - this.start.x, y - this.start.y) < this.dragFrom) return;
    if (this.box && (device !== "touch" || this.wasSelected)) {
      this.kind = "move";
      this.#take(this.box);
    } else {
      this.kind = "pan";
      this.#point("grabbing");
    }
  }

  /** @param {number} x @param {number} y @param {boolean} snaps */
  #drag(x, y, snaps) {
    const { scene, picture } = this.editor;
    const pictureX = (x - scene.view.x) / scene.view.scale;
    const pictureY = (y - scene.view.y) / scene.view.scale;
    const dx = pictureX - this.start.pictureX;
    const dy = pictureY - this.start.pictureY;
    const out = this.live.xyxy;
    if (this.kind === "draw") {
      spanned(this.start.pictureX, this.start.pictureY, pictureX, pictureY, picture, out);
    } else if (this.box && this.kind === "move") {
      moved(this.box.xyxy, this.box.angle, dx, dy, picture, out);
    } else if (this.box && this.handle) {
      resized(this.box.xyxy, this.box.angle, this.handle, dx, dy, picture, out);
    } else if (this.box && this.kind === "turn") {
      this.live.angle = angleTowards(this.box.xyxy, pictureX, pictureY, snaps ? SNAP : 0);
    }
    this.editor.moveLive(x, y);
  }

  /** @param {PointerEvent} event */
  #up(event) {
    this.fingers.delete(event.pointerId);
    if (this.kind === "pinch") {
      if (!this.fingers.size) this.kind = null;
      return;
    }
    if (event.pointerId !== this.id) return;
    const { kind } = this;
    this.kind = null;
    this.id = -1;
    if (kind === "press") this.#click();
    else if (kind === "draw") this.#drawn();
    else if (kind && kind !== "pan") this.editor.endLive(kind);
    this.#point("");
  }

  /** A press that did not move: select, the box below where it was selected already. */
  #click() {
    const { editor, start } = this;
    if (!this.box) return editor.select(null);
    if (!this.wasSelected) return editor.select(this.box.id, { zoom: false });
    const below = boxesAt(editor.visible(), editor.scene.view, start.x, start.y, this.slack);
    const at = below.findIndex((box) => box.id === this.box?.id);
    return editor.select(below[(at + 1) % below.length].id, { zoom: false });
  }

  #drawn() {
    const { xyxy } = this.live;
    const { scale } = this.editor.scene.view;
    const longest = Math.max(xyxy[2] - xyxy[0], xyxy[3] - xyxy[1]) * scale;
    const isDrawn = Math.max(Math.abs(this.last.x - this.start.x), Math.abs(this.last.y - this.start.y)) >= DRAWN_FROM_PX;
    if (isDrawn && longest > 0) return this.#keepDrawn();
    this.editor.cancelLive();
    const { view } = this.editor.scene;
    const box = boxAt(this.editor.visible(), view, this.start.x, this.start.y, this.slack, null);
    return this.editor.select(box?.id ?? null, { zoom: false });
  }

  #keepDrawn() {
    const { editor } = this;
    editor.endLive(editor.tool === "redraw" ? "redraw" : "draw");
    if (editor.tool === "redraw") editor.setTool("select");
  }

  /** Let go of what is dragged; it stays as it was. */
  cancel() {
    const wasDragging = this.isDragging;
    this.kind = null;
    this.id = -1;
    this.editor.cancelLive();
    this.#point("");
    return wasDragging;
  }

  #pinch() {
    this.editor.cancelLive();
    this.kind = "pinch";
  }

  /** @param {{x: number, y: number}} finger @param {number} x @param {number} y */
  #pinchTo(finger, x, y) {
    const other = [...this.fingers.values()].find((one) => one !== finger);
    if (!other) return;
    const before = Math.hypot(finger.x - other.x, finger.y - other.y);
    const after = Math.hypot(x - other.x, y - other.y);
    const { camera } = this.editor;
    camera.pan((x - finger.x) / 2, (y - finger.y) / 2);
    if (before > 1) camera.zoom(after / before, (x + other.x) / 2, (y + other.y) / 2);
    Object.assign(finger, { x, y });
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    if (!this.editor.draft) return;
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1;
    if (event.shiftKey) return this.editor.camera.pan(-(event.deltaX || event.deltaY) * unit, 0);
    const speed = event.ctrlKey ? 6 * WHEEL_SPEED : WHEEL_SPEED; // a pinch on a pad is a slow wheel
    const factor = Math.exp(-event.deltaY * unit * speed);
    this.editor.camera.zoom(factor, event.clientX - this.left, event.clientY - this.top);
  }

  /** @param {MouseEvent} event */
  #double(event) {
    const { editor } = this;
    if (!editor.draft || editor.tool !== "select") return;
    const x = event.clientX - this.left;
    const y = event.clientY - this.top;
    const box = boxAt(editor.visible(), editor.scene.view, x, y, this.slack, editor.selectedId);
    if (!box) editor.camera.whole();
  }

  /** @param {number} x @param {number} y @param {string} device */
  #hover(x, y, device) {
    if (device === "touch" || !this.editor.draft) return;
    const { editor } = this;
    const { scene, selected } = editor;
    const grip = selected && editor.tool !== "redraw" ? this.#handleAt(selected, x, y) : null;
    const isDrawing = editor.tool !== "select";
    const box = grip || isDrawing ? null : boxAt(editor.visible(), scene.view, x, y, this.slack, editor.selectedId);
    editor.hover(box === selected ? null : box, x, y);
    if (grip) this.#point(grip === "turn" ? "grab" : cursorOf(grip, selected?.angle ?? 0));
    else if (isDrawing) this.#point("crosshair");
    else this.#point(box ? (box === selected ? "move" : "pointer") : "");
  }

  #leave() {
    if (this.kind === null) this.editor.hover(null, -100, -100);
  }

  /** @param {string} cursor */
  #point(cursor) {
    if (cursor === this.cursor) return;
    this.cursor = cursor;
    this.stage.style.cursor = cursor;
  }
}

const CURSORS = ["ew-resize", "nwse-resize", "ns-resize", "nesw-resize"];

/** The cursor along which a handle pulls. @param {Handle} handle @param {number} angle of the box */
function cursorOf(handle, angle) {
  const direction = Math.atan2(handle.y, handle.x) + angle;
  const eighth = Math.round(direction / (Math.PI / 4));
  return CURSORS[((eighth % 4) + 4) % 4];
}
