/**
 * The head of every page but the annotator's: where one is, where one may go, and who one is.
 */

import { api } from "./api.js";
import { byId, make } from "./elements.js";

const RANKS = ["annotator", "reviewer", "owner"];
const PLACES = [
  { path: "/", name: "Correct", from: "annotator" },
  { path: "/reviewing", name: "Review", from: "reviewer" },
  { path: "/record", name: "Your record", from: "annotator" },
  { path: "/owner", name: "Project", from: "owner" },
];

/**
 * Whether a role includes another one.
 *
 * @param {string} role
 * @param {string} needed
 */
export function mayDo(role, needed) {
  return RANKS.indexOf(role) >= RANKS.indexOf(needed);
}

/**
 * The pages this person may go to.
 *
 * @param {{ role: string }} me
 * @param {{ settings: { reviewer: boolean } }} project
 */
export function placesFor(me, project) {
  return PLACES.filter(
    (place) => mayDo(me.role, place.from) && (place.path !== "/reviewing" || project.settings.reviewer),
  );
}

/**
 * Fill the page's `<header id="masthead">`, and give back who is there and what the project is.
 *
 * @returns {Promise<{ me: any, project: any }>}
 */
export async function masthead() {
  const me = await api.me().catch(toLogin);
  const project = await api.get("/api/project");
  byId("masthead").replaceChildren(
    make(
      "a",
      { class: "brand", href: "/" },
      make("img", { src: "/page/icon.svg", alt: "", width: 24, height: 24 }),
      project.name,
    ),
    make(
      "nav",
      { "aria-label": "Pages" },
      ...placesFor(me, project).map((place) =>
        make(
          "a",
          { href: place.path, "aria-current": place.path === location.pathname && "page" },
          place.name,
        ),
      ),
    ),
    make(
      "div",
      { class: "who" },
      make("span", {}, me.person),
      me.login_needed && make("button", { type: "button", class: "quiet", onclick: logOut }, "Log out"),
    ),
  );
  return { me, project };
}

/** Whoever is not logged in comes back here afterwards. @param {Error & { kind?: string }} error */
function toLogin(error) {
  if (error.kind === "login") {
    location.replace(`/login?then=${encodeURIComponent(location.pathname)}`);
    return new Promise(() => {}); // the page is left
  }
  throw error;
}

/** End the session and go to where the next one begins. */
export async function logOut() {
  await api.post("/api/logout");
  location.assign("/login");
}

/**
 * Do something a person asked for, and say under their button when it failed.
 *
 * @param {HTMLElement} failure  A `.failure` with role alert.
 * @param {() => Promise<void>} action
 */
export async function attempt(failure, action) {
  failure.hidden = true;
  try {
    await action();
  } catch (error) {
    failure.textContent = error.message;
    failure.hidden = false;
  }
}
