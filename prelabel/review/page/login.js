/**
 * Logging in: by name and password, or by a link that works once and lets its reader choose one.
 */

import { api } from "./api.js";
import { byId } from "./elements.js";

const LINK = "/link/";

/** Where a person wanted to go before a login was asked; only ever a place on this server. */
function goal() {
  const wanted = new URLSearchParams(location.search).get("then") ?? "/";
  return /^\/(?![/\\])/.test(wanted) ? wanted : "/";
}

/**
 * Send what a form holds, and say in the form why it was not taken.
 *
 * @param {HTMLFormElement} form
 * @param {() => Promise<unknown>} send
 */
async function sendForm(form, send) {
  const failure = form.querySelector(".failure");
  const buttons = form.querySelectorAll("button");
  failure.hidden = true;
  for (const button of buttons) button.disabled = true;
  try {
    await send();
    location.replace(goal());
  } catch (error) {
    failure.textContent = error.message;
    failure.hidden = false;
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

function offerLogin() {
  const form = byId("login");
  form.hidden = false;
  form.elements.namedItem("name").focus();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { name, password } = Object.fromEntries(new FormData(form));
    sendForm(form, () => api.post("/api/login", { name, password }));
  });
}

/** @param {string} token */
function offerPassword(token) {
  document.title = "Welcome – prelabel";
  const form = byId("link");
  form.hidden = false;
  form.elements.namedItem("password").focus();
  const redeem = (password) => sendForm(form, () => api.post("/api/link", { token, password }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { password, repeated } = Object.fromEntries(new FormData(form));
    if (password !== repeated) sendForm(form, () => Promise.reject(new Error("The two are not the same.")));
    else redeem(password);
  });
  byId("without").addEventListener("click", () => redeem(null));
}

if (location.pathname.startsWith(LINK)) {
  offerPassword(decodeURIComponent(location.pathname.slice(LINK.length)));
} else {
  offerLogin();
}
