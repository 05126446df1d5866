/**
 * The reviewer's page: what waits, what the annotator made of the proposals, accept or send back.
 *
 * @typedef {import("./types.js").TaskView} TaskView
 */

import { api } from "./api.js";
import { Draft, folded } from "./boxes.js";
import { ChangeList } from "./change-list.js";
import { agreement } from "./changes.js";
import { CopyStage } from "./copy-stage.js";
import { byId, make } from "./elements.js";
import { Guidelines } from "./guidelines.js";
import { Help } from "./help.js";
import { newId } from "./ids.js";
import { attempt, startPage } from "./masthead.js";
import { Outbox } from "./outbox.js";
import { Pictures } from "./pictures.js";
import { askReason } from "./reasons.js";
import { ReviewEditor } from "./review-editor.js";
import { reviewKeys } from "./review-keys.js";
import { browserShelf } from "./shelf.js";
import { showWaiting } from "./waiting-list.js";
import { duration } from "./wording.js";

const REFRESH_MS = 20_000;

class Reviewing {
  constructor(me, project) {
    this.me = me;
    this.project = project;
    this.pictures = new Pictures();
    /** @type {any[]} frames that wait */
    this.waiting = [];
    /** @type {any | null} the frame on the stage */
    this.task = null;
    this.outbox = new Outbox({
      shelf: browserShelf(),
      post: (path, body, options) => api.post(path, body, options),
      person: me.person,
      now: () => Date.now(),
      later: (run, ms) => setTimeout(run, ms),
    });
    this.guidelines = new Guidelines(api, byId("guidelines"), byId("guideline-news"));
    this.help = new Help(reviewKeys);
    this.isJudging = false;
    this.judgements = 0;
    this.editor = new ReviewEditor(byId("editor"), this.#editorOptions());
    this.beside = new CopyStage(byId("beside-stage"), this.editor);
    this.changes = new ChangeList(byId("changes"), {
      className: (id) => this.editor.className(id),
      classColor: (id) => this.editor.classColor(id),
      select: (id) => this.editor.select(id),
    });
    this.editor.onRefresh = () => this.#showChanges();
  }

  #editorOptions() {
    const step = (direction) => () => this.#select(this.changes.after(this.editor.selectedId, direction));
    return {
      mode: /** @type {const} */ ("review"),
      project: this.project,
      onEdit: (task, edit, gesture) => this.outbox.add(task.task, "edit", edit, { gesture }),
      onClass: (name) => this.guidelines.follow(name),
      commands: {
        submit: () => this.accept(),
        acceptRestAndSubmit: () => this.accept(),
        skip: () => this.sendBack(),
        nextFrame: () => this.#turn(1),
        previousFrame: () => this.#turn(-1),
        nextBox: step(1),
        previousBox: step(-1),
        labels: () => this.editor.toggleOriginals(),
        guidelines: (editor) => this.guidelines.toggle(editor.selected && editor.className(editor.selected.class_id)),
        help: () => this.help.toggle(),
      },
    };
  }

  async start() {
    byId("accept").addEventListener("click", () => this.accept());
    byId("send-back").addEventListener("click", () => this.sendBack());
    window.addEventListener("pagehide", () => this.outbox.leave());
    await this.outbox.open();
    await this.outbox.flush();
    await this.refresh();
    this.guidelines.start().catch(() => undefined); // shown again when it is opened
    setInterval(() => document.hidden || this.refresh().catch(() => undefined), REFRESH_MS);
  }

  /** Ask what waits; the frame on the stage stays there as long as it does. */
  async refresh() {
    const judgements = this.judgements;
    const { tasks } = await api.get("/api/reviewing");
    // An answer from before a judgement would bring back the frame that was judged.
    if (this.isJudging || judgements !== this.judgements) return;
    this.waiting = tasks;
    const stays = this.task && tasks.some((one) => one.submission === this.task.submission);
    if (!stays) await this.show(tasks[0]?.task ?? null);
    this.#showWaiting();
  }

  /** @param {number | null} number */
  async show(number) {
    byId("judged").hidden = byId("changes-part").hidden = number === null;
    this.task = null;
    this.wanted = null;
    if (number === null) {
      this.beside.show(null);
      byId("beside").hidden = true;
      const why = this.project.settings.reviewer ? "" : "This project takes what is submitted without a review.";
      this.editor.clear(make("h2", {}, "Nothing waits to be reviewed"), make("p", {}, why));
      return;
    }
    this.wanted = number;
    const task = await api.get(`/api/reviewing/${number}`);
    if (this.wanted !== number) return; // another one was chosen meanwhile
    this.task = { ...task, handedIn: task.boxes };
    const boxes = folded(task.boxes, this.outbox.unsent(number));
    const draft = new Draft({ ...task, boxes }, { now: () => Date.now(), newId });
    this.editor.show(draft, this.pictures.peek(task.picture));
    this.#select(this.changes.after(null, 1), false);
    this.#showPicture(task);
    this.#showJudged();
    this.#showWaiting();
    await this.#showCopies();
  }

  async #showPicture({ task, picture: url }) {
    try {
      const picture = await this.pictures.get(url);
      if (this.task?.task === task) this.editor.setPicture(picture);
    } catch (error) {
      if (this.task?.task === task) this.editor.say(error.message);
    }
    const next = this.waiting[this.#place() + 1];
    if (next) this.pictures.get(`/api/frames/${next.frame_id}/picture`).catch(() => undefined); // asked again when shown
  }

  /** Where the frame on the stage stands among those that wait. */
  #place() {
    return this.waiting.findIndex((one) => one.task === this.task?.task);
  }

  /** @param {string | null} id @param {boolean} [zoom] */
  #select(id, zoom) {
    if (id) this.editor.select(id, zoom === undefined ? {} : { zoom });
  }

  #turn(step) {
    const next = this.waiting[this.#place() + step];
    if (next) this.show(next.task);
    else this.editor.say(step > 0 ? "This is the last frame that waits" : "This is the first one");
  }

  #showWaiting() {
    showWaiting(this.waiting, this.task?.task ?? null, (task) => this.show(task));
  }

  #showJudged() {
    const { name, person, seconds } = this.task;
    const took = seconds === null ? "" : `, in ${duration(seconds)}`;
    byId("judged-what").replaceChildren(make("strong", {}, name), make("span", {}, `by ${person}${took}`));
  }

  #showChanges() {
    if (this.task && this.editor.draft) this.changes.show(this.editor.draft.boxes(), this.editor.selectedId);
  }

  /** The same frame by other people, where the project asks for more than one. */
  async #showCopies() {
    const { frame_id: frame, task } = this.task;
    const others = this.waiting.filter((one) => one.frame_id === frame && one.task !== task);
    const copies = await Promise.all(others.map((one) => api.get(`/api/reviewing/${one.task}`)));
    if (this.task?.task !== task) return;
    const buttons = copies.map((copy) => {
      const share = Math.round(100 * agreement(this.task.handedIn, copy.boxes));
      return make(
        "button",
        { type: "button", onclick: () => this.show(copy.task), title: `Take ${copy.person}'s instead` },
        `${copy.person}: ${share} % alike`,
      );
    });
    byId("copies").replaceChildren(...buttons);
    byId("beside").hidden = !copies.length;
    byId("beside-name").textContent = copies.length ? `${copies[0].person}'s, beside ${this.task.person}'s` : "";
    this.beside.show(copies[0]?.boxes ?? null);
  }

  accept() {
    return this.#judge("accept", {});
  }

  async sendBack() {
    if (!this.task) return;
    const reason = await askReason(this.task.person);
    if (reason) await this.#judge("send-back", { reason });
    this.editor.stage.focus();
  }

  /** @param {"accept" | "send-back"} verdict @param {object} body */
  async #judge(verdict, body) {
    const judged = this.task;
    if (!judged || this.isJudging) return;
    this.isJudging = true;
    this.judgements += 1;
    await attempt(byId("failure"), async () => {
      await this.outbox.retry();
      if (this.outbox.unsent(judged.task).length) throw new Error("The server does not answer; your changes are kept here.");
      await api.post(`/api/reviewing/${judged.task}/${verdict}`, { ...body, submission: judged.submission });
      await this.#afterwards(judged, verdict === "accept" ? "Accepted" : "Sent back");
    });
    this.isJudging = false;
  }

  /** On to the frame that waited behind the one that was judged. */
  async #afterwards(judged, done) {
    const at = this.waiting.findIndex((one) => one.task === judged.task);
    const { tasks } = await api.get("/api/reviewing");
    this.waiting = tasks;
    await this.show(tasks[Math.min(at, tasks.length - 1)]?.task ?? null);
    this.#showWaiting();
    this.editor.say(`${done}: ${judged.name}`);
  }
}

await startPage("reviewer", (me, project) => new Reviewing(me, project).start());
