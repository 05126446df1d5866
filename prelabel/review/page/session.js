/** Being logged in: asked again in place when it has ended, so that nothing on the page is lost. */

import { askLogin } from "./dialogs.js";

export class Session {
  /**
   * @param {import("./api.js").Api} api @param {string} person whose page this is
   * @param {import("./notices.js").Notices} notices
   * @param {() => Promise<void>} onBack the person is logged in again
   */
  constructor(api, person, notices, onBack) {
    this.api = api;
    this.person = person;
    this.notices = notices;
    this.onBack = onBack;
    /** @type {Promise<void> | null} */
    this.asking = null;
  }

  /** Nobody is logged in any more, or the page's token is old. */
  ask() {
    this.asking ??= this.#ask().finally(() => {
      this.asking = null;
    });
    return this.asking;
  }

  async #ask() {
    if (await this.goOn()) return;
    const isIn = await askLogin(this.person, async (name, password) => {
      await this.api.post("/api/login", { name, password });
    });
    if (isIn && (await this.goOn())) return;
    const again = { label: "Log in", run: () => this.ask() };
    this.notices.tell("You are logged out. What you do is kept here.", [again], "login");
  }

  /** Whether somebody is logged in; if it is the same person, all goes on. */
  async goOn() {
    const me = await this.api.me().catch(() => null);
    if (!me) return false;
    this.notices.drop("login");
    if (me.person === this.person) await this.onBack();
    else location.reload(); // what was kept waits for its person
    return true;
  }
}
