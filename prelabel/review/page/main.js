/** The annotator's page: frames one after the other, everything kept, nothing waited for. */

import { ActivityLog } from "./activity.js";
import { ApiError, api } from "./api.js";
import { COMMANDS, acceptRest } from "./commands.js";
import { askSkipReason, confirm } from "./dialogs.js";
import { mountEditor } from "./editor.js";
import { byId, make } from "./elements.js";
import { Guidelines } from "./guidelines.js";
import { Header } from "./header.js";
import { Help } from "./help.js";
import { newId } from "./ids.js";
import { helpRows } from "./keys.js";
import { Notices } from "./notices.js";
import { Outbox } from "./outbox.js";
import { Pictures } from "./pictures.js";
import { Queue } from "./queue.js";
import { Session } from "./session.js";
import { browserShelf } from "./shelf.js";
import { becomeTheOne } from "./tabs.js";
import { time, timings } from "./timings.js";
import { counted } from "./wording.js";

/** How long a submission waits for "undo", unless work on the next frame has begun. */
const HOLD_MS = 5_000;
/** Enter pressed this soon after a frame came was meant for the one before. */
const TOO_SOON_MS = 300;
/** The next frames are fetched and decoded once the one in hand is well on the screen. */
const CALM_MS = 120;
const ASK_AGAIN_MS = 20_000;

/**
 * @typedef {import("./queue.js").Frame} Frame
 * @typedef {import("./queue.js").Ending} Ending
 * @typedef {import("./types.js").Me} Me
 * @typedef {import("./types.js").ProjectInfo} ProjectInfo
 */

class Page {
  /** @param {Me} me @param {ProjectInfo} project */
  constructor(me, project) {
    this.me = me;
    this.shelf = browserShelf();
    const source = { now: () => Date.now(), newId };
    this.outbox = new Outbox({
      shelf: this.shelf,
      post: (path, body, options) => api.post(path, body, options),
      person: me.person,
      now: source.now,
      later: (run, ms) => setTimeout(run, ms),
    });
    this.pictures = new Pictures();
    const { pictures, outbox } = this;
    this.queue = new Queue({ api, pictures, outbox, source, ahead: project.settings.prefetch });
    const keep = (/** @type {number} */ task, /** @type {object} */ event) => outbox.add(task, "activity", event);
    this.activity = new ActivityLog({ ...source, keep }, project.settings.idle_s);
    this.editor = mountEditor(byId("editor"), this.#editorOptions(project));
    this.header = new Header(byId("header"), me, project, (command) => this.editor.run(command));
    this.guidelines = new Guidelines(api, byId("guidelines"), byId("guideline-news"));
    this.help = new Help(helpRows);
    this.notices = new Notices(byId("notices"));
    this.shownAt = 0;
    this.renewMs = (project.settings.lease_minutes * 60_000) / 3;
    /** @type {Frame | null} the one whose submission can still be taken back */
    this.justDone = null;
    this.session = new Session(api, me.person, this.notices, async () => {
      await outbox.retry();
      this.#fetch();
    });
  }

  /** @param {ProjectInfo} project @returns {import("./editor.js").EditorOptions} */
  #editorOptions(project) {
    return {
      mode: "annotate",
      project,
      onEdit: (task, edit, gesture) => {
        this.outbox.letGo();
        this.justDone = null;
        this.outbox.add(task.task, "edit", edit, { gesture });
      },
      onInput: () => this.activity.input(),
      onClass: (name) => this.guidelines?.follow(name),
      actions: [
        { command: "skip", label: "Skip" },
        { command: "acceptRest", label: "Accept rest" },
        { command: "submit", label: "Submit", strong: true },
      ],
      commands: {
        submit: () => this.submit(),
        acceptRestAndSubmit: () => this.#finishAll(),
        skip: () => this.skip(),
        nextFrame: () => this.#turn(1),
        previousFrame: () => this.#turn(-1),
        undo: (editor) => this.#undo(editor),
        guidelines: (editor) => this.guidelines.toggle(editor.className(editor.selected?.class_id ?? editor.drawClass)),
        help: () => this.help.toggle(),
      },
    };
  }

  async start() {
    await becomeTheOne({
      onWaiting: (take) => this.#elsewhere("This page is open in another tab", "Work here instead", take),
      onLost: () => {
        this.outbox.stop();
        this.queue.goTo(null);
        this.#elsewhere("You work in another tab now", "Work here again", () => location.reload());
      },
    });
    await this.outbox.open();
    this.#listen();
    await this.outbox.flush(); // else frames could come as they were before what is sent here
    await this.#fetch();
    this.guidelines.start().catch(() => undefined); // shown again when it is opened
  }

  /** @param {string} title @param {string} label @param {() => void} take */
  #elsewhere(title, label, take) {
    const text = "Two tabs that change the same frame would undo each other's work.";
    this.editor.clear(make("h2", {}, title), make("p", {}, text), make("button", { type: "button", onclick: take }, label));
  }

  #listen() {
    const { outbox } = this;
    outbox.addEventListener("state", () => this.header.saving(outbox));
    outbox.addEventListener("sent", () => this.#fetch());
    outbox.addEventListener("login", () => this.session.ask());
    outbox.addEventListener("taken", (event) => this.#taken(/** @type {CustomEvent} */ (event).detail));
    outbox.addEventListener("refused", (event) => this.#refused(/** @type {CustomEvent} */ (event).detail));
    window.addEventListener("online", () => outbox.retry());
    window.addEventListener("focus", () => outbox.trouble === "login" && this.session.goOn());
    window.addEventListener("beforeunload", (event) => {
      if (outbox.state === "unkept") event.preventDefault();
    });
    document.addEventListener("visibilitychange", () => {
      this.activity.visibility(document.hidden);
      if (document.hidden) outbox.leave({ held: false });
    });
    window.addEventListener("pagehide", () => {
      this.activity.close();
      this.justDone = null;
      outbox.leave({ held: true });
    });
    for (const kind of ["pointerdown", "pointermove", "wheel", "keydown"]) {
      document.addEventListener(kind, () => this.activity.input(), { passive: true, capture: true });
    }
    setInterval(() => this.header.worked(this.me.seconds_today + this.activity.activeMs / 1000), 1_000);
    byId("guidelines").addEventListener("guidelines-closed", () => this.editor.stage.focus());
    setInterval(() => this.queue.current || outbox.stopped || this.#fetch(), ASK_AGAIN_MS);
    setInterval(() => document.hidden || this.queue.renew().catch(() => undefined), this.renewMs);
  }

  /** Get frames; show one if none is on the stage. */
  async #fetch() {
    try {
      await this.queue.fill();
      this.notices.drop("frames");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.kind === "login" || error.kind === "forbidden") this.session.ask();
      if (!this.queue.current && !this.queue.next()) this.#nothing(error);
      return;
    }
    if (this.queue.current) this.#showPlace();
    else if (!this.show(this.queue.next())) this.#nothing(null);
  }

  /**
   * Put a frame on the stage; false where there is none.
   *
   * @param {Frame | null} frame @param {number} [pressedAt]
   */
  show(frame, pressedAt = performance.now()) {
    this.queue.goTo(frame);
    this.activity.open(frame?.task.task ?? null);
    if (!frame) {
      this.#showPlace();
      return false;
    }
    const { task, draft } = frame;
    const picture = this.pictures.peek(task.picture);
    this.editor.show(draft, picture);
    this.shownAt = performance.now();
    if (picture) time("next", pressedAt, this.editor.canvas.drawn());
    else this.#await(frame, pressedAt);
    this.#showPlace();
    this.#announce(frame);
    this.editor.canvas.drawn().then(() => setTimeout(() => this.#afterShown(frame), CALM_MS));
    return true;
  }

  /** @param {Frame} frame */
  #afterShown({ task, ending }) {
    if (!ending) api.post(`/api/tasks/${task.task}/open`).catch(() => undefined); // edits open it, too
    this.#fetch().then(() => this.queue.open.forEach((frame) => this.editor.prepare(frame.task)));
  }

  /** The picture is still on its way. @param {Frame} frame @param {number} pressedAt */
  async #await(frame, pressedAt) {
    const isHere = () => this.queue.current === frame;
    try {
      const picture = await this.pictures.get(frame.task.picture);
      if (!isHere()) return;
      this.editor.setPicture(picture);
      time("next", pressedAt, this.editor.canvas.drawn());
    } catch (error) {
      if (!isHere()) return;
      const again = make("button", { type: "button", onclick: () => this.show(frame) }, "Try again");
      this.editor.message.replaceChildren(make("p", {}, error instanceof Error ? error.message : String(error)), again);
      this.editor.message.hidden = false;
    }
  }

  /** @param {Frame} frame */
  #announce({ task, draft }) {
    const boxes = `${counted(draft.undecided, "box", "boxes")} to decide on`;
    const back = task.sent_back_reason ? `Sent back to you: ${task.sent_back_reason}. ` : "";
    const before = this.justDone ? `${this.justDone.ending === "skipped" ? "Skipped" : "Submitted"}, Ctrl+Z takes it back. ` : "";
    this.editor.say(`${before}${back}${boxes}`);
  }

  #showPlace() {
    const { current, done, left } = this.queue;
    const here = this.queue.frames.filter((frame) => this.outbox.isEnding(frame.task.task)).length;
    this.header.frame(current?.task ?? null, done + here, Math.max(left - here, 0));
    document.title = current ? `${current.task.name} – prelabel` : "prelabel";
  }

  /** @param {ApiError | null} error */
  #nothing(error) {
    const again = make("button", { type: "button", onclick: () => this.#fetch() }, "Look again");
    if (error) {
      const text = "The frames that were here are done, and the server does not answer. This page goes on by itself.";
      return this.editor.clear(make("h2", {}, "Offline"), make("p", {}, text), again);
    }
    const left = this.queue.left;
    const rest = left ? `${counted(left, "frame")} of this batch ${left === 1 ? "is" : "are"} with others.` : "The batch is complete.";
    return this.editor.clear(make("h2", {}, "Nothing left for you"), make("p", {}, `${rest} Thank you.`), again);
  }

  /** @param {1 | -1} step */
  #turn(step) {
    const frame = this.queue.neighbour(step);
    if (frame) this.show(frame, pressed());
    else this.editor.say(step > 0 ? "No further frame is here" : "This is the first frame");
  }

  /** Whether a frame has just come, so that Enter was meant for the one before. */
  get isTooSoon() {
    return performance.now() - this.shownAt < TOO_SOON_MS;
  }

  async submit() {
    const frame = this.queue.current;
    if (!frame || this.isTooSoon) return;
    const open = frame.draft.undecided;
    if (open) {
      const text = `${counted(open, "box is", "boxes are")} not decided on.`;
      if (!(await confirm("Submit?", text, "Accept the rest and submit", "Go back"))) return;
      if (this.queue.current !== frame) return; // it has gone to somebody else meanwhile
      this.#acceptAll(frame);
    }
    this.#finish(frame, "submitted");
  }

  #finishAll() {
    const frame = this.queue.current;
    if (!frame || this.isTooSoon) return;
    this.#acceptAll(frame);
    this.#finish(frame, "submitted");
  }

  /** Also what the score filter hides at present. @param {Frame} frame */
  #acceptAll({ draft }) {
    if (this.editor.filter > draft.shownScore) this.editor.setFilter(draft.shownScore);
    if (draft.undecided) acceptRest(this.editor);
  }

  async skip() {
    const frame = this.queue.current;
    if (!frame) return;
    const reason = await askSkipReason();
    if (reason && this.queue.current === frame) this.#finish(frame, "skipped", { reason });
  }

  /** @param {Frame} frame @param {"submitted" | "skipped"} ending @param {object} [body] */
  #finish(frame, ending, body = { request_id: newId(), shown_score: frame.draft.shownScore }) {
    this.outbox.letGo();
    const kind = ending === "submitted" ? "submit" : "skip";
    this.activity.open(null);
    this.outbox.add(frame.task.task, kind, body, { holdMs: HOLD_MS });
    frame.ending = ending;
    this.justDone = frame;
    this.#goOn();
  }

  #goOn() {
    if (this.show(this.queue.next(), pressed())) return;
    this.editor.clear(make("p", {}, "Looking for more frames"));
    this.outbox.letGo();
    this.#fetch();
  }

  /** With nothing to undo on this frame, the frame before comes back. @param {import("./editor.js").Editor} editor */
  #undo(editor) {
    const before = this.justDone;
    if (editor.draft?.done.length || !before) return COMMANDS.undo(editor);
    this.justDone = null;
    if (!this.outbox.takeBack(before.task.task)) return editor.say("That frame is handed in already");
    before.ending = null;
    this.show(before, pressed());
    return editor.say("Taken back: the frame is yours again");
  }

  /** Somebody else has got the frame meanwhile. @param {{task: number}} detail */
  #taken({ task }) {
    const frame = this.queue.find(task);
    if (!frame || frame.ending === "taken") return;
    frame.ending = "taken";
    this.notices.tell(`${frame.task.name} has gone to somebody else meanwhile. What you did on it is kept in the project.`);
    if (this.queue.current === frame) this.#goOn();
  }

  /** The server will never take this: keep it apart and say so. @param {{task: number, error: Error}} detail */
  #refused({ task, error }) {
    const frame = this.queue.find(task);
    if (frame) frame.ending = null;
    const name = frame?.task.name ?? `Frame ${task}`;
    /** @type {{label: string, run: () => void}[]} */
    const actions = [{ label: "Save it as a file", run: () => this.#download() }];
    if (frame && frame !== this.queue.current) actions.unshift({ label: "Open the frame", run: () => this.show(frame) });
    this.notices.tell(`${name} was not taken: ${error.message}`, actions);
  }

  async #download() {
    const text = JSON.stringify(await this.shelf.aside(), null, 1);
    const href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    make("a", { href, download: "prelabel-refused.json" }).click();
    setTimeout(() => URL.revokeObjectURL(href), 10_000);
  }
}

/** When the key was pressed that is being handled, by the clock of `performance`. */
const pressed = () => window.event?.timeStamp ?? performance.now();

try {
  const [me, project] = await Promise.all([api.me(), api.get("/api/project")]);
  const page = new Page(me, project);
  Object.assign(window, { __prelabel: { timings, page } });
  await page.start();
} catch (error) {
  if (!(error instanceof ApiError)) throw error;
  if (error.kind === "login") location.replace(`/login?then=${encodeURIComponent(location.pathname)}`);
  const again = make("button", { type: "button", onclick: () => location.reload() }, "Try again");
  byId("editor").replaceChildren(make("div", { class: "stage-message" }, make("p", {}, error.message), again));
}
