/**
 * The reviewer's page: what waits, what the annotator made of the proposals, accept or send back.
 *
 * @typedef {import("./types.js").TaskView} TaskView
 */

import { api } from "./api.js";
import { Draft } from "./boxes.js";
import { ChangeList } from "./change-list.js";
import { agreement } from "./changes.js";
import { CopyStage } from "./copy-stage.js";
import { byId, make } from "./elements.js";
import { Help } from "./help.js";
import { newId } from "./ids.js";
import { BINDINGS, helpRows } from "./keys.js";
import { attempt, startPage } from "./masthead.js";
import { Outbox } from "./outbox.js";
import { Pictures } from "./pictures.js";
import { askReason } from "./reasons.js";
import { ReviewEditor } from "./review-editor.js";
import { browserShelf } from "./shelf.js";
import { counted, duration } from "./wording.js";

const REFRESH_MS = 20_000;
/** What keys do here and not on the annotator's page. */
const TITLES = {
  submit: "Accept what was handed in",
  skip: "Send back, with a reason",
  nextFrame: "Next waiting frame",
  previousFrame: "Previous waiting frame",
  nextBox: "Next change",
  previousBox: "Previous change",
  labels: "What was proposed: show, hide",
};
const NOT_HERE = new Set(["acceptRestAndSubmit", "guidelines"]);

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
    this.help = new Help(reviewKeys());
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
      commands: {
        submit: () => this.accept(),
        acceptRestAndSubmit: () => this.accept(),
        skip: () => this.sendBack(),
        nextFrame: () => this.#turn(1),
        previousFrame: () => this.#turn(-1),
        nextBox: step(1),
        previousBox: step(-1),
        labels: () => this.editor.toggleOriginals(),
        guidelines: () => undefined,
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
    setInterval(() => document.hidden || this.refresh().catch(() => undefined), REFRESH_MS);
  }

  /** Ask what waits; the frame on the stage stays there as long as it does. */
  async refresh() {
    const { tasks } = await api.get("/api/reviewing");
    this.waiting = tasks;
    const stays = this.task && tasks.some((one) => one.submission === this.task.submission);
    if (!stays) await this.show(tasks[0]?.task ?? null);
    this.#showWaiting();
  }

  /** @param {number | null} number */
  async show(number) {
    byId("judged").hidden = byId("changes-part").hidden = number === null;
    this.task = null;
    if (number === null) {
      this.beside.show(null);
      byId("beside").hidden = true;
      const why = this.project.settings.reviewer ? "" : "This project takes what is submitted without a review.";
      this.editor.clear(make("h2", {}, "Nothing waits to be reviewed"), make("p", {}, why));
      return;
    }
    const task = await api.get(`/api/reviewing/${number}`);
    this.task = { ...task, waitingBoxes: task.boxes };
    const draft = new Draft(task, { now: () => Date.now(), newId });
    this.editor.show(draft, this.pictures.peek(task.picture));
    this.#select(this.changes.after(null, 1), false);
    this.pictures.get(task.picture).then((picture) => this.task?.task === number && this.editor.setPicture(picture));
    this.#showJudged();
    this.#showWaiting();
    await this.#showCopies();
  }

  /** @param {string | null} id @param {boolean} [zoom] */
  #select(id, zoom) {
    if (id) this.editor.select(id, zoom === undefined ? {} : { zoom });
  }

  #turn(step) {
    const at = this.waiting.findIndex((one) => one.task === this.task?.task);
    const next = this.waiting[at + step];
    if (next) this.show(next.task);
    else this.editor.say(step > 0 ? "This is the last frame that waits" : "This is the first one");
  }

  #showWaiting() {
    const rows = this.waiting.map((one) =>
      make(
        "li",
        {},
        make(
          "button",
          { type: "button", "aria-current": one.task === this.task?.task && "true", onclick: () => this.show(one.task) },
          make("span", { class: "waiting-name" }, one.name),
          make("span", { class: "waiting-who" }, `${one.person} · ${counted(one.boxes, "box", "boxes")}`),
        ),
      ),
    );
    byId("waiting").replaceChildren(...rows);
    byId("waiting-head").textContent = rows.length ? `Waiting: ${rows.length}` : "Waiting";
    document.title = rows.length ? `(${rows.length}) Review – prelabel` : "Review – prelabel";
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
      const share = Math.round(100 * agreement(this.task.waitingBoxes, copy.boxes));
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
  #judge(verdict, body) {
    const judged = this.task;
    if (!judged) return undefined;
    return attempt(byId("failure"), async () => {
      await this.outbox.retry();
      if (this.outbox.unsent(judged.task).length) throw new Error("The server does not answer; your changes are kept here.");
      await api.post(`/api/reviewing/${judged.task}/${verdict}`, { ...body, submission: judged.submission });
      await this.#afterwards(judged, verdict === "accept" ? "Accepted" : "Sent back");
    });
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

/** The keys of this page: the editor's, with what they mean here. */
function reviewKeys() {
  const here = new Map(
    BINDINGS.map(({ command, title }) => [title, NOT_HERE.has(command) ? "" : (TITLES[command] ?? title)]),
  );
  return helpRows().map(({ group, rows }) => ({
    group,
    rows: rows
      .map(({ keys, title }) => ({ keys, title: here.get(title) ?? title }))
      .filter(({ title }) => title),
  }));
}

await startPage("reviewer", (me, project) => new Reviewing(me, project).start());
