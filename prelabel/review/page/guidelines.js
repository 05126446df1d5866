/**
 * The guidelines beside the picture: open at the class in hand, and told about when they change.
 */

import { ApiError } from "./api.js";
import { make } from "./elements.js";

const READ = "prelabel.guidelines.read";
const POLL_MS = 60_000;

/**
 * @typedef {{ version: number, html: string, author: string, at: string,
 *   sections?: Record<string, string> }} GuidelineText
 * @typedef {{ from: number, to: number, html: string }} GuidelineChanges
 */

/**
 * The panel with the text, and the bar that says what is new since this person last read it.
 */
export class Guidelines {
  /**
   * @param {{ get(path: string): Promise<any> }} api
   * @param {HTMLElement} panel  Where the text is shown; hidden as long as it is closed.
   * @param {HTMLElement} news  Where the bar is shown.
   * @param {Storage} storage  Remembers the version that was read.
   */
  constructor(api, panel, news, storage = localStorage) {
    this.api = api;
    this.panel = panel;
    this.news = news;
    this.storage = storage;
    /** @type {GuidelineText | null} */
    this.text = null;
    /** @type {string | null}  The class whose section the open panel has turned to. */
    this.inHand = null;
    this.body = make("div", { class: "guideline-text", tabindex: 0 });
    this.from = make("p", { class: "guideline-version" });
    panel.replaceChildren(
      make(
        "header",
        { class: "guideline-head" },
        make("h2", {}, "Guidelines"),
        make(
          "button",
          { type: "button", class: "quiet", "aria-label": "Close", onclick: () => this.close() },
          "×",
        ),
      ),
      this.body,
      this.from,
    );
    panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.close();
    });
  }

  get isOpen() {
    return !this.panel.hidden;
  }

  /** Load the text, say what changed since it was last read, and look for changes from now on. */
  async start() {
    setInterval(() => this.#look(), POLL_MS);
    document.addEventListener("visibilitychange", () => this.#look());
    await this.#load();
    if (this.text && this.text.version > this.#read()) await this.#tell(this.#read());
  }

  /**
   * The server has named the version that holds; a newer one than ours is told about.
   *
   * @param {number | null | undefined} version
   */
  async notice(version) {
    if (!version || version <= (this.text?.version ?? 0)) return;
    const before = this.text?.version ?? this.#read();
    await this.#load();
    await this.#tell(before);
  }

  /** @param {string | null} [className] */
  async toggle(className = null) {
    if (this.isOpen) this.close();
    else await this.open(className);
  }

  /**
   * Show the text, at the section about a class where there is one.
   *
   * @param {string | null} [className]
   */
  async open(className = null) {
    this.panel.hidden = false;
    this.follow(className);
    this.body.focus({ preventScroll: true });
    try {
      if (!this.text) await this.#load();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!this.text) this.body.replaceChildren(make("p", { class: "empty" }, error.message));
    }
    if (this.isOpen) this.#seen(); // it may have been closed while the text was under way
  }

  close() {
    this.panel.hidden = true;
    this.panel.dispatchEvent(new CustomEvent("guidelines-closed", { bubbles: true }));
  }

  /**
   * Another class is in hand: turn to its section, if the panel is open.
   *
   * @param {string | null} className
   */
  follow(className) {
    if (!this.isOpen) return;
    this.inHand = className;
    this.#turn();
  }

  #turn() {
    for (const marked of this.body.querySelectorAll(".in-hand")) marked.classList.remove("in-hand");
    const heading = this.inHand ? this.#headingOf(this.inHand) : null;
    if (!heading) return;
    heading.classList.add("in-hand");
    this.body.scrollTop = heading.offsetTop - this.body.offsetTop;
  }

  #headingOf(className) {
    const anchor = this.text?.sections?.[className];
    if (!anchor) return null;
    return this.body.querySelector(`#${CSS.escape(`guide-${anchor}`)}`);
  }

  async #load() {
    const text = await this.api.get("/api/guidelines");
    if (this.text && (text.version ?? 0) <= this.text.version) return; // answers may overtake each other
    this.text = text.version ? text : null;
    if (!this.text) {
      this.body.replaceChildren(make("p", { class: "empty" }, "Nobody has written guidelines yet."));
      this.from.textContent = "";
      return;
    }
    this.body.replaceChildren(...guidelineNodes(this.text.html));
    this.#turn();
    this.from.textContent = `Version ${this.text.version}, by ${this.text.author}`;
  }

  async #look() {
    if (document.hidden) return;
    try {
      const project = await this.api.get("/api/project");
      await this.notice(project.guideline_version);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // without an answer: next time
    }
  }

  /** @param {number} since  The version that was read before; 0: none. */
  async #tell(since) {
    if (!since) return;
    const changes = await this.api.get(`/api/guidelines/changes?since=${since}`);
    const details = make("div", { class: "news-text" }, ...guidelineNodes(changes.html));
    this.news.replaceChildren(
      make("p", { class: "news-head" }, make("strong", {}, "The guidelines have changed.")),
      details,
      make(
        "div",
        { class: "news-buttons" },
        make("button", { type: "button", onclick: () => this.open() }, "Read them"),
        make("button", { type: "button", class: "quiet", onclick: () => this.#seen() }, "Got it"),
      ),
    );
    this.news.hidden = false;
  }

  #seen() {
    this.news.hidden = true;
    if (this.text) this.storage.setItem(READ, String(this.text.version));
  }

  #read() {
    return Number(this.storage.getItem(READ) ?? 0);
  }
}

/**
 * Rendered guidelines as nodes for the page: ids get a prefix, so that no heading takes the place
 * of an element of ours, and links open beside the work.
 *
 * @param {string} html  As the server has rendered it; it lets no markup of the author through.
 * @returns {Node[]}
 */
export function guidelineNodes(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html").body;
  for (const element of parsed.querySelectorAll("[id]")) element.id = `guide-${element.id}`;
  for (const link of parsed.querySelectorAll("a[href]")) {
    const target = link.getAttribute("href") ?? "";
    if (target.startsWith("#")) link.setAttribute("href", `#guide-${target.slice(1)}`);
    else {
      link.setAttribute("target", "_blank");
      link.setAttribute("rel", "noopener noreferrer");
    }
  }
  return [...parsed.childNodes];
}
