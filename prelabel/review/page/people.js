/**
 * The owner's table of people: roles, links that let them in, and shutting somebody out.
 */

import { api } from "./api.js";
import { byId, make, table } from "./elements.js";
import { attempt } from "./masthead.js";
import { moment } from "./wording.js";

const ROLES = ["annotator", "reviewer", "owner"];

/**
 * Fill the part "People" and make its form work.
 *
 * @param {{ person: string }} me
 */
export async function showPeople(me) {
  const form = byId("add-person");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { name, role } = Object.fromEntries(new FormData(form));
    act(me, async () => {
      await api.post("/api/people", { name, role });
      form.reset();
      await offerLink(name);
    });
  });
  form.hidden = false; // not before: a browser would send it by itself and load the page anew
  await refresh(me);
}

async function refresh(me) {
  const { people } = await api.get("/api/people");
  const rows = people.map((one) => [
    one.name,
    roleChoice(me, one),
    one.disabled ? "shut out" : one.has_login ? "yes" : "not yet",
    make(
      "span",
      { class: "line" },
      ...doorButtons(me, one),
    ),
  ]);
  byId("people").replaceChildren(
    table("People", ["Name", "Role", "Can log in", ""], rows, "Nobody but you, on this machine, without a login."),
  );
}

function doorButtons(me, person) {
  const button = (text, quiet, onclick) =>
    make("button", { type: "button", class: quiet && "quiet", onclick }, text);
  if (person.disabled) {
    return [button("Let in again", false, () => act(me, () => api.post(pathOf(person.name, "enable"))))];
  }
  const link = button("New link", false, () => act(me, () => offerLink(person.name)));
  if (person.name === me.person) return [link];
  return [link, button("Shut out", true, () => shutOut(me, person.name))];
}

/** @param {string} name @param {string} what */
function pathOf(name, what) {
  return `/api/people/${encodeURIComponent(name)}/${what}`;
}

function roleChoice(me, person) {
  const options = ROLES.map((role) => make("option", { selected: role === person.role }, role));
  const choose = (event) => {
    const role = event.target.value;
    act(me, () => api.post(pathOf(person.name, "role"), { role }));
  };
  return make(
    "select",
    { "aria-label": `Role of ${person.name}`, disabled: person.name === me.person, onchange: choose },
    ...options,
  );
}

function shutOut(me, name) {
  if (!confirm(`Shut ${name} out? What ${name} has done stays.`)) return;
  act(me, () => api.post(pathOf(name, "disable")));
}

async function offerLink(name) {
  const { link, valid_until: until } = await api.post(pathOf(name, "link"));
  const field = make("input", { readonly: true, value: link, "aria-label": `Link for ${name}` });
  const copy = make(
    "button",
    { type: "button", onclick: () => navigator.clipboard.writeText(link) },
    "Copy",
  );
  byId("fresh-link").replaceChildren(
    make("p", {}, `Give this link to ${name}. It works once, until ${moment(until)}, and is shown only here.`),
    make("span", { class: "line" }, field, copy),
  );
  field.select();
}

async function act(me, action) {
  await attempt(byId("people-failure"), action);
  await refresh(me).catch(() => undefined); // once a login is asked, of this page too
}
