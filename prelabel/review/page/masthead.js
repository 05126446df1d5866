/**
 * The head of every page but the annotator's: where one is, where one may go, and who one is.
 */

import { ApiError, api } from "./api.js";
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
 * Fill the page's `<header id="masthead">` and run the page, or say why that cannot be.
 *
 * @param {string} needed the role that the page is for
 * @param {(me: any, project: any) => Promise<void>} run
 */
export async function startPage(needed, run) {
  try {
    const me = await api.me().catch(toLogin);
    const project = await api.get("/api/project");
    showMasthead(me, project);
    if (mayDo(me.role, needed)) await run(me, project);
    else sayInstead(`This page is for ${needed}s; you are here as ${me.role}.`);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const again = make("button", { type: "button", onclick: () => location.reload() }, "Try again");
    sayInstead(error.message, again);
  }
}

/** @param {...(Node | string)} content */
function sayInstead(...content) {
  byId("main").replaceChildren(make("div", { class: "instead sheet", role: "alert" }, ...content));
}

function showMasthead(me, project) {
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
